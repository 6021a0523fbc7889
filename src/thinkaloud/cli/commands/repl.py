"""The interactive prompt of `thinkaloud chat` and its commands."""

import re
from collections.abc import Callable
from typing import Final

from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.backend.conversations import ConversationEntry
from thinkaloud.cli.backend.history import validate_id
from thinkaloud.cli.commands.conversation import (
    Conversation,
    list_versions,
    show_last_exchange,
    show_version,
)
from thinkaloud.cli.commands.one_shot import DEMO_NOTICE, parse_effort, print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.ui.line_input import LineEditor, echo_disabled
from thinkaloud.cli.ui.sanitize import one_line
from thinkaloud.errors import InvalidRequest, ThinkaloudError
from thinkaloud.ports.model import ModelInfo
from thinkaloud.providers.demo import DEMO_MODEL_ID
from thinkaloud.runtime.runs.effort import effective_effort
from thinkaloud.version import __version__

_COMMAND: Final = re.compile(r"/[a-z]+")
_HELP: Final = """\
/retry              regenerate the last answer
/edit TEXT          edit the last question and resend it
/versions           list messages that have several versions
/select N.M         switch to version M of message N
/new                start a new conversation
/temporary          start a conversation that is not saved
/conversation [ID]  list recent conversations, or resume one
/model [ID]         list models, or switch to one
/effort [LEVEL]     show or set the reasoning effort; "default" resets it
/help               show this help
/quit               quit (or press Ctrl-D)
Press Enter to send, Alt-Enter for a new line. Pasted text keeps its lines.
Press Ctrl-C to stop an answer, and again to quit."""


class Repl:
    """Reads questions and commands, and runs them."""

    def __init__(self, loop: LoopThread[Backend], conversation: Conversation) -> None:
        self._loop = loop
        self._backend = loop.resource
        self._conversation = conversation
        # Each returns whether Ctrl-C interrupted it.
        self._commands: dict[str, Callable[[str], bool]] = {
            "/retry": lambda _: conversation.retry(),
            "/edit": self._edit,
            "/versions": lambda _: list_versions(conversation),
            "/select": lambda version: show_version(conversation, version),
            "/new": self._new,
            "/temporary": self._temporary,
            "/conversation": self._resume,
            "/model": self._model,
            "/effort": self._effort,
            "/help": self._help,
        }

    def run(self, continued: ConversationEntry | None) -> ExitCode:
        """Read and answer until the user quits. Resumes `continued` first, if given."""
        model = self._conversation.model or self._current().id
        print_notice(f"thinkaloud {__version__} · {one_line(model, 200)} · /help", "dim")
        if model == DEMO_MODEL_ID:
            print_notice(DEMO_NOTICE)
        if not self._backend.is_persistent:
            print_notice("This conversation is not saved.", "dim")
        try:
            if continued is not None:
                self._show(continued)
            return self._loop_until_quit()
        finally:
            self._conversation.leave()

    def _loop_until_quit(self) -> ExitCode:
        interrupted = False
        typed = LineEditor()
        while True:
            try:
                text = typed.read()
            except EOFError:
                return ExitCode.OK
            except KeyboardInterrupt:
                if interrupted:
                    return ExitCode.INTERRUPTED
                interrupted = True
                print_notice("Press Ctrl-C again to quit.", "dim")
                continue
            if text.strip() in {"/quit", "/exit"}:
                return ExitCode.OK
            with echo_disabled():
                interrupted = bool(text.strip()) and self._execute(text)

    def _execute(self, text: str) -> bool:
        """Run a question or a command; return whether Ctrl-C interrupted it."""
        try:
            name, argument = [*text.split(maxsplit=1), ""][:2]
            # Anything else, such as a path, is a question.
            if not _COMMAND.fullmatch(name):
                return self._conversation.ask(text.strip("\n"))
            command = self._commands.get(name)
            if command is None:
                raise InvalidRequest(f"Unknown command {name}. /help lists all commands.")
            return command(argument.strip())
        except ThinkaloudError as error:
            print_notice(error.message, "red")
            return False

    def _edit(self, text: str) -> bool:
        if not text:
            raise InvalidRequest("Usage: /edit TEXT")
        return self._conversation.retry(text)

    def _new(self, _: str) -> bool:
        self._conversation.start_new()
        print_notice("Started a new conversation.", "dim")
        return False

    def _temporary(self, _: str) -> bool:
        self._conversation.start_new(temporary=True)
        print_notice(
            "Started a temporary conversation, which is not saved. /new starts one that is.", "dim"
        )
        return False

    def _resume(self, conversation_id: str) -> bool:
        if conversation_id:
            validate_id(conversation_id)
            self._show(self._conversation.find(conversation_id))
            return False
        latest = self._conversation.latest()
        if not latest:
            print_notice("No saved conversations yet.", "dim")
        width = max((len(each.conversation_id) for each in latest), default=0)
        for each in latest:
            sign = "*" if each.conversation_id == self._conversation.conversation_id else " "
            title = one_line(each.title, 60)
            print_notice(f"{sign} {each.conversation_id:<{width}}  {title}", "dim")
        return False

    def _show(self, found: ConversationEntry) -> None:
        """Resume a conversation and show its last message."""
        runs = self._conversation.resume(found)
        title = one_line(found.title, 200) or "Untitled conversation"
        count = len(runs) - 1
        earlier = f" · {count} earlier message{'s' * (count != 1)}" if count > 0 else ""
        print_notice(f"{title}{earlier}", "dim")
        show_last_exchange(runs)

    def _model(self, model_id: str) -> bool:
        if model_id:
            self._conversation.model = self._loop.wait(self._backend.model(model_id)).id
            print_notice(f"Model set to {self._conversation.model}.", "dim")
            return False
        current = self._conversation.model or self._current().id
        for model in self._loop.wait(self._backend.models()):
            print_notice(f"{'*' if model.id == current else ' '} {model.id}", "dim")
        return False

    def _effort(self, level: str) -> bool:
        model = self._loop.wait(self._backend.model(self._conversation.model))
        if level:
            asked = None if level == "default" else parse_effort(level)
            self._conversation.effort = effective_effort(asked, None, model)
        effort = self._conversation.effort
        valid = ", ".join(model.reasoning.efforts) or "no levels"
        shown = "the model's default" if effort is None else effort
        print_notice(f"Effort: {shown}. {model.id} supports {valid}.", "dim")
        return False

    def _help(self, _: str) -> bool:
        print_notice(_HELP, "dim")
        return False

    def _current(self) -> ModelInfo:
        return self._loop.wait(self._backend.model(None))
