"""Reads stored events, and detects reads that a deletion made invalid."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from thinkaloud.ports.store import Store, Stored
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.shared_log import SharedLog


class LogReader:
    """Reads logs from the store for the followers and folds in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._deletions = 0
        self._settled = asyncio.Event()
        self._settled.set()

    @contextmanager
    def deleting(self) -> Generator[None]:
        """Enclose deleting a conversation from the store and from the hub."""
        self._deletions += 1
        self._settled.clear()
        try:
            yield
        finally:
            self._deletions -= 1
            if not self._deletions:
                self._settled.set()

    async def read(self, log: LiveLog, after: int, limit: int) -> Sequence[Stored]:
        """Read up to `limit` events. Discard the result if the log is now `deleted`."""
        recent = log.recent(after, limit) if isinstance(log, SharedLog) else None
        if recent is not None:
            return recent
        page = await self._store.read(log.owner, log.conversation_id, after, limit)
        # A deletion in progress may have removed events before the log is marked as deleted.
        await self._settled.wait()
        return page
