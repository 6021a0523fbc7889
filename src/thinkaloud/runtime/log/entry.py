"""The events of a live log in memory, each with its encoded frames, and their form in the store."""

from collections.abc import Callable, Sequence

import msgspec

from thinkaloud.core.coalesce import coalesced, runs_of_deltas
from thinkaloud.core.delta_offsets import pack, separate, split, unpack
from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta
from thinkaloud.ports.store import Stored


class Entry(msgspec.Struct, eq=False, gc=False):
    """An event in the live tail. It covers the numbers `first_seq` … `logged.seq`.

    A frame is encoded once per wire format, not once per follower. Most logs are followed on one
    wire, so the frame of the first one needs no dict. `gc=False`: see `thinkaloud.events.event`.
    """

    logged: LoggedEvent
    first_seq: int
    lengths: bytes = b""
    """The lengths of coalesced deltas, packed by `core.delta_offsets`; empty if unknown."""
    wire: str = ""
    """The wire that `encoded` belongs to; empty if nothing is encoded."""
    encoded: bytes | None = None
    others: dict[str, bytes | None] | None = None
    """The frames of further wires."""

    def frame(self, wire: str, encode: Callable[[LoggedEvent], bytes | None]) -> bytes | None:
        """Return this event as a frame of a wire; None if the wire does not send it."""
        if self.wire == wire:
            return self.encoded
        if not self.wire:
            self.wire = wire
            self.encoded = encode(self.logged)
            return self.encoded
        others = self.others
        if others is None:
            others = self.others = {}
        elif wire in others:
            return others[wire]
        frame = others[wire] = encode(self.logged)
        return frame

    def rewrite(self, logged: LoggedEvent) -> None:
        """Replace the event with another one of the same number."""
        self.logged = logged
        self.wire, self.encoded, self.others = "", None, None


class Unsaved(list[Entry]):
    """The entries of a log that are not stored yet, in order."""

    def note_saved(self, entries: Sequence[Entry]) -> None:
        """Remove these entries, which were the first and are now stored.

        Their frames are dropped: the followers that are up to date have been sent them.
        """
        del self[: len(entries)]
        for entry in entries:
            entry.wire, entry.encoded, entry.others = "", None, None

    def drop_from(self, seq: int) -> None:
        """Remove the entries from this number on."""
        while self and self[-1].logged.seq >= seq:
            self.pop()

    def after(self, seq: int) -> list[Entry]:
        """Return the entries above a number."""
        return [entry for entry in self if entry.logged.seq > seq]

    def begins_by(self, seq: int) -> bool:
        """Whether an event up to this number is unsaved."""
        return bool(self) and self[0].logged.seq <= seq


def condensed(entries: Sequence[Entry]) -> list[Entry]:
    """Coalesce adjacent deltas, which takes a tenth of the memory; `separated` undoes it."""
    found: list[Entry] = []
    for start, stop in runs_of_deltas([entry.logged for entry in entries]):
        deltas = entries[start:stop]
        lengths = lengths_of(deltas)
        if len(deltas) > 1 and lengths:
            logged = coalesced([entry.logged for entry in deltas])
            found.append(Entry(logged, deltas[0].first_seq, lengths))
        else:
            found += deltas
    return found


def rest_of(entry: Entry, seq: int) -> Entry:
    """Return what coalesced deltas have after a number that they cover; all of it if unknown."""
    if not entry.first_seq <= seq < entry.logged.seq:
        return entry
    parts = split(entry.logged, entry.first_seq, entry.lengths, seq)
    if parts is None:
        return entry
    left = unpack(entry.lengths)[seq - entry.first_seq + 1 :]
    return Entry(parts[1], seq + 1, pack(left))


def separated(entries: Sequence[Entry]) -> list[Entry]:
    """Return coalesced deltas as they were, each with the time of the first."""
    found: list[Entry] = []
    for entry in entries:
        deltas = separate(entry.logged, entry.first_seq, entry.lengths) if entry.lengths else None
        found += [entry] if deltas is None else [Entry(delta, delta.seq) for delta in deltas]
    return found


def stored(entries: Sequence[Entry]) -> list[Stored]:
    """Convert entries for the store, coalescing the deltas of each segment."""
    logged = [entry.logged for entry in entries]
    return [
        Stored(
            entries[start].first_seq,
            coalesced(logged[start:stop]),
            lengths_of(entries[start:stop]),
        )
        for start, stop in runs_of_deltas(logged, None)
    ]


def lengths_of(entries: Sequence[Entry]) -> bytes:
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
