"""A pool of reader threads with read-only connections."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

from thinkaloud.errors import StoreError

T = TypeVar("T")


class Readers:
    """Runs read jobs off the event loop. A job sees everything committed before it started."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._closed = False
        self._idle: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        for connection in connections:
            self._idle.put(connection)
        self._threads = ThreadPoolExecutor(len(connections), "thinkaloud-reader")

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job and return its result."""
        if self._closed:
            raise StoreError("The store is closed.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, work)

    def close(self) -> None:
        """Finish running jobs and accept no more. Blocks."""
        self._closed = True
        self._threads.shutdown()

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._idle.get()
        try:
            return work(connection)
        finally:
            self._idle.put(connection)
