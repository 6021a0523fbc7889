"""Runs a single request: start it, show its events, report how it ended."""

import secrets
import shlex
from typing import Final

from rich.console import Console
from rich.text import Text

from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.exit_codes import ExitCode, exit_code_for_run
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import ChatOptions
from thinkaloud.cli.ui.interrupts import start_run
from thinkaloud.cli.ui.plain import View
from thinkaloud.cli.ui.sanitize import sanitize
from thinkaloud.errors import InternalError, InvalidRequest
from thinkaloud.events.event import RunEnded
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort
from thinkaloud.providers.demo import DEMO_MODEL_ID
from thinkaloud.runtime.runs.request import RunRequest

DEMO_NOTICE: Final = (
    "No model is configured: this is the built-in demo model, not an AI."
    " Run `thinkaloud doctor` to see how to connect a real one."
)


def ask(loop: LoopThread[Backend], request: RunRequest, view: View) -> ExitCode:
    """Run a request and return its exit code. Raises as `Backend.run`, before anything is shown.

    The first Ctrl-C stops the run and keeps its output so far. The second raises
    `KeyboardInterrupt`.
    """
    ended: RunEnded | None = None
    with start_run(loop, request, include_reasoning=view.shows_reasoning) as run:
        try:
            for logged in run:
                view.show(logged)
                if isinstance(logged.event, RunEnded):
                    ended = logged.event
        finally:
            view.end()
    if ended is None:
        raise InternalError("The run ended without a terminal event.")
    _report(ended)
    return exit_code_for_run(ended)


def warn_if_demo(loop: LoopThread[Backend], request: RunRequest) -> None:
    """Print a notice if the request is for the demo model."""
    asked = request.model or loop.wait(loop.resource.model(None)).id
    if asked == DEMO_MODEL_ID:
        print_notice(DEMO_NOTICE)


def print_notice(text: str, style: str = "yellow", *, wrap: bool = True) -> None:
    """Print a line to stderr, so that it is never part of an answer.

    On a terminal it is wrapped at words, unless `wrap` is off, so that it can be copied.
    """
    console = Console(stderr=True, highlight=False)
    console.print(Text(sanitize(text), style=style), soft_wrap=not (wrap and console.is_terminal))


def parse_effort(text: str | None) -> Effort | None:
    """Parse a reasoning effort: a level, or a number of tokens. Raises `InvalidRequest`."""
    if text is None:
        return None
    for level in EFFORT_LEVELS:
        if text == level:
            return level
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise InvalidRequest(
        f"The effort must be {', '.join(EFFORT_LEVELS)}, or a number of tokens.",
        field="reasoning_effort",
    )


def _report(ended: RunEnded) -> None:
    match ended.status:
        case "completed":
            if ended.outcome is not None:
                print_notice(ended.outcome.message)
        case "stopped":
            print_notice("Stopped. The output so far is saved.")
        case "max_iterations":
            calls = f"{ended.iterations} model call{'s' * (ended.iterations != 1)}"
            print_notice(f"Stopped after {calls}, the limit. Use --max-iterations to raise it.")
        case "failed":
            if ended.error is not None:
                print_notice(f"Failed ({ended.error.code}): {ended.error.message}", "red")


def new_id() -> str:
    """Return an id for a new conversation."""
    return f"cli_{secrets.token_hex(8)}"


def print_resume_command(conversation_id: str, options: ChatOptions) -> None:
    """Print the command that continues a conversation."""
    named = [] if options.config is None else ["--config", str(options.config)]
    if options.owner is not None:
        named += ["--owner", options.owner]
    command = shlex.join(["thinkaloud", "chat", *named, "--conversation", conversation_id])
    print_notice(f"Resume with: {command}", "dim", wrap=False)
