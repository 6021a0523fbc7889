"""A store in memory, lost when the process ends."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

from thinkaloud.events.event import RunEnded, RunStarted
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    RunRecord,
    RunStart,
    Started,
    Stored,
    Unfinished,
)
from thinkaloud.stores.search_terms import phrases, words


class _Thread:
    """A conversation with its log."""

    def __init__(self, about: Conversation) -> None:
        self.about = about
        self.log: list[Stored] = []
        self.reserved_seq = 0
        self.texts: dict[str, str] = {}

    @property
    def last_seq(self) -> int:
        """The highest sequence number in the log."""
        return self.log[-1].logged.seq if self.log else 0

    def append(self, stored: Stored) -> None:
        """Append an event unless it is stored already. Replaces events that were merged into it."""
        if stored.logged.seq <= self.last_seq:
            return
        while self.log and self.log[-1].first_seq >= stored.first_seq:
            del self.log[-1]
        self.log.append(stored)

    def matches(self, wanted: Sequence[Sequence[str]]) -> bool:
        """Whether each of these phrases occurs in the title or in a text."""
        texts = [_searchable(self.about.title), *self.texts.values()]
        return all(any(f" {' '.join(row)}" in text for text in texts) for row in wanted)


class _MemoryLog:
    """The events of all conversations."""

    def __init__(self) -> None:
        self._threads: dict[ConversationKey, _Thread] = {}
        self._runs: dict[str, RunRecord] = {}
        self._ended: set[str] = set()
        self._unfinished: dict[str, Unfinished] = {}

    async def append(self, batch: Mapping[ConversationKey, Sequence[Stored]]) -> None:
        """Append events. Events of deleted conversations are dropped."""
        for key, events in batch.items():
            thread = self._threads.get(key)
            if thread is not None:
                for stored in events:
                    thread.append(stored)
                self._note_ended(key, events)

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        *,
        title: str = "",
        reserved_seq: int | None = None,
    ) -> None:
        """Replace all events of a run with these, index its text, and set a missing title."""
        thread = self._threads.get(_key_of(run))
        if thread is None or run.run_id not in self._runs:
            return  # It was deleted, perhaps with its conversation, which was made again since.
        last_seq = _seq(events[-1]) if events else 0
        others = [
            stored
            for stored in thread.log
            if stored.logged.run_id != run.run_id or _seq(stored) > last_seq
        ]
        thread.log = sorted([*others, *events], key=_seq)
        thread.texts[run.run_id] = _searchable(text)
        thread.about = ConversationPatch(default_title=title).applied(thread.about)
        if reserved_seq is not None:
            thread.reserved_seq = reserved_seq
        self._note_ended(_key_of(run), events)
        if run.run_id in self._ended:
            self._unfinished.pop(run.run_id, None)

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        thread = self._threads.get((owner, conversation_id))
        if thread is None:
            return []
        start = bisect_right(thread.log, after, key=_seq)
        return thread.log[start : start + limit]

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the last and the reserved sequence number of the log."""
        thread = self._threads.get((owner, conversation_id))
        if thread is None:
            return LogEnd()
        return LogEnd(thread.last_seq, max(thread.last_seq, thread.reserved_seq))

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that sequence numbers up to this one may be assigned."""
        thread = self._threads.get((owner, conversation_id))
        if thread is not None:
            thread.reserved_seq = through_seq

    def _note_ended(self, key: ConversationKey, events: Iterable[Stored]) -> None:
        for stored in events:
            if isinstance(stored.logged.event, RunEnded):
                run = self._runs.get(stored.logged.run_id)
                if run is not None and _key_of(run) == key:
                    self._ended.add(run.run_id)


class MemoryStore(_MemoryLog):
    """Implements `Store` with dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[tuple[str, str], list[str]] = {}

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs. False if its owner already uses the id."""
        key = (conversation.owner, conversation.conversation_id)
        if key in self._threads:
            return False
        self._threads[key] = _Thread(conversation)
        for each in runs:
            self._add_run(each.run)
            await self.compact(each.run, each.events, each.text)
        return True

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        thread = self._threads.get((owner, conversation_id))
        return None if thread is None else thread.about

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations, most recently updated first."""
        wanted = phrases(search or "")
        if search and not search.isspace() and not wanted:
            return []
        mine = [
            thread.about
            for thread in self._threads.values()
            if thread.about.owner == owner
            and (before is None or _place(thread.about) < before)
            and thread.matches(wanted)
        ]
        mine.sort(key=_place, reverse=True)
        return mine[:limit]

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return the updated conversation."""
        thread = self._threads.get((owner, conversation_id))
        if thread is None:
            return None
        thread.about = change.applied(thread.about)
        return thread.about

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log. False if it does not exist."""
        if (owner, conversation_id) not in self._threads:
            return False
        self._delete((owner, conversation_id))
        return True

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete the conversations last updated before this, except those with an active run."""
        busy = {_key_of(run) for run_id, run in self._runs.items() if run_id not in self._ended}
        old = [
            key
            for key, thread in self._threads.items()
            if thread.about.updated_at_ms < older_than_ms and key not in busy
        ]
        for key in old:
            self._delete(key)
        return old

    async def check_writing(self) -> None:
        """Do nothing: writing to memory always works."""

    async def scrub(self) -> None:
        """Do nothing: deleting leaves no traces."""

    def _delete(self, key: ConversationKey) -> None:
        del self._threads[key]
        gone = {run.run_id for run in self._runs.values() if _key_of(run) == key}
        self._runs = {key: run for key, run in self._runs.items() if key not in gone}
        keys = {k: [each for each in ids if each not in gone] for k, ids in self._keys.items()}
        self._keys = {k: ids for k, ids in keys.items() if ids}
        self._ended -= gone
        self._unfinished = {k: each for k, each in self._unfinished.items() if k not in gone}

    async def start_run(self, start: RunStart) -> Started:
        """Create a run, its conversation and its reserved numbers."""
        new = start.conversation
        started: Started = "created"
        if not await self.create_conversation(new):
            started = "continued"
            change = ConversationPatch(updated_at_ms=new.updated_at_ms)
            await self.update_conversation(new.owner, new.conversation_id, change)
        thread = self._threads[new.owner, new.conversation_id]
        thread.reserved_seq = max(thread.reserved_seq, start.reserved_seq)
        if start.run.run_id not in self._runs:
            self._add_run(start.run, start.message)
        return started

    def _add_run(self, run: RunRecord, message: RunStarted | None = None) -> None:
        self._runs[run.run_id] = run
        self._unfinished[run.run_id] = Unfinished(run, message)
        if run.idempotency_key is not None:
            self._keys.setdefault((run.owner, run.idempotency_key), []).append(run.run_id)

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        found = self._runs.get(run_id)
        return found if found is not None and found.owner == owner else None

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the first run created with this idempotency key."""
        run_ids = self._keys.get((owner, idempotency_key))
        return self._runs[run_ids[0]] if run_ids else None

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that are not both ended and compacted, oldest first."""
        return list(self._unfinished.values())


def _key_of(run: RunRecord) -> ConversationKey:
    return run.owner, run.conversation_id


def _searchable(text: str) -> str:
    return f" {' '.join(words(text))}"


def _place(about: Conversation) -> ConversationCursor:
    return about.updated_at_ms, about.conversation_id


def _seq(stored: Stored) -> int:
    return stored.logged.seq
