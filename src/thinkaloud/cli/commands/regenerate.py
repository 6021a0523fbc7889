"""`thinkaloud conversations regenerate` and `edit`: another version of a message."""

from thinkaloud.cli.backend.backend import open_backend
from thinkaloud.cli.backend.history import check_id, find_run, retry_request
from thinkaloud.cli.commands.one_shot import ask, effort_of, say_demo
from thinkaloud.cli.commands.piped_input import PIPE, read_pipe
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import Session
from thinkaloud.cli.options import RedoOptions
from thinkaloud.cli.ui.view import open_view
from thinkaloud.config import load
from thinkaloud.runtime.runs.request import RunRequest


def run(options: RedoOptions) -> ExitCode:
    """Start a run that replaces another one, and show it. Raises `ThinkaloudError` before that."""
    check_id(options.conversation_id)
    text = read_pipe() if options.text == PIPE else options.text
    asked = RunRequest(
        "",
        conversation_id=options.conversation_id,
        max_iterations=options.max_iterations,
        model=options.model,
        reasoning_effort=effort_of(options.effort),
    )
    with Session(open_backend(load(options.config), options.model)) as session:
        archive = session.opened.archive
        replaced = session.wait(find_run(archive, options.conversation_id, options.run))
        request = retry_request(asked, replaced, text)
        say_demo(session, request)
        return ask(session, request, open_view(options.thinking, json=options.json))
