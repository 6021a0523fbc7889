"""The writer thread, with group commit: jobs queued during a commit form the next one."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from thinkaloud.errors import Fenced, StoreError

T = TypeVar("T")
Failure = (sqlite3.Error, OverflowError, ValueError, Fenced)
"""What a job raises: `sqlite3` raises the middle ones for values that no column can hold."""
_GROUP: Final = 256
_AGAIN_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class _Job:
    """A function to run with the connection, and a future of its caller's loop for the result."""

    __slots__ = ("alone", "done", "loop", "settled", "work")

    def __init__(self, work: Callable[[sqlite3.Connection], Any], *, alone: bool) -> None:
        self.work = work
        self.alone = alone
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Any] = self.loop.create_future()
        self.settled = False
        """Set by the writer thread once the result is on its way."""


class _Outcome:
    """The result of a job, or its exception."""

    __slots__ = ("error", "job", "result")

    def __init__(self, job: _Job, result: object, error: Exception | None = None) -> None:
        self.job = job
        self.result = result
        self.error = error


class Writer:
    """Owns a connection in autocommit mode, and its transactions.

    Jobs are functions of the connection and must be repeatable: if one of a group fails, the group
    is rolled back and each job is run in its own transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.commits = 0
        """Number of committed transactions."""
        self._connection = connection
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closed = False
        self._left: Callable[[sqlite3.Connection], bool] | None = None
        self._again = 0.0
        self._thread = threading.Thread(target=self._work, name="thinkaloud-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a transaction, grouped with other queued jobs. Returns after the commit.

        If the caller is cancelled, the job still runs. Raises the job's exception, one of
        `Failure`, after rolling the job back.
        """
        return await self._submit(_Job(work, alone=False))

    async def maintain(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job outside of a transaction, in queue order. Raises like `write`."""
        return await self._submit(_Job(work, alone=True))

    async def insist(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        """Run a job like `maintain`, and repeat it every second until it returns True.

        A new job replaces the previous one. The first attempt raises like `write`.
        """
        await self.maintain(partial(self._try, work))

    def close(self) -> None:
        """Finish queued jobs, accept no more, and stop the thread. Blocks."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    async def _submit(self, job: _Job) -> Any:  # noqa: ANN401
        if self._closed or not self._thread.is_alive():
            raise StoreError("The store is closed.")
        self._jobs.put(job)
        return await job.done

    def _work(self) -> None:
        waiting: Sequence[_Job | None] = ()
        try:
            while None not in waiting:
                waiting = [self._next(), *self._gathered()]
                self._carry_out([job for job in waiting if job is not None])
        finally:
            # Let no caller wait forever, even if a bug ended the thread.
            self._closed = True
            left = [job for job in (*waiting, *self._gathered()) if job and not job.settled]
            _fail(left, StoreError("The writer of the store has stopped."))

    def _next(self) -> _Job | None:
        while self._left is not None:
            wait = self._again - time.monotonic()
            if wait <= 0:
                self._try_again(self._left)
                continue
            with suppress(Empty):
                return self._jobs.get(timeout=wait)
        return self._jobs.get()

    def _try_again(self, work: Callable[[sqlite3.Connection], bool]) -> None:
        try:
            self._try(work, self._connection)
        except Failure:
            self._left = None
            _log.exception("database maintenance failed; retrying at the next start")

    def _try(
        self, work: Callable[[sqlite3.Connection], bool], connection: sqlite3.Connection
    ) -> None:
        self._left = None if work(connection) else work
        self._again = time.monotonic() + _AGAIN_SECONDS

    def _carry_out(self, jobs: Sequence[_Job]) -> None:
        group: list[_Job] = []
        for job in jobs:
            if not job.alone:
                group.append(job)
                continue
            self._commit(group)
            group = []
            self._run_alone(job)
        self._commit(group)

    def _gathered(self) -> Sequence[_Job | None]:
        jobs: list[_Job | None] = []
        try:
            while len(jobs) < _GROUP:
                jobs.append(self._jobs.get_nowait())
        except Empty:
            return jobs
        return jobs

    def _commit(self, group: Sequence[_Job]) -> None:
        if not group:
            return
        self._roll_back()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            _fail(group, error)
            return
        try:
            results = [job.work(self._connection) for job in group]
            self._connection.execute("COMMIT")
        except Failure as error:
            self._roll_back()
            if len(group) == 1:
                _fail(group, error)
                return
            for job in group:
                self._commit([job])
            return
        self.commits += 1
        _settle([_Outcome(job, result) for job, result in zip(group, results, strict=True)])

    def _run_alone(self, job: _Job) -> None:
        try:
            result = job.work(self._connection)
        except Failure as error:
            _fail([job], error)
        else:
            _settle([_Outcome(job, result)])

    def _roll_back(self) -> None:
        # SQLite rolls back by itself on some errors.
        if not self._connection.in_transaction:
            return
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            _log.exception("a failed transaction could not be rolled back")


def _fail(group: Sequence[_Job], error: Exception) -> None:
    _settle([_Outcome(job, None, error) for job in group])


def _settle(outcomes: Sequence[_Outcome]) -> None:
    """Hand results to the callers, waking each event loop once for all of them."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        outcome.job.settled = True
        by_loop.setdefault(outcome.job.loop, []).append(outcome)
    for loop, own in by_loop.items():
        # A closed loop has no caller that waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_deliver, own)


def _deliver(outcomes: Sequence[_Outcome]) -> None:
    for outcome in outcomes:
        done = outcome.job.done
        if done.done():
            continue  # Its caller was cancelled.
        if outcome.error is None:
            done.set_result(outcome.result)
        else:
            done.set_exception(outcome.error)
