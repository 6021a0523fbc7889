"""`thinkaloud conversations regenerate` and `edit`: create a new version of a message."""

from thinkaloud.cli.backend.backend import open_backend
from thinkaloud.cli.backend.history import find_run, retry_request, validate_id
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import ask, parse_effort, warn_if_demo
from thinkaloud.cli.commands.piped_input import PIPE, read_pipe
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import RegenerateOptions
from thinkaloud.cli.ui.view import open_view
from thinkaloud.runtime.runs.request import RunRequest


def run(options: RegenerateOptions) -> ExitCode:
    """Start a run that replaces another one and show it. Raises `ThinkaloudError` before that."""
    validate_id(options.conversation_id)
    text = read_pipe() if options.text == PIPE else options.text
    asked = RunRequest(
        "",
        conversation_id=options.conversation_id,
        max_iterations=options.max_iterations,
        model=options.model,
        reasoning_effort=parse_effort(options.effort),
    )
    with LoopThread(open_backend(load_for(options.config, options.owner), options.model)) as loop:
        archive = loop.resource.archive
        replaced = loop.wait(find_run(archive, options.conversation_id, options.run))
        request = retry_request(asked, replaced, text)
        warn_if_demo(loop, request)
        return ask(loop, request, open_view(options.thinking, json=options.json))
