"""The hub: reads the logs of conversations, for any number of followers."""

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

from thinkaloud.events.event import Event, LoggedEvent
from thinkaloud.events.fold import Fold
from thinkaloud.ports.store import ConversationKey, Stored
from thinkaloud.runtime.log.follower import Follower, begin_following
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.open_logs import OpenLogs
from thinkaloud.runtime.log.shared_log import SharedLog

_PAGE: Final = 2_048
_ATTEMPTS: Final = 5


class Hub(OpenLogs):
    """Follows, reads and folds the logs of all conversations.

    The hub of a store that is not shared is the only writer of its logs. A conversation of another
    owner reads as empty.
    """

    async def refresh(self, changed: Collection[ConversationKey] | None = None) -> None:
        """Read what other replicas have appended to these logs, or to all that are followed here.

        Raises `StoreError`.
        """
        logs = self._logs.values() if changed is None else map(self._logs.get, changed)
        await self._tail.refresh([log for log in logs if isinstance(log, SharedLog) and log.users])

    async def read_to_end(self, log: LiveLog) -> None:
        """Read what other replicas have appended to a log, even if this one is about to write to it.

        Raises `StoreError`.
        """
        if isinstance(log, SharedLog):
            await self._tail.refresh([log])
            if log.writers:
                await self._tail.catch_up(log)

    async def begin_writing(self, log: LiveLog) -> None:
        """Bring a log to its end in the store, before this replica writes to it."""
        if isinstance(log, SharedLog) and log.writers == 1:
            await self._tail.catch_up(log)

    async def append_between_runs(self, log: LiveLog, event: Event) -> bool:
        """Append an event that is not of a run to a log that others may write.

        Returns False while a run is open. Raises `StoreError`.
        """
        owner, name = log.owner, log.conversation_id
        for _ in range(_ATTEMPTS):
            seq = log.seq
            new = Stored(seq + 1, LoggedEvent(seq + 1, self._clock.unix_ms(), name, "", event))
            if await self._store.append_between_runs(owner, name, new, seq):
                await self.refresh([(owner, name)])
                return True
            await self.refresh([(owner, name)])
            if log.seq == seq:
                return False
        return False

    @asynccontextmanager
    async def writing(self, log: LiveLog) -> AsyncGenerator[None]:
        """Write to a log for the length of a block, without a run, if others may not at that time."""
        if not log.commits_first:
            yield
            return
        log.writers += 1
        try:
            await self.begin_writing(log)
            yield
        finally:
            log.writers -= 1

    @property
    def followers(self) -> int:
        """How many followers there are."""
        return sum(log.watchers.count for log in self._logs.values())

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
