"""The port for persistence: conversations, runs and the event log, looked up by owner and id.

The hub is the only writer of a conversation's log. It numbers the events and passes them on in
batches; a store never renumbers, reorders or merges them.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from thinkaloud.events.event import LoggedEvent, RunStarted

ConversationKey = tuple[str, str]
"""The owner and the id of a conversation. An id is a name within its owner."""


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A conversation's metadata, without its log."""

    conversation_id: str
    owner: str
    created_at_ms: int
    updated_at_ms: int
    title: str = ""
    temporary: bool = False
    """Kept in memory only, and not listed."""


class ConversationPatch(msgspec.Struct, frozen=True, gc=False):
    """Changes to a conversation. A field that is None is left unchanged."""

    title: str | None = None
    default_title: str | None = None
    """Used if the conversation has no title."""
    updated_at_ms: int | None = None

    def applied(self, conversation: Conversation) -> Conversation:
        """Return the changed conversation."""
        title = conversation.title or self.default_title or ""
        updated_at_ms = self.updated_at_ms
        return msgspec.structs.replace(
            conversation,
            title=title if self.title is None else self.title,
            updated_at_ms=conversation.updated_at_ms if updated_at_ms is None else updated_at_ms,
        )


class RunRecord(msgspec.Struct, frozen=True, gc=False):
    """Where to find a run."""

    run_id: str
    conversation_id: str
    owner: str
    first_seq: int
    """No event of the run has a lower `seq`."""
    idempotency_key: str | None = None


class RunStart(msgspec.Struct, frozen=True, gc=False):
    """What is stored when a run starts."""

    run: RunRecord
    conversation: Conversation
    """Created if it doesn't exist. If it does, only its `updated_at_ms` changes."""
    message: RunStarted | None = None
    """The first event of the run, stored until it is finished."""
    reserved_seq: int = 0
    """Numbers up to this one may be assigned."""


Started = Literal["created", "continued"]
"""Whether the conversation of a run was created, or existed."""


class Unfinished(msgspec.Struct, frozen=True, gc=False):
    """A run that has not been compacted with its terminal event."""

    run: RunRecord
    message: RunStarted | None = None
    """Its first event, in case it was still queued when the process died."""


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An event as stored in the log. It covers the numbers `first_seq` … `logged.seq`.

    They differ for coalesced deltas, and for the first event after a crash, which also covers
    the numbers that were assigned and lost.
    """

    first_seq: int
    logged: LoggedEvent
    lengths: bytes = b""
    """The lengths of the coalesced deltas, packed by `core.delta_offsets`; empty if unknown."""


class FinishedRun(msgspec.Struct, frozen=True, gc=False):
    """An ended run, in the form that `Store.compact` produces."""

    run: RunRecord
    events: Sequence[Stored]
    text: str
    """The text to index for search: the user's message and the answer."""


class LogEnd(msgspec.Struct, frozen=True, gc=False):
    """The end of a conversation's log."""

    last_seq: int = 0
    """The highest stored `seq`; 0 if there is none."""
    reserved_seq: int = 0
    """The highest `seq` that may have been assigned; the next one is above it."""


ConversationCursor = tuple[int, str]
"""A position in a list of conversations: `updated_at_ms` and id of the last one seen."""


class Log(Protocol):
    """The events of all conversations. Raises the same errors as `Store`."""

    async def append(self, batch: Mapping[ConversationKey, Sequence[Stored]]) -> None:
        """Append events of any conversations atomically. Their order is final.

        Events of deleted conversations are dropped. Events already stored, by conversation and
        `seq`, are left unchanged, so that a batch can be retried.
        """
        ...

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        *,
        title: str = "",
        reserved_seq: int | None = None,
    ) -> None:
        """Replace the events of a run with these, and index its text for search, atomically.

        Events of the run above the last of these are kept. The run is finished if its terminal
        event is among these or already in the log. `text` is the user's message and the answer,
        never reasoning (P1). `title` becomes that of an untitled conversation. `reserved_seq`, if
        given, replaces that of the log, and may be lower.
        """
        ...

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order.

        Returns nothing for a conversation of another owner.
        """
        ...

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the end of the log; zeros for a conversation of another owner."""
        ...

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that numbers up to this one may be assigned. A clean shutdown lowers it."""
        ...


class Store(Log, Protocol):
    """Persists everything. Another owner's objects read as missing: None, not an error.

    A method that fails raises `thinkaloud.errors.StoreError` and changes nothing.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs atomically.

        Returns False if its owner already uses the id.
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
        """List this owner's conversations after `before`, most recently updated first.

        Ties are ordered by id, descending. With `search`, only those whose title or indexed text
        contains all its words, ignoring case.
        """
        ...

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return it; None if there is none.

        Concurrent updates do not overwrite each other.
        """
        ...

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs, log and index. Returns False if there is none."""
        ...

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete a batch of conversations, of any owner, last updated before this time (Unix ms).

        Keeps those with a run that has not ended. Returns the owner and id of each deleted
        conversation; empty once there are no more.
        """
        ...

    async def check_writing(self) -> None:
        """Raise `StoreError` if writing fails.

        Only tries if the last write failed; otherwise this costs nothing.
        """
        ...

    async def scrub(self) -> None:
        """Remove the last traces of deleted data. What cannot be removed now is retried later."""
        ...

    async def start_run(self, start: RunStart) -> Started:
        """Store a new run, its conversation and its reserved numbers atomically.

        Never lowers `reserved_seq`, and leaves a run with the same id unchanged.
        """
        ...

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        ...

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run created by the first request with this key."""
        ...

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs of all owners not compacted with their terminal event, oldest first.

        Some have a terminal event in the log, others don't.
        """
        ...
