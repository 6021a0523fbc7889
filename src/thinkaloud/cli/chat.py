"""`thinkaloud chat`: one question, or a conversation."""

import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from thinkaloud.agent import Agent
from thinkaloud.cli.asking import DEMO_NOTICE, ask, beside, effort_of
from thinkaloud.cli.conversation import Conversation
from thinkaloud.cli.exits import ExitCode
from thinkaloud.cli.options import ChatOptions
from thinkaloud.cli.screen import Screen
from thinkaloud.cli.session import Session
from thinkaloud.cli.stream import Lines, Plain, View
from thinkaloud.errors import InvalidRequest
from thinkaloud.runtime.runs import RunRequest

_PIPE: Final = "-"
_MOST_PIPED: Final = 1024 * 1024


def run(options: ChatOptions) -> ExitCode:
    """Ask once with the argument or the pipe; without either hold a conversation.

    Raises `ThinkaloudError` before anything is asked.
    """
    interactive = options.text is None and sys.stdin.isatty()
    if interactive and (options.json or not sys.stdout.isatty()):
        raise InvalidRequest("There is nothing to ask: give a TEXT, or pipe one in.")
    effort = effort_of(options.effort)
    text, context = ("", {}) if interactive else _asked(options)
    with Session(Agent(model=options.model, config=options.config)) as session:
        request = RunRequest(
            text,
            context=context,
            context_files=tuple(_file(session, name) for name in options.files if name != _PIPE),
            image_path=None if options.image is None else _file(session, options.image),
            max_iterations=options.max_iterations,
            reasoning_effort=effort,
        )
        if interactive:
            return Conversation(session, request, _view(options)).hold()
        if session.runtime.is_demo:
            beside(DEMO_NOTICE)
        return ask(session, request, _view(options))


def _asked(options: ChatOptions) -> tuple[str, dict[str, object]]:
    """Return the question and the material from the pipe."""
    if _PIPE not in options.files:
        return (_piped() if options.text is None else options.text), {}
    if options.text is None or sys.stdin.isatty():
        raise InvalidRequest("`--file -` needs a TEXT to ask and a pipe to read.")
    return options.text, {"stdin": _piped()}


def _piped() -> str:
    data = sys.stdin.buffer.read(_MOST_PIPED + 1)
    if len(data) > _MOST_PIPED:
        raise InvalidRequest(f"The pipe gives more than the {_MOST_PIPED:,} bytes allowed.")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidRequest("The pipe gives no text in UTF-8.") from error


def _file(session: Session, name: str) -> str:
    """Return what the workspace calls a file; a path from here is taken where it leads there."""
    workspace = session.runtime.configuration.settings.server.workspace
    if workspace is None:
        raise InvalidRequest(
            "--file and --image name files of the workspace, and there is none: set `workspace`"
            " under [server] in thinkaloud.toml or THINKALOUD_SERVER__WORKSPACE, or pipe a text"
            " in with `--file -`."
        )
    root = Path(workspace).expanduser().resolve()
    path = Path(name).expanduser()
    if path.exists() and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    return name


def _view(options: ChatOptions) -> View:
    if options.json:
        return Lines(sys.stdout, thinking=options.thinking is True)
    console = Console(highlight=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return Screen(console, options.thinking)
    return Plain(sys.stdout, sys.stderr, thinking=options.thinking is True)
