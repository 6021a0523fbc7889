"""The live tail of a conversation's log: numbers events and publishes them to followers."""

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from thinkaloud.core.coalesce import coalesced, runs_of_deltas
from thinkaloud.core.reclassify import as_reasoning
from thinkaloud.events.event import (
    Attachment,
    Event,
    LoggedEvent,
    RunStarted,
    SegmentReclassified,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.store import LogEnd
from thinkaloud.runtime.log.entry import Entry, Unsaved, condensed, lengths_of, rest_of
from thinkaloud.runtime.log.waiting import WaitingFollowers
from thinkaloud.runtime.log.watchers import Watchers

KEPT_EVENTS: Final = 16_384
"""Saved events kept in memory for reconnecting followers; older ones are read from the store."""
KEPT_RUNS: Final = 4
"""Ended runs whose fold is kept for followers that are about to reach their end."""
_KEPT_MERGED: Final = 32
_CONDENSED: Final = 16
"""How many saved entries to condense at a time: the more, the less often."""


class LiveLog:
    """The log of one conversation while it is written or followed. Created by the hub."""

    commits_first = False
    """Whether events are committed before they are published, because other replicas see them."""

    def __init__(
        self,
        owner: str,
        conversation_id: str,
        end: LogEnd,
        clock: Clock,
        changed: Callable[["LiveLog"], None],
    ) -> None:
        self.owner = owner
        self.conversation_id = conversation_id
        self.writing = asyncio.Lock()
        """Held by the active run; the other runs of the conversation queue for it."""
        self.users = 0
        """The number of runs and followers that have the log open."""
        self.writers = 0
        """How many of its users rely on the reserved numbers."""
        self.watchers = Watchers()
        """Those who follow the conversation or wait for a run."""
        self.left_at_ms = 0
        """When it was last released, in the clock's steady milliseconds."""
        self.runs: dict[str, RunFold] = {}
        """The active runs, and the last few that ended."""
        self.closed = False
        self.deleted = False
        """Whether the conversation was deleted."""
        self.is_detached = False
        """Whether nothing more is saved, because it was deleted, or is another replica's to write."""
        self.reserved_seq = end.reserved_seq
        """Numbers up to this one may be assigned; persisted in the store."""
        self.lost = range(end.last_seq + 1, max(end.last_seq, end.reserved_seq))
        """Numbers that clients may have seen before a crash, and whose events are lost. The last
        reserved one, after which new followers start, is never assigned."""
        self.shown = Signal(is_set=True)
        """Set while no event is held, so that every event is published."""
        self._clock = clock
        self._changed = changed
        self._floor = max(end.last_seq, end.reserved_seq)
        self._last_seq = self._floor
        self._entries: list[Entry] = []
        """In order; the later ones, from the index `_condensed` on, have one number each."""
        self._condensed = 0
        self._held: Entry | None = None
        self.unconfirmed: Entry | None = None
        """The held start of a run that the store may not have. Nothing from it on is saved."""
        self.unsaved = Unsaved()
        """The entries still to be saved."""
        self.waiting = WaitingFollowers()
        """The followers that have read everything."""
        self._merged: OrderedDict[tuple[int, int], Entry] = OrderedDict()

    @property
    def seq(self) -> int:
        """The number of the last published event."""
        if self._held is not None:
            return self._held.logged.seq - 1
        return self._last_seq

    @property
    def last_seq(self) -> int:
        """The number of the last event, published or held."""
        return self._last_seq

    @property
    def floor(self) -> int:
        """Events up to this number are only in the store."""
        return self._floor

    @property
    def is_saved(self) -> bool:
        """Whether all events are saved."""
        return not self.unsaved

    def append(
        self,
        run_id: str,
        event: Event,
        attachments: tuple[Attachment, ...] | None = None,
        *,
        held: bool = False,
    ) -> LoggedEvent:
        """Number an event and publish it to all followers. Never waits.

        `attachments` are those of a run that starts, including the content that its event omits.
        A `held` event, and everything after it, is not published until `show` is called. If it
        starts a run, nothing of the run is saved until then either, and `retract` removes it.
        """
        self._last_seq = seq = self._last_seq + 1
        logged = LoggedEvent(seq, self._clock.unix_ms(), self.conversation_id, run_id, event)
        first_seq = seq
        if self.lost and seq == self.lost.stop + 1:
            first_seq = self.lost.start
        entry = Entry(logged, first_seq)
        if type(event) is SegmentReclassified and event.to == "reasoning":
            _make_reasoning(self.of_run(run_id), event)
            self._merged.clear()
        self._entries.append(entry)
        self.unsaved.append(entry)
        starts = type(event) is RunStarted
        if held:
            self._held = entry
            self.shown.clear()
            self.unconfirmed = entry if starts else None
        if not held or starts:
            _fold(self.runs, logged, attachments)
        if len(self.unsaved) == 1:
            self._changed(self)
        self.waiting.wake()
        return logged

    def extend(self, run_id: str, events: Sequence[Event]) -> None:
        """Number events of a run in progress, and pass them to all followers. Never waits.

        Followers that are up to date get them pushed, with the deltas of a segment coalesced; the
        others pull them. Not for the first or the last event of a run.
        """
        if not events:
            return
        conversation_id, at_ms = self.conversation_id, self._clock.unix_ms()
        run, kept, unsaved = self.runs[run_id], self._entries, self.unsaved
        start, was_saved = len(kept), not unsaved
        seq = self._last_seq
        for event in events:
            seq += 1
            logged = LoggedEvent(seq, at_ms, conversation_id, run_id, event)
            if type(event) is SegmentReclassified and event.to == "reasoning":
                _make_reasoning(self.of_run(run_id), event)
                self._merged.clear()
            entry = Entry(logged, seq)
            kept.append(entry)
            unsaved.append(entry)
            run.apply(logged)
        self._last_seq = seq
        if was_saved:
            self._changed(self)
        if self._held is None:
            self.waiting.push(kept[start:], self.merge)

    def show(self) -> None:
        """Publish the held event, if any, and those after it."""
        held, self._held = self._held, None
        self.shown.set()
        if held is not None:
            if held is not self.unconfirmed:
                _fold(self.runs, held.logged)
            self.unconfirmed = None
            self.waiting.wake()

    def retract(self) -> None:
        """Remove the `unconfirmed` start of a run, if any, and all that follows it."""
        start, self.unconfirmed = self.unconfirmed, None
        if start is not None:
            self._held = None
            self.shown.set()
            del self._entries[self._index_after(start.logged.seq - 1) :]
            self._last_seq = start.logged.seq - 1
            self.unsaved.drop_from(start.logged.seq)
            del self.runs[start.logged.run_id]

    def close(self) -> None:
        """Close the log; followers end once they are up to date."""
        self.closed = True
        self.waiting.wake()

    def after(self, seq: int, most: int | None = None) -> list[Entry]:
        """Return at most `most` published entries above `seq`, which must not be below `floor`.

        Deltas that were saved a while ago are coalesced: see `separated`.
        """
        start, stop = self._index_after(seq), self._index_after(self.seq)
        found = self._entries[start : stop if most is None else min(stop, start + most)]
        if start < self._condensed and found:
            found[0] = rest_of(found[0], seq)
        return found

    def _index_after(self, seq: int) -> int:
        """Return the index of the first entry with an event above `seq`."""
        entries = self._entries
        index = len(entries) - (self._last_seq - seq)
        if index >= self._condensed:
            return index
        return bisect_right(entries, seq, hi=self._condensed, key=_number)

    def of_run(self, run_id: str) -> list[Entry]:
        """Return the entries of a run that are in memory, published or not."""
        return [entry for entry in self._entries if entry.logged.run_id == run_id]

    def shrink(self) -> None:
        """Coalesce the deltas of saved entries, and drop all but the latest entries."""
        entries, start = self._entries, self._condensed
        stop = len(entries) - len(self.unsaved)
        if stop - start >= _CONDENSED and self._held is None:
            entries[start:stop] = condensed(entries[start:stop])
            self._condensed = len(entries) - len(self.unsaved)
            for run in self.runs.values():
                run.shrink()
        surplus = self._last_seq - self._floor - len(self.unsaved) - KEPT_EVENTS
        if surplus > KEPT_EVENTS // 8:
            dropped = bisect_right(entries, self._floor + surplus, key=_number)
            if dropped:
                self._floor = entries[dropped - 1].logged.seq
                self._condensed = max(0, self._condensed - dropped)
                del entries[:dropped]

    def merge(self, entries: Sequence[Entry]) -> list[Entry]:
        """Coalesce the adjacent deltas of a segment. Followers share the resulting entries."""
        slices = runs_of_deltas([entry.logged for entry in entries])
        return [_coalesced(entries[start:stop], self._merged) for start, stop in slices]


def _number(entry: Entry) -> int:
    return entry.logged.seq


def _fold(
    runs: dict[str, RunFold], logged: LoggedEvent, attachments: tuple[Attachment, ...] | None = None
) -> None:
    """Apply an event to its run; a run that starts replaces the oldest ended one."""
    run = runs.get(logged.run_id)
    if run is not None:
        run.apply(logged)
    elif isinstance(logged.event, RunStarted):
        ended = [run_id for run_id, run in runs.items() if run.ended is not None]
        for run_id in ended[:-KEPT_RUNS]:
            del runs[run_id]
        runs[logged.run_id] = RunFold(logged, attachments)


def _coalesced(entries: Sequence[Entry], merged: OrderedDict[tuple[int, int], Entry]) -> Entry:
    """Return adjacent deltas as one entry, from `merged` if it is there."""
    if len(entries) == 1:
        return entries[0]
    key = (entries[0].first_seq, entries[-1].logged.seq)
    entry = merged.get(key)
    if entry is None:
        entry = Entry(
            coalesced([entry.logged for entry in entries]),
            entries[0].first_seq,
            lengths_of(entries),
        )
        merged[key] = entry
        if len(merged) > _KEPT_MERGED:
            merged.popitem(last=False)
    return entry


def _make_reasoning(entries: Sequence[Entry], found: SegmentReclassified) -> None:
    """Reclassify an answer segment as reasoning for all later readers (P7)."""
    for entry in entries:
        logged = as_reasoning(entry.logged, found)
        if logged is not entry.logged:
            entry.rewrite(logged)
