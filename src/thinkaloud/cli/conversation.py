"""A conversation at a prompt."""

import importlib.util
import secrets
from collections.abc import Callable
from typing import Final

import msgspec

from thinkaloud.cli.asking import DEMO_NOTICE, ask, beside, effort_of
from thinkaloud.cli.exits import ExitCode
from thinkaloud.cli.session import Session
from thinkaloud.cli.stream import View
from thinkaloud.errors import InvalidRequest, ThinkaloudError
from thinkaloud.ports.effort import effective_effort
from thinkaloud.runtime.runs import RunRequest
from thinkaloud.version import __version__

if importlib.util.find_spec("readline"):
    # With it, `input` has a history and the arrow keys.
    importlib.import_module("readline")

_PROMPT: Final = "› "
_HELP: Final = """\
/model [ID]      show the models, or take another one
/effort [LEVEL]  show or set how hard to think; "default" leaves it to the model
/new             begin a new conversation
/help            this list
/quit            leave (so does Ctrl-D)
Ctrl-C stops an answer; again, it leaves."""


class Conversation:
    """What is kept between one question and the next."""

    def __init__(self, session: Session, request: RunRequest, view: View) -> None:
        self._session = session
        self._view = view
        self._request = msgspec.structs.replace(request, conversation_id=_new_id())
        self._commands: dict[str, Callable[[str], None]] = {
            "/help": self._help,
            "/model": self._model,
            "/effort": self._effort,
            "/new": self._new,
        }

    def hold(self) -> ExitCode:
        """Ask and answer until somebody leaves."""
        beside(f"thinkaloud {__version__} · {self._session.runtime.models.current} · /help", "dim")
        if self._session.runtime.is_demo:
            beside(DEMO_NOTICE)
        interrupted = False
        while True:
            try:
                text = input(_PROMPT).strip()
            except EOFError:
                print()  # noqa: T201 - the prompt's line is ours to end
                return ExitCode.OK
            except KeyboardInterrupt:
                print()  # noqa: T201
                if interrupted:
                    return ExitCode.INTERRUPTED
                interrupted = True
                beside("Ctrl-C again leaves.", "dim")
                continue
            if text in {"/quit", "/exit"}:
                return ExitCode.OK
            interrupted = bool(text) and self._take(text)

    def _take(self, text: str) -> bool:
        """Carry out what was typed; return whether Ctrl-C stopped it."""
        try:
            if text.startswith("/"):
                self._command(text)
                return False
            request = msgspec.structs.replace(self._request, text=text)
            # What was put before the model stands in the conversation from now on.
            self._request = msgspec.structs.replace(
                self._request, context={}, context_files=(), image_path=None
            )
            return ask(self._session, request, self._view) is ExitCode.INTERRUPTED
        except ThinkaloudError as error:
            beside(error.message, "red")
            return False

    def _command(self, text: str) -> None:
        name, _, argument = text.partition(" ")
        command = self._commands.get(name)
        if command is None:
            raise InvalidRequest(f"There is no {name}. /help lists what there is.")
        command(argument.strip())

    def _help(self, _: str) -> None:
        beside(_HELP, "dim")

    def _new(self, _: str) -> None:
        self._request = msgspec.structs.replace(self._request, conversation_id=_new_id())
        beside("A new conversation.", "dim")

    def _model(self, model_id: str) -> None:
        agent = self._session.agent
        if model_id:
            beside(f"From now on: {agent.load_model(model_id).id}", "dim")
            return
        current = self._session.runtime.models.current
        for model in self._session.wait(agent.list_available_models()):
            beside(f"{'*' if model.id == current else ' '} {model.id}", "dim")

    def _effort(self, level: str) -> None:
        model = self._session.runtime.models.open(None).info
        if level:
            effort = None if level == "default" else effective_effort(effort_of(level), None, model)
            self._request = msgspec.structs.replace(self._request, reasoning_effort=effort)
        effort = self._request.reasoning_effort
        valid = ", ".join(model.reasoning.efforts) or "no levels"
        shown = "the model's own default" if effort is None else effort
        beside(f"Effort: {shown}. {model.id} has {valid}.", "dim")


def _new_id() -> str:
    return f"cli_{secrets.token_hex(8)}"
