"""Merge adjacent deltas of a segment. Pure."""

import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.events.event import AnswerDelta, Event, LoggedEvent, ReasoningDelta

MAX_MERGED_CHARS: Final = 65_536
"""The maximum length of a merged delta, to bound the size of a frame."""
_DELTAS: Final = (ReasoningDelta, AnswerDelta)  # created once: checked for every event


def runs_of_deltas(
    events: Sequence[LoggedEvent], max_chars: int | None = MAX_MERGED_CHARS
) -> list[tuple[int, int]]:
    """Return the slices `(start, stop)` of events that can be merged, in order.

    Adjacent deltas of the same segment and part can be merged, up to `max_chars`.
    """
    slices: list[tuple[int, int]] = []
    limit = sys.maxsize if max_chars is None else max_chars
    start = size = part = 0
    segment_id = ""
    before: type[Event] | None = None
    for index, logged in enumerate(events):
        event = logged.event
        # No call and no union: this runs for every token, once per reader.
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
    """Merge the events of one slice into one delta, with the `seq` of the last.

    Its time is that of the first: a segment starts with its first delta.
    """
    first, last = events[0], events[-1]
    if len(events) == 1 or not isinstance(last.event, _DELTAS):
        return last
    text = "".join([each.event.text for each in events if isinstance(each.event, _DELTAS)])
    event = msgspec.structs.replace(last.event, text=text)
    return msgspec.structs.replace(last, at_ms=first.at_ms, event=event)
