"""Resuming from a cursor inside coalesced events, or in the gap left by a crash."""

from collections.abc import Iterable
from typing import Final

from thinkaloud.core.delta_offsets import split
from thinkaloud.events.event import AnswerDelta, ReasoningDelta, RunStarted
from thinkaloud.events.fold import Fold
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.log.reader import LogReader

_PAGE: Final = 2_048


class Resumed:
    """The conversation at `seq`, and the rest of the event that the cursor points into."""

    __slots__ = ("fold", "rest", "seq")

    def __init__(self, fold: Fold, seq: int, rest: Entry | None = None) -> None:
        self.fold = fold
        self.seq = seq
        self.rest = rest


async def resume(log: LiveLog, reader: LogReader, cursor: int) -> Resumed:
    """Read a conversation up to a cursor.

    A coalesced delta is split at the cursor, or read whole if the offset is unknown. The event
    after a gap is left for the reader, unless it starts a run. Discard the result if the log is
    now `deleted`.
    """
    while True:
        fold = Fold(log.conversation_id)
        found = await _read(log, reader, cursor, fold)
        if found is not None:
            return found


async def _read(log: LiveLog, reader: LogReader, cursor: int, fold: Fold) -> Resumed | None:
    """Read the log into the fold. Returns None if a compaction interfered."""
    seq = 0
    while seq < min(cursor, log.floor):
        page = await reader.read(log, seq, _PAGE)
        if log.deleted or not page:
            break
        if page[0].first_seq <= seq:
            return None
        entries = (Entry(each.logged, each.first_seq, each.lengths) for each in page)
        found = _take(entries, fold, cursor)
        if found is not None:
            return found
        seq = page[-1].logged.seq
    found = _take(log.after(max(seq, log.floor)), fold, cursor)
    return found or Resumed(fold, log.lost.stop if cursor in log.lost else cursor)


def _take(entries: Iterable[Entry], fold: Fold, cursor: int) -> Resumed | None:
    """Apply the entries up to the cursor. Returns None if it is after all of them."""
    for entry in entries:
        if entry.logged.seq > cursor:
            inside = entry.first_seq <= cursor
            return _parted(entry, fold, cursor) if inside else Resumed(fold, cursor)
        fold.apply(entry.logged)
    return None


def _parted(entry: Entry, fold: Fold, cursor: int) -> Resumed:
    logged = entry.logged
    parts = split(logged, entry.first_seq, entry.lengths, cursor)
    if parts is not None:
        head, tail = parts
        fold.apply(head)
        return Resumed(fold, cursor, Entry(tail, cursor + 1))
    if isinstance(logged.event, AnswerDelta | ReasoningDelta | RunStarted):
        fold.apply(logged)
        return Resumed(fold, logged.seq)
    # After a gap, the snapshot gets its own number, so that a client can lose one of the two.
    return Resumed(fold, logged.seq - 1, Entry(logged, logged.seq))
