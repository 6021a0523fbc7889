"""Reads what the store has of a log, and knows when that is not to be believed."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from thinkaloud.ports.store import Store, Stored
from thinkaloud.runtime.log.live_log import LiveLog


class LogReader:
    """The one who reads logs for all that goes on in memory."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._deletions = 0
        self._settled = asyncio.Event()
        self._settled.set()

    @contextmanager
    def deleting(self) -> Generator[None]:
        """Delete in the store, and let the hub forget the log, in this block."""
        self._deletions += 1
        self._settled.clear()
        try:
            yield
        finally:
            self._deletions -= 1
            if not self._deletions:
                self._settled.set()

    async def read(self, log: LiveLog, after: int, limit: int) -> Sequence[Stored]:
        """Read up to `limit` events. Not to be used where the log is `deleted` by then."""
        page = await self._store.read(log.owner, log.conversation_id, after, limit)
        # It may lack what was deleted in this moment, of which the log is yet to be told.
        await self._settled.wait()
        return page
