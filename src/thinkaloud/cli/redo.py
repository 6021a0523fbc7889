"""`thinkaloud conversations regenerate` and `edit`: another version of a message."""

from thinkaloud.cli.asking import ask, effort_of, say_demo
from thinkaloud.cli.exits import ExitCode
from thinkaloud.cli.opened_view import opened_view
from thinkaloud.cli.options import RedoOptions
from thinkaloud.cli.piped import PIPE, read_pipe
from thinkaloud.cli.place import opened_place
from thinkaloud.cli.said import again, check_id, run_of
from thinkaloud.cli.session import Session
from thinkaloud.config import load
from thinkaloud.runtime.request import RunRequest


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
    with Session(opened_place(load(options.config), options.model)) as session:
        archive = session.opened.archive
        replaced = session.wait(run_of(archive, options.conversation_id, options.run))
        request = again(asked, replaced, text)
        say_demo(session, request)
        return ask(session, request, opened_view(options.thinking, json=options.json))
