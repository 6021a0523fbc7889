"""The logs in memory, by owner and id."""

from typing import Final

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import LogEnd, Store
from thinkaloud.runtime.log.fold_cache import FoldCache
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.reader import LogReader
from thinkaloud.runtime.log.shared_log import SharedLog
from thinkaloud.runtime.log.tail import Tail
from thinkaloud.runtime.log.writer import Fence, LogWriter

LINGER_MS: Final = 60_000
"""How long an unused log stays in memory, so that reconnecting clients find every event."""
LINGERING: Final = 64
"""The maximum number of unused logs in memory."""


class OpenLogs:
    """Opens logs, and keeps them in memory while somebody uses them, and a little longer."""

    def __init__(self, store: Store, clock: Clock, fence: Fence | None = None) -> None:
        self._store = store
        self._clock = clock
        self.writer = LogWriter(store, fence)
        """Saves the logs."""
        self.reader = LogReader(store)
        """Reads stored events."""
        self._tail = Tail(store, self._lose)
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
            log.deleted = log.is_detached = True
            log.close()

    async def acquire(
        self, owner: str, conversation_id: str, *, new: bool = False, alone: bool = False
    ) -> LiveLog:
        """Open a conversation's log. It stays in memory until every user has released it.

        `new`: the id was just generated, so there is nothing to look up in the store. `alone`: it is
        of a conversation that no other replica sees.
        """
        log = self._logs.get((owner, conversation_id))
        while log is None:
            deletions = self._deletions
            end = LogEnd() if new else await self._store.log_end(owner, conversation_id)
            # Another task may have opened it since, or deleted the conversation.
            log = self._logs.get((owner, conversation_id))
            if log is None and deletions == self._deletions:
                shared = not alone and self._store.shares(owner, conversation_id)
                kind = SharedLog if shared else LiveLog
                log = kind(owner, conversation_id, end, self._clock, self.writer.note)
                self._logs[owner, conversation_id] = log
        self._unused.pop(log, None)
        log.users += 1
        if isinstance(log, SharedLog) and not new:
            return await self._refreshed(log)
        return log

    async def _refreshed(self, log: SharedLog) -> LiveLog:
        """Return a log that the caller has just opened, with what other replicas have appended."""
        try:
            await self._tail.refresh([log])
        except BaseException:
            await self.release(log)
            raise
        if not log.is_detached:
            return log
        # The conversation was deleted, and may have been created again.
        await self.release(log)
        return await self.acquire(log.owner, log.conversation_id)

    async def release(self, log: LiveLog) -> None:
        """Release a log. It stays in memory for a while, and until it is saved."""
        log.users -= 1
        log.left_at_ms = self._clock.steady_ms()
        if not log.users and not log.is_detached:
            self._unused[log] = None
            await self._sweep(log.left_at_ms)

    def open(self, owner: str, conversation_id: str) -> "OpenLog":
        """Open a conversation's log for the length of a block."""
        return OpenLog(self, owner, conversation_id)

    def discard_unsaved(self) -> None:
        """Drop all logs with events that this replica may not save any more."""
        for log in [*self._logs.values()]:
            if not log.is_saved:
                self.discard(log)

    def discard(self, log: LiveLog) -> None:
        """Drop a log that this replica may not write any more, with what is not committed."""
        if isinstance(log, SharedLog) and not log.is_detached:
            self.writer.forget(log.owner, log.conversation_id)
            self._folds.forget(log.owner, log.conversation_id)
            if self._logs.get((log.owner, log.conversation_id)) is log:
                del self._logs[log.owner, log.conversation_id]
            self._unused.pop(log, None)
            log.discard()

    def _lose(self, log: SharedLog) -> None:
        """Drop a log whose conversation another replica deleted."""
        if self._logs.get((log.owner, log.conversation_id)) is log:
            self.forget(log.owner, log.conversation_id)

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
        if log.users == 0 and log.is_saved and not log.is_detached:
            self._unused.pop(log, None)
            self._logs.pop((log.owner, log.conversation_id), None)
            self._folds.forget(log.owner, log.conversation_id)


class OpenLog:
    """A log that is open for the length of a block."""

    __slots__ = ("_conversation_id", "_log", "_logs", "_owner")

    def __init__(self, logs: OpenLogs, owner: str, conversation_id: str) -> None:
        self._logs = logs
        self._owner = owner
        self._conversation_id = conversation_id
        self._log: LiveLog | None = None

    async def __aenter__(self) -> LiveLog:
        self._log = log = await self._logs.acquire(self._owner, self._conversation_id)
        return log

    async def __aexit__(self, *exception: object) -> None:
        if self._log is not None:
            await self._logs.release(self._log)
