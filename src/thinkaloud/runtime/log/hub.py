"""The hub: opens live logs by owner and id, for any number of followers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.fold import Fold
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import LogEnd, Store
from thinkaloud.runtime.log.fold_cache import FoldCache
from thinkaloud.runtime.log.follower import Follower, begin_following
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.reader import LogReader
from thinkaloud.runtime.log.writer import LogWriter

LINGER_MS: Final = 60_000
"""How long an unused log stays in memory, so that reconnecting clients find every event."""
LINGERING: Final = 64
"""The maximum number of unused logs in memory."""
_PAGE: Final = 2_048


class Hub:
    """All live logs. A store has one hub, which is the only writer of its logs.

    A conversation of another owner reads as empty.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.writer = LogWriter(store)
        """Saves the logs."""
        self.reader = LogReader(store)
        """Reads stored events."""
        self._logs: dict[tuple[str, str], LiveLog] = {}
        self._unused: dict[LiveLog, None] = {}
        """The logs without users, the longest unused first."""
        self._folds = FoldCache()
        self._deletions = 0

    @property
    def open_logs(self) -> int:
        """How many logs are in memory."""
        return len(self._logs)

    def live(self, owner: str, conversation_id: str) -> LiveLog | None:
        """Return the log if it is open."""
        return self._logs.get((owner, conversation_id))

    def forget(self, owner: str, conversation_id: str) -> None:
        """Drop the log of a deleted conversation. Its followers end once they are up to date."""
        self.writer.forget(owner, conversation_id)
        self._folds.forget(owner, conversation_id)
        self._deletions += 1
        log = self._logs.pop((owner, conversation_id), None)
        if log is not None:
            self._unused.pop(log, None)
            log.deleted = True
            log.close()

    async def acquire(self, owner: str, conversation_id: str, *, new: bool = False) -> LiveLog:
        """Open a conversation's log. It stays in memory until every user has released it.

        `new`: the id was just generated, so there is nothing to look up in the store.
        """
        log = self._logs.get((owner, conversation_id))
        while log is None:
            deletions = self._deletions
            end = LogEnd() if new else await self._store.log_end(owner, conversation_id)
            # Another task may have opened it since, or deleted the conversation.
            log = self._logs.get((owner, conversation_id))
            if log is None and deletions == self._deletions:
                log = LiveLog(owner, conversation_id, end, self._clock, self.writer.note)
                self._logs[owner, conversation_id] = log
        self._unused.pop(log, None)
        log.users += 1
        return log

    async def release(self, log: LiveLog) -> None:
        """Release a log. It stays in memory for a while, and until it is saved."""
        log.users -= 1
        log.left_at_ms = self._clock.steady_ms()
        if not log.users and not log.deleted:
            self._unused[log] = None
            await self._sweep(log.left_at_ms)

    def open(self, owner: str, conversation_id: str) -> "OpenLog":
        """Open a conversation's log for the length of a block."""
        return OpenLog(self, owner, conversation_id)

    @asynccontextmanager
    async def follow(
        self,
        owner: str,
        conversation_id: str,
        after: int,
        run_id: str | None = None,
        *,
        ended: bool = False,
    ) -> AsyncGenerator[Follower]:
        """Follow a conversation, or one run of it, from the event after `after`.

        If it has `ended`, the follower ends when it is up to date.
        """
        async with self.open(owner, conversation_id) as log:
            follower = begin_following(log, self.reader, after, run_id, ended=ended)
            try:
                yield follower
            finally:
                log.watchers.leave()

    async def fold(self, owner: str, conversation_id: str) -> Fold:
        """Return the current state of a conversation. Ended runs come from the cache.

        Every call returns its own fold; the ended runs in it are shared.
        """
        while True:
            async with self.open(owner, conversation_id) as log:
                fold = self._folds.begin(owner, conversation_id)
                if await self._read(log, fold.seq, fold.apply):
                    self._folds.keep(owner, fold)
                    return fold
                self._folds.forget(owner, conversation_id)

    async def logged(self, owner: str, conversation_id: str) -> Sequence[LoggedEvent]:
        """Return every event of a conversation, saved or not, in order."""
        while True:
            found: list[LoggedEvent] = []
            async with self.open(owner, conversation_id) as log:
                if await self._read(log, 0, found.append):
                    return found

    async def _read(self, log: LiveLog, seq: int, take: Callable[[LoggedEvent], None]) -> bool:
        """Read everything after `seq` up to the current end.

        Returns False if a compaction or deletion interfered; the caller must retry.
        """
        while seq < log.floor:
            page = await self.reader.read(log, seq, _PAGE)
            if log.deleted:
                return False
            # A coalesced event may reach above the floor.
            older = page
            if page and page[-1].first_seq > log.floor:
                older = [each for each in page if each.first_seq <= log.floor]
            if not older:
                break
            if older[0].first_seq <= seq:
                return False
            for each in older:
                take(each.logged)
            seq = older[-1].logged.seq
        for entry in log.after(max(seq, log.floor)):
            take(entry.logged)
        return True

    def close(self) -> None:
        """End every follower once it is up to date."""
        for log in self._logs.values():
            log.close()

    async def shut(self) -> None:
        """Close all logs, save everything and release reserved numbers."""
        self.close()
        await self.writer.save()
        for log in list(self._logs.values()):
            if log.is_saved:
                await self._drop(log)

    async def _sweep(self, now_ms: int) -> None:
        surplus = len(self._unused) - LINGERING
        dropped: list[LiveLog] = []
        for log in self._unused:
            if len(dropped) >= surplus and now_ms - log.left_at_ms <= LINGER_MS:
                break
            if log.is_saved:
                dropped.append(log)
        for log in dropped:
            await self._drop(log)

    async def _drop(self, log: LiveLog) -> None:
        await self.writer.unreserve(log)
        if log.users == 0 and log.is_saved and not log.deleted:
            self._unused.pop(log, None)
            self._logs.pop((log.owner, log.conversation_id), None)
            self._folds.forget(log.owner, log.conversation_id)


class OpenLog:
    """A log that is open for the length of a block."""

    __slots__ = ("_conversation_id", "_hub", "_log", "_owner")

    def __init__(self, hub: Hub, owner: str, conversation_id: str) -> None:
        self._hub = hub
        self._owner = owner
        self._conversation_id = conversation_id
        self._log: LiveLog | None = None

    async def __aenter__(self) -> LiveLog:
        self._log = log = await self._hub.acquire(self._owner, self._conversation_id)
        return log

    async def __aexit__(self, *exception: object) -> None:
        if self._log is not None:
            await self._hub.release(self._log)
