"""Neighbouring deltas of one segment as one. Pure."""

import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.events.event import AnswerDelta, Event, LoggedEvent, ReasoningDelta

MAX_MERGED_CHARS: Final = 65_536
"""Where a merged delta ends, so that one frame stays bounded."""
_DELTAS: Final = (ReasoningDelta, AnswerDelta)  # made once: the question is asked of every event


def runs_of_deltas(
    events: Sequence[LoggedEvent], max_chars: int | None = MAX_MERGED_CHARS
) -> list[tuple[int, int]]:
    """Return the slices `(start, stop)` of the events that belong together, in order.

    Deltas do that only add text to the one before: the same segment, the same part.
    """
    slices: list[tuple[int, int]] = []
    limit = sys.maxsize if max_chars is None else max_chars
    start = size = part = 0
    segment_id = ""
    before: type[Event] | None = None
    for index, logged in enumerate(events):
        event = logged.event
        # No call and no union: this is done for every token, once by each reader.
        if type(event) is AnswerDelta or type(event) is ReasoningDelta:
            its_part = event.part if type(event) is ReasoningDelta else 0
            size += len(event.text)
            if (
                type(event) is before
                and event.segment_id == segment_id
                and its_part == part
                and size <= limit
            ):
                continue
            before, segment_id, part, size = (
                type(event),
                event.segment_id,
                its_part,
                len(event.text),
            )
        else:
            before = None
        if index > start:
            slices.append((start, index))
        start = index
    if events:
        slices.append((start, len(events)))
    return slices


def coalesced(events: Sequence[LoggedEvent]) -> LoggedEvent:
    """Return one delta for these, which belong together: all their text, the last one's number.

    Its time is the first one's: a thought has begun when its first word came.
    """
    first, last = events[0], events[-1]
    if len(events) == 1 or not isinstance(last.event, _DELTAS):
        return last
    text = "".join([each.event.text for each in events if isinstance(each.event, _DELTAS)])
    event = msgspec.structs.replace(last.event, text=text)
    return msgspec.structs.replace(last, at_ms=first.at_ms, event=event)
