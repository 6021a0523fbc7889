"""A reader of a log.

A follower is a cursor, not a queue: one that never reads costs nothing but its cursor, and one
that falls behind gets adjacent deltas of a segment coalesced (P14). No reader can slow down the
writer. A follower pulls, except while it waits for new events: those may be pushed to it.
"""

from collections.abc import Sequence
from typing import Final

from thinkaloud.events.event import RunEnded
from thinkaloud.events.fold import Fold
from thinkaloud.runtime.log.entry import Entry, separated
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.reader import LogReader
from thinkaloud.runtime.log.resume import resume
from thinkaloud.runtime.log.waiting import Push

_PAGE: Final = 512
_MOST: Final = 2048
"""The maximum events in a batch, which bounds the memory of a reader far behind."""


class Snapshot:
    """The conversation at `seq`, for a reader whose cursor is inside coalesced events.

    The events after `seq` follow, always including the end of a run. With `exact`, `seq` is the
    reader's own cursor: a reader that kept its state only needs the events that follow.
    """

    __slots__ = ("exact", "fold", "seq")

    def __init__(self, fold: Fold, seq: int, *, exact: bool = False) -> None:
        self.fold = fold
        self.seq = seq
        self.exact = exact


class Follower:
    """Reads a log from a cursor.

    Ends with the run, if it follows only one, and at `until`, if given.
    """

    def __init__(
        self,
        log: LiveLog,
        reader: LogReader,
        *,
        after: int,
        run_id: str | None,
        until: int | None,
    ) -> None:
        self.cursor = after
        self.run_id = run_id
        self.until = until
        self.ended = False
        self._log = log
        self._reader = reader
        self._rest: list[Entry] = []
        self.push: Push | None = None
        """Takes new events while `batch` waits."""

    async def batch(
        self, *, merge: bool = False, push: Push | None = None
    ) -> Sequence[Entry] | Snapshot:
        """Wait for events after the cursor and return them in order.

        With `merge`, adjacent deltas of a segment are coalesced to one entry with the last number.
        While this waits, coalesced events may be passed to `push` instead, which must not wait.
        Returns a `Snapshot` if the events after the cursor are no longer available individually.
        Empty means the end: the run has ended, `until` was reached, or the log was closed.
        """
        self.push = push
        while not self.ended:
            if self.until is not None and self.cursor >= self.until:
                self.ended = True
                break
            found = await self._next(merge=merge)
            if isinstance(found, Snapshot):
                return found
            if self.run_id is not None and found:
                found = [entry for entry in found if entry.logged.run_id == self.run_id]
                self.ended = any(isinstance(e.logged.event, RunEnded) for e in found[-1:])
            if found:
                return self._log.merge(found) if merge and len(found) > 1 else found
        return ()

    async def _next(self, *, merge: bool) -> list[Entry] | Snapshot:
        log = self._log
        if self._rest:
            entries, self._rest = self._rest, []
            self.cursor = entries[-1].logged.seq
            return entries
        if self.cursor in log.lost or self.cursor < log.floor:
            kept = await (self._snapshot() if self.cursor in log.lost else self._older())
            # If it was deleted, the events may be those of a new conversation with the same id.
            self.ended = log.deleted
            return [] if log.deleted else kept
        entries = log.after(self.cursor, _MOST)
        if entries:
            self.cursor = entries[-1].logged.seq
        elif log.closed:
            self.ended = True
        else:
            await log.waiting.wait(self)
        return entries if merge else separated(entries)

    async def _older(self) -> list[Entry] | Snapshot:
        floor = self._log.floor
        page = await self._reader.read(self._log, self.cursor, _PAGE)
        if page and page[0].first_seq <= self.cursor:
            return await self._snapshot()
        # A coalesced event may reach above the floor.
        entries = [
            Entry(each.logged, each.first_seq, each.lengths)
            for each in page
            if each.first_seq <= floor
        ]
        self.cursor = entries[-1].logged.seq if entries else floor
        return entries

    async def _snapshot(self) -> Snapshot:
        found = await resume(self._log, self._reader, self.cursor)
        exact = found.seq == self.cursor
        self.cursor = found.seq
        self._rest = [] if found.rest is None else [found.rest]
        return Snapshot(found.fold, found.seq, exact=exact)


def begin_following(
    log: LiveLog, reader: LogReader, after: int, run_id: str | None = None, *, ended: bool
) -> Follower:
    """Follow a log that the caller keeps open, or one run of it, from the event after `after`.

    If it has `ended`, the follower ends when it is up to date. The caller calls the log's
    `watchers.leave` once it is done.
    """
    log.watchers.enter()
    return Follower(log, reader, after=after, run_id=run_id, until=log.seq if ended else None)
