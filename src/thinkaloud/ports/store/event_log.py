"""The port for the event log of all conversations.

A conversation's log has one writer at a time, which numbers the events. A store never renumbers,
reorders or merges them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.ports.store.replicas import Token
from thinkaloud.ports.store.runs import RunRecord


class Stored(msgspec.Struct, frozen=True, gc=False):
    """An event as stored in the log. It covers the numbers `first_seq` … `logged.seq`.

    They differ for coalesced deltas, and for the first event after a crash, which also covers
    the numbers that were assigned and lost.
    """

    first_seq: int
    logged: LoggedEvent
    lengths: bytes = b""
    """The lengths of the coalesced deltas, packed by `core.delta_offsets`; empty if unknown."""


def ended_in(events: Sequence[Stored]) -> list[str]:
    """Return the run id of every terminal event."""
    return [each.logged.run_id for each in events if isinstance(each.logged.event, RunEnded)]


class FinishedRun(msgspec.Struct, frozen=True, gc=False):
    """An ended run, in the form that `EventLog.compact` produces."""

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


class LogPage(msgspec.Struct, frozen=True, gc=False):
    """Events of one conversation, and which conversation they are of."""

    identity: str
    """Identifies the conversation: one that is deleted and created again gets another identity."""
    events: Sequence[Stored] = ()


class Appended(msgspec.Struct, frozen=True, gc=False):
    """What a replica learns when it appends."""

    lost: Collection[str] = ()
    """The runs of the batch that are not this replica's any more, whose events were dropped: their
    conversation was deleted, or another replica has adopted them."""
    stopping: Collection[str] = ()
    """The replica's runs, in the batch or not, that somebody asked to stop."""


class EventLog(Protocol):
    """The events of all conversations. A method that fails raises `StoreError` and changes nothing.

    A writer passes the token of its replica. The store refuses a replica that was declared dead: it
    raises `Fenced` and writes nothing. No token is for the only process that uses the store.
    """

    async def append(
        self,
        batch: Mapping[tuple[str, str], Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        """Append events of any conversations, by owner and id, atomically. Their order is final.

        Events of deleted conversations are dropped, and with a token those of runs that this replica
        does not execute. A terminal event ends its run. Events already stored, by conversation and
        `seq`, are left unchanged, so that a batch whose outcome is unknown can be retried.
        `running` are the runs to check for `Appended.lost` in addition to those of the batch.
        """
        ...

    async def append_between_runs(
        self, owner: str, conversation_id: str, event: Stored, after: int
    ) -> bool:
        """Append an event that is not of a run, while the conversation has no open run.

        Returns False, and writes nothing, if a run is open, or if `after` is not the last `seq`.
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
        token: Token | None = None,
    ) -> bool:
        """Replace the events of a run with these, and index its text for search, atomically.

        Events of the run above the last of these are kept. The run is finished if its terminal
        event is among these or already in the log. `text` is the user's message and the answer,
        never reasoning (P1). `title` becomes that of an untitled conversation. `reserved_seq`, if
        given, replaces that of the log, and may be lower. Returns False, and writes nothing, if the
        run was deleted, or if another replica executes it.
        """
        ...

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order.

        Returns nothing for a conversation of another owner.
        """
        ...

    async def read_many(
        self, after: Mapping[tuple[str, str], int], limit: int
    ) -> Mapping[tuple[str, str], LogPage]:
        """Return up to `limit` events of each of these conversations, as `read` does.

        A conversation that does not exist is left out.
        """
        ...

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the end of the log; zeros for a conversation of another owner."""
        ...

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that numbers up to this one may be assigned. A clean shutdown lowers it."""
        ...
