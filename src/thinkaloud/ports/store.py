"""The seam to what lasts: conversations, runs and the log, each looked up by owner and id together.

The hub is the only writer of a conversation's log. It numbers events itself and hands them over
in batches; a store never renumbers, reorders or merges what it is given.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from thinkaloud.events.event import LoggedEvent, RunStarted


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """What is known of a conversation beside its log."""

    conversation_id: str
    owner: str
    created_at_ms: int
    updated_at_ms: int
    title: str = ""
    temporary: bool = False
    """It leaves nothing behind: it is kept in memory, and in no list."""


class ConversationPatch(msgspec.Struct, frozen=True, gc=False):
    """What is to be different about a conversation. What is None stays as it is."""

    title: str | None = None
    default_title: str | None = None
    """A title for a conversation that has none."""
    updated_at_ms: int | None = None

    def applied(self, conversation: Conversation) -> Conversation:
        """Return the conversation as it is after the change."""
        title = conversation.title or self.default_title or ""
        updated_at_ms = self.updated_at_ms
        return msgspec.structs.replace(
            conversation,
            title=title if self.title is None else self.title,
            updated_at_ms=conversation.updated_at_ms if updated_at_ms is None else updated_at_ms,
        )


class RunRecord(msgspec.Struct, frozen=True, gc=False):
    """Where a run is to be found."""

    run_id: str
    conversation_id: str
    owner: str
    first_seq: int
    """No event of the run has a lower `seq`."""
    idempotency_key: str | None = None


class Unfinished(msgspec.Struct, frozen=True, gc=False):
    """A run that was not compacted with its end."""

    run: RunRecord
    message: RunStarted | None = None
    """What it begins with: it may have queued until its process died."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An event as it lies in the log: it stands for the numbers `first_seq` … `logged.seq`.

    They differ where neighbouring deltas were merged into one, and for the first event after a
    crash, which stands for the numbers that were given out and lost.
    """

    first_seq: int
    logged: LoggedEvent
    lengths: bytes = b""
    """The lengths of the deltas merged into this one, packed by `core.cuts`; empty where unknown."""


class FinishedRun(msgspec.Struct, frozen=True, gc=False):
    """A run that is over, as `Store.compact` leaves one."""

    run: RunRecord
    events: Sequence[Stored]
    text: str
    """What a search may find: what the user and the answer said."""


class LogEnd(msgspec.Struct, frozen=True, gc=False):
    """How far a conversation's log goes."""

    last_seq: int = 0
    """The greatest `seq` that is kept; 0 where there is none."""
    reserved_seq: int = 0
    """The greatest that may have been given out; the next one is above it."""


ConversationCursor = tuple[int, str]
"""A place in a list of conversations: the `updated_at_ms` and the id of the last one seen."""


class Log(Protocol):
    """The events of all conversations. Raises as `Store`."""

    async def append(self, batch: Sequence[Stored]) -> None:
        """Append events of any conversations, all or none. Their order is final.

        Events of a conversation that is gone are dropped. What is there already, by
        conversation and `seq`, is left as it is: the same batch may be handed over again.
        """
        ...

    async def compact(self, run: RunRecord, events: Sequence[Stored], text: str) -> None:
        """Replace all events of a run with these, and index its text for search.

        What the run has above the last of them stays. With its terminal event among them, or in
        the log before, the run is finished. `text` is what the user and the answer said, never
        reasoning (P1).
        """
        ...

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order.

        None for a conversation that is not this owner's.
        """
        ...

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return how far the log goes; 0 for a conversation that is not this owner's."""
        ...

    async def reserve(self, conversation_id: str, through_seq: int) -> None:
        """Keep that numbers up to this one may be given out. Lower than before: a clean end."""
        ...


class Store(Log, Protocol):
    """Keeps everything. Another owner's objects do not exist for the caller: None, not an error.

    A method that cannot do its work raises `thinkaloud.errors.StoreError`, and then nothing of
    that call is kept.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Keep a new conversation with these runs, all of it or nothing.

        False where the id is taken, by whomever.
        """
        ...

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        ...

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations, the latest updated first, those after `before`.

        What was updated in the same millisecond is ordered by id, the greatest first. With `search`: those whose title or indexed text has all its words, whatever their case.
        """
        ...

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Change a conversation of this owner and return it as it is now; None where there is none.

        Changes at the same time do not undo each other.
        """
        ...

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs, its log and its index. False where there is none."""
        ...

    async def purge(self, older_than_ms: int) -> Sequence[tuple[str, str]]:
        """Delete some conversations, of any owner, last updated before this moment (Unix ms).

        Those with a run that has not ended stay. Returns the owner and the id of each that went;
        none: there are no more.
        """
        ...

    async def check_writing(self) -> None:
        """Raise `StoreError` while nothing can be written.

        It tries only where the last writing failed: while all goes well this costs nothing.
        """
        ...

    async def scrub(self) -> None:
        """Remove the last traces of what was deleted. What cannot be removed now is another time."""
        ...

    async def add_run(self, run: RunRecord, message: RunStarted | None = None) -> bool:
        """Keep a new run, and until it is finished what it begins with.

        False where its conversation is gone, or there is a run of this id: nothing is kept.
        """
        ...

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        ...

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run that a request with this key made first."""
        ...

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs of all owners that were not compacted with their end, oldest first.

        Some have a terminal event in the log, and some have none.
        """
        ...
