"""The current conversation of an interactive chat."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import msgspec
from rich.console import Console

from thinkaloud.cli.backend.backend import Backend
from thinkaloud.cli.backend.conversations import ConversationEntry
from thinkaloud.cli.backend.history import find_run, list_runs, load_export, retry_request
from thinkaloud.cli.commands.one_shot import ask, new_id, print_notice, print_resume_command
from thinkaloud.cli.commands.versions import Version, select_version, version_lines, versions_in
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import ChatOptions
from thinkaloud.cli.ui import PROMPT
from thinkaloud.cli.ui.markdown import print_markdown
from thinkaloud.cli.ui.plain import View
from thinkaloud.cli.ui.sanitize import sanitize
from thinkaloud.errors import InvalidRequest, NotFound, Unavailable
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import RunView
from thinkaloud.runtime.runs.request import RunRequest

_LISTED: Final = 10


class Conversation:
    """The conversation and the settings for the next question. Starts as a new conversation."""

    def __init__(
        self, loop: LoopThread[Backend], request: RunRequest, view: View, options: ChatOptions
    ) -> None:
        self.conversation_id = new_id()
        self.model = request.model
        """The model for the next questions; None: the default model."""
        self.effort: Effort | None = request.reasoning_effort
        self._loop = loop
        self._backend = loop.resource
        self._view = view
        self._options = options
        self._request = request
        self._temporary = False
        self._has_messages = False
        """Whether the conversation has any messages yet."""

    def ask(self, text: str) -> bool:
        """Ask and show the answer; return whether Ctrl-C stopped it. Raises `ThinkaloudError`."""
        return self._run(msgspec.structs.replace(self._request, text=text))

    def retry(self, text: str | None = None) -> bool:
        """Regenerate the last answer, or replace the last question with `text`. Returns as `ask`."""
        if not self._has_messages:
            raise InvalidRequest("This conversation has no messages yet.")
        last = self._loop.wait(find_run(self._backend.archive, self.conversation_id, None))
        return self._run(retry_request(self._request, last, text))

    def start_new(self, *, temporary: bool = False) -> None:
        """Switch to a new conversation, which is saved unless it is temporary."""
        made = self._loop.wait(self._backend.create_temporary()) if temporary else new_id()
        self._move_to(made)
        self._temporary = temporary

    def resume(self, found: ConversationEntry) -> list[RunView]:
        """Switch to an existing conversation and return its runs."""
        runs = list(self._loop.wait(list_runs(self._backend.archive, found.conversation_id)))
        self._move_to(found.conversation_id)
        self._has_messages = bool(runs)
        return runs

    def versions(self) -> Sequence[Version]:
        """Return the versions of all messages that have several."""
        if not self._has_messages:
            return ()
        return versions_in(
            self._loop.wait(load_export(self._backend.archive, self.conversation_id))
        )

    def select(self, version: str) -> list[RunView]:
        """Select a version and return the runs of the conversation as it is then."""
        archive = self._backend.archive
        self._loop.wait(select_version(archive, self.conversation_id, version))
        return list(self._loop.wait(list_runs(archive, self.conversation_id)))

    def find(self, conversation_id: str) -> ConversationEntry:
        """Look up a conversation. Raises `NotFound`."""
        return self._loop.wait(self._backend.archive.get(conversation_id))

    def latest(self) -> list[ConversationEntry]:
        """Return the most recently changed conversations."""
        return list(self._loop.wait(self._backend.archive.search("", _LISTED)))

    def leave(self) -> None:
        """Print how to resume the conversation, or delete it if it is temporary."""
        if self._temporary:
            with suppress(NotFound, Unavailable):  # It is already gone.
                self._loop.wait(self._backend.archive.delete(self.conversation_id))
        elif self._has_messages and self._backend.is_persistent:
            print_resume_command(self.conversation_id, self._options)
        self._temporary = self._has_messages = False

    def _move_to(self, conversation_id: str) -> None:
        if conversation_id != self.conversation_id:
            self.leave()
            self.conversation_id = conversation_id

    def _run(self, request: RunRequest) -> bool:
        # Context and files are sent once: the conversation has them from now on.
        self._request = msgspec.structs.replace(
            self._request, context={}, context_files=(), image_path=None
        )
        request = msgspec.structs.replace(
            request,
            conversation_id=self.conversation_id,
            model=self.model,
            reasoning_effort=self.effort,
        )
        code = ask(self._loop, request, self._view)
        self._has_messages = True
        return code is ExitCode.INTERRUPTED


def show_last_exchange(runs: Sequence[RunView]) -> None:
    """Print the last of these messages and its answer."""
    for last in runs[-1:]:
        sys.stdout.write(f"{PROMPT}{sanitize(last.input.text)}\n")
        print_markdown(Console(highlight=False), sanitize(last.response))


def list_versions(conversation: Conversation) -> bool:
    """Print the versions of all messages that have several. Returns False: not interrupted."""
    found = conversation.versions()
    if not found:
        print_notice("No message has more than one version.", "dim")
    for line in version_lines(found):
        print_notice(line, "dim")
    return False


def show_version(conversation: Conversation, version: str) -> bool:
    """Select a version and show its last message. Returns False: not interrupted."""
    if not version:
        raise InvalidRequest("Usage: /select VERSION. /versions lists them.")
    show_last_exchange(conversation.select(version))
    return False
