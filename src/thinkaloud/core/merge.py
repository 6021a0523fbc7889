"""Neighbouring deltas of one segment as one. Pure."""

import sys
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.events.event import AnswerDelta, Event, ReasoningDelta, Recorded

MAX_MERGED_CHARS: Final = 65_536
"""Where a merged delta ends, so that one frame stays bounded."""


def text_of(event: Event) -> str:
    """Return a delta's text, and nothing for any other event."""
    return event.text if isinstance(event, ReasoningDelta | AnswerDelta) else ""


def runs_of_deltas(
    events: Sequence[Recorded], max_chars: int | None = MAX_MERGED_CHARS
) -> list[tuple[int, int]]:
    """Return the slices `(start, stop)` of the events that belong together, in order.

    Deltas do that only add text to the one before: the same segment, the same part.
    """
    slices: list[tuple[int, int]] = []
    limit = sys.maxsize if max_chars is None else max_chars
    start = size = 0
    before: ReasoningDelta | AnswerDelta | None = None
    for index, recorded in enumerate(events):
        event = recorded.event
        if not isinstance(event, ReasoningDelta | AnswerDelta):
            before = None
        else:
            added = len(event.text)
            if before is not None and size + added <= limit and _continues(before, event):
                size += added
                before = event
                continue
            before, size = event, added
        if index > start:
            slices.append((start, index))
        start = index
    if events:
        slices.append((start, len(events)))
    return slices


def _continues(first: ReasoningDelta | AnswerDelta, second: ReasoningDelta | AnswerDelta) -> bool:
    return (
        first.segment_id == second.segment_id
        and type(first) is type(second)
        and getattr(first, "part", 0) == getattr(second, "part", 0)
    )


def merged(events: Sequence[Recorded]) -> Recorded:
    """Return one delta for these, which belong together: all their text, the last one's number."""
    last = events[-1]
    if len(events) == 1 or not isinstance(last.event, ReasoningDelta | AnswerDelta):
        return last
    text = "".join([text_of(recorded.event) for recorded in events])
    return msgspec.structs.replace(last, event=msgspec.structs.replace(last.event, text=text))
