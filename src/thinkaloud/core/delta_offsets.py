"""The lengths of the deltas in a merged delta, so that a reader can resume between them. Pure."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from thinkaloud.events.event import AnswerDelta, LoggedEvent, ReasoningDelta

_BITS: Final = 7
_MORE: Final = 1 << _BITS


def pack(lengths: Sequence[int]) -> bytes:
    """Encode the lengths as unsigned LEB128: one byte for each delta of up to 127 characters."""
    if not lengths or max(lengths) < _MORE:
        return bytes(lengths)
    packed = bytearray()
    for length in lengths:
        rest = length
        while rest >= _MORE:
            packed.append(rest % _MORE + _MORE)
            rest >>= _BITS
        packed.append(rest)
    return bytes(packed)


def unpack(packed: bytes) -> list[int]:
    """Decode what `pack` encoded."""
    lengths: list[int] = []
    value = shift = 0
    for byte in packed:
        value += byte % _MORE << shift
        if byte < _MORE:
            lengths.append(value)
            value = shift = 0
        else:
            shift += _BITS
    return lengths


def split(
    logged: LoggedEvent, first_seq: int, packed: bytes, seq: int
) -> tuple[LoggedEvent, LoggedEvent] | None:
    """Split a merged delta after `seq`, which is in `first_seq` … `logged.seq - 1`.

    Returns None if the event is not a delta, or `packed` does not match it.
    """
    event = logged.event
    ends = _ends(logged, first_seq, packed)
    if ends is None or not isinstance(event, AnswerDelta | ReasoningDelta):
        return None
    replace = msgspec.structs.replace
    end = ends[seq - first_seq]
    head = replace(logged, seq=seq, event=replace(event, text=event.text[:end]))
    tail = replace(logged, event=replace(event, text=event.text[end:]))
    return head, tail


def separate(logged: LoggedEvent, first_seq: int, packed: bytes) -> list[LoggedEvent] | None:
    """Return the deltas that were merged, each with the time of the first.

    Returns None if the event is not a delta, or `packed` does not match it.
    """
    event = logged.event
    ends = _ends(logged, first_seq, packed)
    if ends is None or not isinstance(event, AnswerDelta | ReasoningDelta):
        return None
    replace = msgspec.structs.replace
    return [
        replace(logged, seq=seq, event=replace(event, text=event.text[start:end]))
        for seq, (start, end) in enumerate(pairwise([0, *ends]), first_seq)
    ]


def _ends(logged: LoggedEvent, first_seq: int, packed: bytes) -> list[int] | None:
    """Return where in the text each merged delta ends; None if `packed` does not match."""
    event, count = logged.event, logged.seq - first_seq + 1
    # The row may be damaged: validate the lengths.
    if not isinstance(event, AnswerDelta | ReasoningDelta) or len(packed) < count:
        return None
    ends = list(accumulate(unpack(packed)))
    return ends if len(ends) == count and ends[-1] == len(event.text) else None
