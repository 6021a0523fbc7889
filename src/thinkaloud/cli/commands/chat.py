"""`thinkaloud chat`: a single question or an interactive chat."""

import sys
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.cli.backend.backend import Backend, open_backend
from thinkaloud.cli.backend.conversations import ConversationEntry
from thinkaloud.cli.backend.history import validate_id
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import (
    ask,
    new_id,
    parse_effort,
    print_resume_command,
    warn_if_demo,
)
from thinkaloud.cli.commands.piped_input import PIPE, has_pipe, is_terminal, read_pipe
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import ChatOptions
from thinkaloud.cli.ui.view import open_view
from thinkaloud.config import Configuration
from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.runtime.runs.request import RunRequest

_NOTHING: Final = "No question: pass TEXT or pipe it in."


def run(options: ChatOptions) -> ExitCode:
    """Ask the question from the argument and the pipe; without either, start the prompt.

    Raises `ThinkaloudError` before anything is sent.
    """
    interactive = options.text is None and is_terminal()
    if interactive and (options.json or not sys.stdout.isatty()):
        raise InvalidRequest(_NOTHING)
    _check_options(options)
    effort = parse_effort(options.effort)
    text, context = ("", {}) if interactive else _read_question(options)
    configuration = load_for(options.config, options.owner)
    request = RunRequest(
        text,
        context=context,
        context_files=tuple(
            _workspace_name(configuration, each) for each in options.files if each != PIPE
        ),
        image_path=None if options.image is None else _workspace_name(configuration, options.image),
        max_iterations=options.max_iterations,
        model=options.model,
        reasoning_effort=effort,
    )
    opening = open_backend(configuration, options.model, temporary=options.temporary)
    with LoopThread(opening) as loop:
        found = _find_conversation(loop, options)
        view = open_view(options.thinking, json=options.json)
        if interactive:
            # Imported only here, because a single question needs no prompt.
            from thinkaloud.cli.commands.conversation import Conversation  # noqa: PLC0415
            from thinkaloud.cli.commands.repl import Repl  # noqa: PLC0415

            conversation = Conversation(loop, request, view, options)
            return Repl(loop, conversation).run(found)
        conversation_id = new_id() if found is None else found.conversation_id
        request = msgspec.structs.replace(request, conversation_id=conversation_id)
        warn_if_demo(loop, request)
        code = ask(loop, request, view)
        if loop.resource.is_persistent and sys.stderr.isatty():
            print_resume_command(conversation_id, options)
        return code


def _check_options(options: ChatOptions) -> None:
    chosen = (options.conversation_id is not None, options.latest, options.temporary)
    if sum(chosen) > 1:
        raise InvalidRequest("Use only one of --conversation, --continue and --temporary.")
    if options.conversation_id is not None:
        validate_id(options.conversation_id)


def _find_conversation(loop: LoopThread[Backend], options: ChatOptions) -> ConversationEntry | None:
    """Return the conversation to continue, if any. Raises `NotFound` if it does not exist."""
    archive = loop.resource.archive
    if options.conversation_id is not None:
        return loop.wait(archive.get(options.conversation_id))
    if not options.latest:
        return None
    latest = loop.wait(archive.search("", 1))
    if not latest:
        raise NotFound("There is no conversation to continue.")
    return latest[0]


def _read_question(options: ChatOptions) -> tuple[str, dict[str, object]]:
    """Return the question, and piped input as context."""
    piped = read_pipe()
    if options.text is None or options.text == PIPE:
        if PIPE in options.files:
            raise InvalidRequest("`--file -` needs TEXT: a question about the piped input.")
        text, context = piped, {}
    else:
        if PIPE in options.files and not has_pipe():
            raise InvalidRequest("`--file -` needs piped input.")
        text, context = options.text, _piped_context(piped)
    if not (text.strip() or context or options.files or options.image):
        raise InvalidRequest(_NOTHING)
    return text, context


def _piped_context(piped: str) -> dict[str, object]:
    return {"stdin": piped} if piped else {}


def _workspace_name(configuration: Configuration, name: str) -> str:
    """Return a file's path within the workspace; `name` may also be a path from the current folder."""
    workspace = configuration.settings.server.workspace
    if workspace is None:
        raise InvalidRequest(
            "--file and --image need a workspace: set `workspace` under [server] in"
            " thinkaloud.toml or THINKALOUD_SERVER__WORKSPACE, or pipe the text in with"
            " `--file -`."
        )
    root = Path(workspace).expanduser().resolve()
    path = Path(name).expanduser()
    if path.exists() and path.resolve().is_relative_to(root):
        return path.resolve().relative_to(root).as_posix()
    return name
