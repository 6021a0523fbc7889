"""The event log in memory."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence

from thinkaloud.errors import Fenced
from thinkaloud.events.event import RunEnded
from thinkaloud.ports.store import (
    Appended,
    ConversationKey,
    ConversationPatch,
    LogEnd,
    LogPage,
    RunRecord,
    Stored,
    Token,
)
from thinkaloud.stores.local_hints import LocalHints
from thinkaloud.stores.memory.tables import RunRow, Tables, searchable, seq_of


class MemoryLog:
    """Implements `EventLog`."""

    def __init__(self, tables: Tables, hints: LocalHints) -> None:
        self._tables = tables
        self._hints = hints

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        """Append events. Events of deleted conversations and of other replicas' runs are dropped."""
        found = self._checked(batch, token, running)
        ended = False
        for key, events in batch.items():
            thread = self._tables.threads.get(key)
            if thread is not None:
                mine = [each for each in events if each.logged.run_id not in found.lost]
                for stored in mine:
                    thread.append(stored)
                ended |= self._end(key, mine)
        self._hints.publish(batch, runs=ended)
        return found

    async def append_between_runs(
        self, owner: str, conversation_id: str, event: Stored, after: int
    ) -> bool:
        """Append an event that is not of a run, unless a run is open."""
        key = (owner, conversation_id)
        thread = self._tables.threads.get(key)
        busy = any(run.is_open for run in self._tables.runs_of(key))
        if thread is None or busy or thread.last_seq != after:
            return False
        thread.append(event)
        self._hints.publish([key])
        return True

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
        """Replace all events of a run with these, index its text, and set a missing title."""
        key = (run.owner, run.conversation_id)
        thread, row = self._tables.threads.get(key), self._tables.runs.get(run.run_id)
        if thread is None or row is None or row.key != key:
            return (
                False  # It was deleted, perhaps with its conversation, which was made again since.
            )
        if token is not None:
            self._check(token)
            if row.is_open and row.token != token:
                return False
        last_seq = seq_of(events[-1]) if events else 0
        others = [
            stored
            for stored in thread.log
            if stored.logged.run_id != run.run_id or seq_of(stored) > last_seq
        ]
        thread.log = sorted([*others, *events], key=seq_of)
        thread.texts[run.run_id] = searchable(text)
        thread.about = ConversationPatch(default_title=title).applied(thread.about)
        if reserved_seq is not None:
            thread.reserved_seq = reserved_seq
        ended = self._end(key, events)
        if not row.is_open:
            row.compacted, row.message, row.spec = True, None, b""
        self._hints.publish([key], runs=ended)
        return True

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        thread = self._tables.threads.get((owner, conversation_id))
        if thread is None:
            return []
        start = bisect_right(thread.log, after, key=seq_of)
        return thread.log[start : start + limit]

    async def read_many(
        self, after: Mapping[ConversationKey, int], limit: int
    ) -> Mapping[ConversationKey, LogPage]:
        """Return up to `limit` events of each of these conversations."""
        return {
            key: LogPage(str(thread.number), await self.read(*key, seq, limit))
            for key, seq in after.items()
            if (thread := self._tables.threads.get(key)) is not None
        }

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the last and the reserved sequence number of the log."""
        thread = self._tables.threads.get((owner, conversation_id))
        if thread is None:
            return LogEnd()
        return LogEnd(thread.last_seq, max(thread.last_seq, thread.reserved_seq))

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that sequence numbers up to this one may be assigned."""
        thread = self._tables.threads.get((owner, conversation_id))
        if thread is not None:
            thread.reserved_seq = through_seq

    def _checked(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None,
        running: Collection[str],
    ) -> Appended:
        if token is None:
            return Appended()
        self._check(token)
        asked = {each.logged.run_id for events in batch.values() for each in events}
        mine = [run for run in self._tables.runs.values() if run.token == token]
        return Appended(
            asked.union(running) - {run.record.run_id for run in mine},
            [run.record.run_id for run in mine if run.stopping],
        )

    def _check(self, token: Token) -> None:
        if token not in self._tables.replicas:
            raise Fenced

    def _end(self, key: ConversationKey, events: Iterable[Stored]) -> bool:
        """Mark the runs that ended with these events. Returns whether there were any."""
        ended = False
        for stored in events:
            if isinstance(stored.logged.event, RunEnded):
                run: RunRow | None = self._tables.runs.get(stored.logged.run_id)
                if run is not None and run.key == key and run.is_open:
                    run.end()
                    ended = True
        return ended
