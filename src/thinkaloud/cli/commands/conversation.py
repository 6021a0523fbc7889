"""The conversation that a terminal is in: ask, ask again, go on with another one."""

import secrets
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.backend.conversations import Listed
from thinkaloud.cli.backend.history import find_run, list_runs, retry_request, said_in
from thinkaloud.cli.commands.one_shot import ask, beside
from thinkaloud.cli.commands.versions import Version, in_lines, selected, versions_in
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import Session
from thinkaloud.cli.ui.line_input import PROMPT
from thinkaloud.cli.ui.markdown import print_markdown
from thinkaloud.cli.ui.plain import View
from thinkaloud.cli.ui.sanitize import visible
from thinkaloud.errors import InvalidRequest, NotFound, Unavailable
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import RunView
from thinkaloud.runtime.runs.request import RunRequest

_LISTED: Final = 10


def new_id() -> str:
    """Return an id for a conversation that begins in the terminal."""
    return f"cli_{secrets.token_hex(8)}"


def say_how_to_go_on(conversation_id: str, config: Path | None) -> None:
    """Print the command that continues a conversation."""
    named = [] if config is None else ["--config", str(config)]
    command = shlex.join(["thinkaloud", "chat", *named, "--conversation", conversation_id])
    beside(f"To go on: {command}", "dim")


class Conversation:
    """What is kept between one question and the next. Begins as a new conversation."""

    def __init__(
        self, session: Session[Backend], request: RunRequest, view: View, config: Path | None
    ) -> None:
        self.conversation_id = new_id()
        self.model = request.model
        """The model for the next questions; None: the current one."""
        self.effort: Effort | None = request.reasoning_effort
        self._session = session
        self._place = session.opened
        self._view = view
        self._config = config
        self._request = request
        self._temporary = False
        self._asked = False
        """Whether there is something to go on with."""

    def ask(self, text: str) -> bool:
        """Carry a question to its end; return whether Ctrl-C stopped it. Raises `ThinkaloudError`."""
        return self._carry_out(msgspec.structs.replace(self._request, text=text))

    def ask_again(self, text: str | None = None) -> bool:
        """Ask the last question again, or another one in its place, as `ask` does."""
        if not self._asked:
            raise InvalidRequest("Nothing was asked in this conversation yet.")
        last = self._session.wait(find_run(self._place.archive, self.conversation_id, None))
        return self._carry_out(retry_request(self._request, last, text))

    def begin(self, *, temporary: bool = False) -> None:
        """Leave the conversation for a new one, which is kept unless it is to be temporary."""
        made = self._session.wait(self._place.create_temporary()) if temporary else new_id()
        self._move_to(made)
        self._temporary = temporary

    def go_on_with(self, found: Listed) -> list[RunView]:
        """Leave the conversation for one that is there, and return what was said in it."""
        runs = list(self._session.wait(list_runs(self._place.archive, found.conversation_id)))
        self._move_to(found.conversation_id)
        self._asked = bool(runs)
        return runs

    def versions(self) -> Sequence[Version]:
        """Return the versions of those messages that have several."""
        if not self._asked:
            return ()
        return versions_in(self._session.wait(said_in(self._place.archive, self.conversation_id)))

    def select(self, version: str) -> list[RunView]:
        """Select a version, and return what was said up to its end."""
        archive = self._place.archive
        self._session.wait(selected(archive, self.conversation_id, version))
        return list(self._session.wait(list_runs(archive, self.conversation_id)))

    def find(self, conversation_id: str) -> Listed:
        """Look up a conversation. Raises `NotFound`."""
        return self._session.wait(self._place.archive.get(conversation_id))

    def latest(self) -> list[Listed]:
        """Return the conversations that were changed last."""
        return list(self._session.wait(self._place.archive.search("", _LISTED)))

    def leave(self) -> None:
        """Say how to come back to the conversation, or take away what was not to be kept."""
        if self._temporary:
            with suppress(NotFound, Unavailable):  # Then it is gone already.
                self._session.wait(self._place.archive.delete(self.conversation_id))
        elif self._asked and self._place.keeps:
            say_how_to_go_on(self.conversation_id, self._config)
        self._temporary = self._asked = False

    def _move_to(self, conversation_id: str) -> None:
        if conversation_id != self.conversation_id:
            self.leave()
            self.conversation_id = conversation_id

    def _carry_out(self, request: RunRequest) -> bool:
        # What was put before the model stands in the conversation from now on.
        self._request = msgspec.structs.replace(
            self._request, context={}, context_files=(), image_path=None
        )
        request = msgspec.structs.replace(
            request,
            conversation_id=self.conversation_id,
            model=self.model,
            reasoning_effort=self.effort,
        )
        code = ask(self._session, request, self._view)
        self._asked = True
        return code is ExitCode.INTERRUPTED


def show_end(runs: Sequence[RunView]) -> None:
    """Show the last of these messages, and its answer."""
    for last in runs[-1:]:
        sys.stdout.write(f"{PROMPT}{visible(last.input.text)}\n")
        print_markdown(Console(highlight=False), visible(last.response))


def list_versions(conversation: Conversation) -> bool:
    """List the versions of those messages that have several. False: no Ctrl-C stopped it."""
    found = conversation.versions()
    if not found:
        beside("No message has more than one version.", "dim")
    for line in in_lines(found):
        beside(line, "dim")
    return False


def show_version(conversation: Conversation, version: str) -> bool:
    """Select a version and show its end. False: no Ctrl-C stopped it."""
    if not version:
        raise InvalidRequest("/select takes a version: /versions lists them.")
    show_end(conversation.select(version))
    return False
