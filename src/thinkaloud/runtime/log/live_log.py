"""The live tail of a conversation's log: numbers events and publishes them to followers."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final

from thinkaloud.core.coalesce import coalesced, runs_of_deltas
from thinkaloud.core.delta_offsets import pack
from thinkaloud.core.reclassify import as_reasoning
from thinkaloud.events.event import (
    AnswerDelta,
    Attachment,
    Event,
    LoggedEvent,
    ReasoningDelta,
    RunStarted,
    SegmentReclassified,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import LogEnd, Stored

KEPT_ENTRIES: Final = 16_384
"""Saved events kept in memory for reconnecting followers; older ones are read from the store."""
KEPT_RUNS: Final = 4
"""Ended runs whose fold is kept for followers that are about to reach their end."""
_KEPT_MERGED: Final = 32


class Entry:
    """An event in the live tail, with its encoded frames.

    A frame is encoded once per wire format, not once per follower. The event covers the numbers
    `first_seq` … `logged.seq`.
    """

    __slots__ = ("_frames", "first_seq", "lengths", "logged")

    def __init__(self, logged: LoggedEvent, first_seq: int, lengths: bytes = b"") -> None:
        self.logged = logged
        self.first_seq = first_seq
        self.lengths = lengths
        self._frames: dict[str, bytes | None] | None = None

    def frame(self, wire: str, encode: Callable[[LoggedEvent], bytes | None]) -> bytes | None:
        """Return this event as a frame of a wire; None if the wire does not send it."""
        frames = self._frames
        if frames is None:
            frames = self._frames = {}
        elif wire in frames:
            return frames[wire]
        frame = frames[wire] = encode(self.logged)
        return frame

    def rewrite(self, logged: LoggedEvent) -> None:
        """Replace the event with another one of the same number."""
        self.logged = logged
        self._frames = None


class Unsaved(list[Entry]):
    """The entries of a log that are not stored yet, in order."""

    def note_saved(self, entries: Sequence[Entry]) -> None:
        """Remove these entries, which were the first and are now stored."""
        del self[: len(entries)]

    def begins_by(self, seq: int) -> bool:
        """Whether an event up to this number is unsaved."""
        return bool(self) and self[0].logged.seq <= seq


class LiveLog:
    """The log of one conversation while it is written or followed. Created by the hub."""

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
        self.watches = 0
        """How often `watch` was entered: to follow the conversation, or to wait for a run."""
        self.unwatched = asyncio.Event()
        """Set while there are no watchers."""
        self.left_at_ms = 0
        """When it was last released, in the clock's steady milliseconds."""
        self.runs: dict[str, RunFold] = {}
        """The active runs, and the last few that ended."""
        self.closed = False
        self.deleted = False
        """Whether the conversation was deleted; nothing more is saved then."""
        self.reserved_seq = end.reserved_seq
        """Numbers up to this one may be assigned; persisted in the store."""
        self.lost = range(end.last_seq + 1, max(end.last_seq, end.reserved_seq))
        """Numbers that clients may have seen before a crash, and whose events are lost.

        Excludes the last reserved number: it is never assigned, because so many are reserved
        ahead, and new followers start after it.
        """
        self._watchers = 0
        self.unwatched.set()
        self._clock = clock
        self._changed = changed
        self._floor = max(end.last_seq, end.reserved_seq)
        self._entries: list[Entry] = []
        self._held: Entry | None = None
        self.unsaved = Unsaved()
        """The entries still to be saved."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._merged: OrderedDict[tuple[int, int], Entry] = OrderedDict()

    @property
    def seq(self) -> int:
        """The number of the last published event."""
        if self._held is not None:
            return self._held.logged.seq - 1
        return self._floor + len(self._entries)

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
        A `held` event, and everything after it, is not published until `show` is called.
        """
        seq = self._floor + len(self._entries) + 1
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
        if held:
            self._held = entry
        else:
            self._fold(logged, attachments)
        if len(self.unsaved) == 1:
            self._changed(self)
        if self._waiting:
            self.wake()
        return logged

    def show(self) -> None:
        """Publish the held event, if any, and those after it."""
        if self._held is not None:
            self._fold(self._held.logged)
            self._held = None
            self.wake()

    @contextmanager
    def watch(self) -> Generator[None]:
        """Count as a watcher of this conversation for the length of a block."""
        self._watchers += 1
        self.watches += 1
        self.unwatched.clear()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self.unwatched.set()

    def wake(self) -> None:
        """Wake every waiting follower."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def close(self) -> None:
        """Close the log; followers end once they are up to date."""
        self.closed = True
        self.wake()

    async def change(self) -> None:
        """Wait for the next `wake`."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def after(self, seq: int, most: int | None = None) -> list[Entry]:
        """Return at most `most` published entries above `seq`, which must not be below `floor`."""
        start = seq - self._floor
        stop = self.seq - self._floor
        return self._entries[start : stop if most is None else min(stop, start + most)]

    def of_run(self, run_id: str) -> list[Entry]:
        """Return the entries of a run that are in memory, published or not."""
        return [entry for entry in self._entries if entry.logged.run_id == run_id]

    def trim(self) -> None:
        """Drop all but the latest saved entries."""
        surplus = len(self._entries) - len(self.unsaved) - KEPT_ENTRIES
        if surplus > KEPT_ENTRIES // 8:
            del self._entries[:surplus]
            self._floor += surplus

    def coalesced(self, entries: Sequence[Entry]) -> Entry:
        """Coalesce adjacent deltas to one entry, which followers share."""
        if len(entries) == 1:
            return entries[0]
        key = (entries[0].first_seq, entries[-1].logged.seq)
        entry = self._merged.get(key)
        if entry is None:
            entry = Entry(coalesced([entry.logged for entry in entries]), entries[0].first_seq)
            self._merged[key] = entry
            if len(self._merged) > _KEPT_MERGED:
                self._merged.popitem(last=False)
        return entry

    def _fold(self, logged: LoggedEvent, attachments: tuple[Attachment, ...] | None = None) -> None:
        run = self.runs.get(logged.run_id)
        if run is not None:
            run.apply(logged)
        elif isinstance(logged.event, RunStarted):
            ended = [run_id for run_id, run in self.runs.items() if run.ended is not None]
            for run_id in ended[:-KEPT_RUNS]:
                del self.runs[run_id]
            self.runs[logged.run_id] = RunFold(logged, attachments)


def _make_reasoning(entries: Sequence[Entry], found: SegmentReclassified) -> None:
    """Reclassify an answer segment as reasoning for all later readers (P7)."""
    for entry in entries:
        logged = as_reasoning(entry.logged, found)
        if logged is not entry.logged:
            entry.rewrite(logged)


def stored(entries: Sequence[Entry]) -> list[Stored]:
    """Convert entries for the store, coalescing the deltas of each segment."""
    logged = [entry.logged for entry in entries]
    return [
        Stored(
            entries[start].first_seq,
            coalesced(logged[start:stop]),
            _lengths(entries[start:stop]),
        )
        for start, stop in runs_of_deltas(logged, None)
    ]


def _lengths(entries: Sequence[Entry]) -> bytes:
    """Pack the lengths of these deltas, for resuming between them; empty if any is unknown."""
    if len(entries) == 1:
        return entries[0].lengths
    single: list[int] = []
    packed: list[bytes] = []
    for entry in entries:
        event = entry.logged.event
        if not isinstance(event, AnswerDelta | ReasoningDelta):
            return b""
        if entry.first_seq == entry.logged.seq:
            single.append(len(event.text))
        elif entry.lengths:
            packed += (pack(single), entry.lengths)
            single = []
        else:
            return b""
    return b"".join([*packed, pack(single)])
