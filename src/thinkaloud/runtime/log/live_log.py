"""The live tail of a conversation's log: every event numbered once, and shown to all who wait."""

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
"""Saved events that stay in memory, for followers that come back: who needs older ones reads the store."""
KEPT_RUNS: Final = 4
"""Ended runs whose fold stays at hand for followers that are about to see their end."""
_KEPT_MERGED: Final = 32


class Entry:
    """An event in the live tail, with the frames that it was encoded to.

    A frame is encoded once per wire format, not once per follower. The event stands for the
    numbers `first_seq` … `logged.seq`.
    """

    __slots__ = ("_frames", "first_seq", "lengths", "logged")

    def __init__(self, logged: LoggedEvent, first_seq: int, lengths: bytes = b"") -> None:
        self.logged = logged
        self.first_seq = first_seq
        self.lengths = lengths
        self._frames: dict[str, bytes | None] | None = None

    def frame(self, wire: str, encode: Callable[[LoggedEvent], bytes | None]) -> bytes | None:
        """Return this event as a frame of the wire; None where the wire does not carry it."""
        frames = self._frames
        if frames is None:
            frames = self._frames = {}
        elif wire in frames:
            return frames[wire]
        frame = frames[wire] = encode(self.logged)
        return frame

    def rewrite(self, logged: LoggedEvent) -> None:
        """Put another event of the same number in its place."""
        self.logged = logged
        self._frames = None


class Unsaved(list[Entry]):
    """What the store has not seen of a log, in order."""

    def note_saved(self, entries: Sequence[Entry]) -> None:
        """Take note that the store has these, which were the first."""
        del self[: len(entries)]

    def begins_by(self, seq: int) -> bool:
        """Whether an event up to this number is among it."""
        return bool(self) and self[0].logged.seq <= seq


class LiveLog:
    """The log of one conversation while somebody writes or follows it. The hub makes it."""

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
        """Held by the run that is going on; runs of a conversation queue for it."""
        self.users = 0
        """Runs and followers that have the log open."""
        self.watches = 0
        """How often somebody began to follow the conversation, or to wait for one of its runs."""
        self.unwatched = asyncio.Event()
        """Set while nobody does."""
        self.left_at_ms = 0
        """When the last of them left, by the clock's steady milliseconds."""
        self.runs: dict[str, RunFold] = {}
        """The runs that are going on, and the last few that ended."""
        self.closed = False
        self.deleted = False
        """Whether its conversation is gone: then nothing of it is saved any more."""
        self.reserved_seq = end.reserved_seq
        """Numbers up to this one may be given out; kept by the store."""
        self.lost = range(end.last_seq + 1, max(end.last_seq, end.reserved_seq))
        """Numbers that may have been seen before a crash and that nobody has any more.

        The last reserved number is none of them: so many are reserved ahead that it is never
        reached, and who begins now begins after it.
        """
        self._watchers = 0
        self.unwatched.set()
        self._clock = clock
        self._changed = changed
        self._floor = max(end.last_seq, end.reserved_seq)
        self._entries: list[Entry] = []
        self._held: Entry | None = None
        self.unsaved = Unsaved()
        """What is still to be saved."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._merged: OrderedDict[tuple[int, int], Entry] = OrderedDict()

    @property
    def seq(self) -> int:
        """The number of the last event that is shown."""
        if self._held is not None:
            return self._held.logged.seq - 1
        return self._floor + len(self._entries)

    @property
    def floor(self) -> int:
        """Events up to this number are in the store only."""
        return self._floor

    @property
    def is_saved(self) -> bool:
        """Whether the store has everything."""
        return not self.unsaved

    def append(
        self,
        run_id: str,
        event: Event,
        attachments: tuple[Attachment, ...] | None = None,
        *,
        held: bool = False,
    ) -> LoggedEvent:
        """Number an event and show it to all followers. Never waits.

        `attachments` are those of a run that begins, with the content that its event leaves out.
        One that is `held` is seen by nobody, nor is anything after it, until `show` is called.
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
        """Show the event that was held, if any, and what came after it."""
        if self._held is not None:
            self._fold(self._held.logged)
            self._held = None
            self.wake()

    @contextmanager
    def watch(self) -> Generator[None]:
        """Count as somebody who waits for what happens here."""
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
        """Let every waiting follower look again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def close(self) -> None:
        """Say that nothing more will come; followers end once they are up to date."""
        self.closed = True
        self.wake()

    async def change(self) -> None:
        """Wait for the next append."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)

    def after(self, seq: int, most: int | None = None) -> list[Entry]:
        """Return the entries above `seq`, which is not below the floor; at most so many."""
        start = seq - self._floor
        stop = self.seq - self._floor
        return self._entries[start : stop if most is None else min(stop, start + most)]

    def of_run(self, run_id: str) -> list[Entry]:
        """Return the entries of a run that are in memory, shown or not."""
        return [entry for entry in self._entries if entry.logged.run_id == run_id]

    def trim(self) -> None:
        """Forget saved entries but the last ones."""
        surplus = len(self._entries) - len(self.unsaved) - KEPT_ENTRIES
        if surplus > KEPT_ENTRIES // 8:
            del self._entries[:surplus]
            self._floor += surplus

    def coalesced(self, entries: Sequence[Entry]) -> Entry:
        """Return one entry for deltas that belong together, the same to all who ask."""
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
    """Make reasoning of an answer segment, for all who read it from now on (P7)."""
    for entry in entries:
        logged = as_reasoning(entry.logged, found)
        if logged is not entry.logged:
            entry.rewrite(logged)


def stored(entries: Sequence[Entry]) -> list[Stored]:
    """Return entries as the store keeps them: deltas that belong together as one."""
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
    """Return where one can resume between these; empty where that is not known of all of them."""
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
