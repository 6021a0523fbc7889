"""Neighbouring deltas of one segment as one. Pure."""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.events.event import AnswerDelta, Event, ReasoningDelta, Recorded

MAX_MERGED_CHARS: Final = 65_536
"""Where a merged delta ends, so that one frame stays bounded."""


def text_of(event: Event) -> str:
    """Return a delta's text, and nothing for any other event."""
    return event.text if isinstance(event, ReasoningDelta | AnswerDelta) else ""


def continues(first: Event, second: Event) -> bool:
    """Whether the second only adds text to the first: the same segment, the same part."""
    if isinstance(first, AnswerDelta):
        return isinstance(second, AnswerDelta) and first.segment_id == second.segment_id
    if isinstance(first, ReasoningDelta):
        return (
            isinstance(second, ReasoningDelta)
            and first.segment_id == second.segment_id
            and first.part == second.part
        )
    return False


def runs_of_deltas(
    events: Sequence[Recorded], max_chars: int | None = MAX_MERGED_CHARS
) -> list[tuple[int, int]]:
    """Return the slices `(start, stop)` of the events that belong together, in order."""
    slices: list[tuple[int, int]] = []
    start = size = 0
    for index, recorded in enumerate(events):
        added = len(text_of(recorded.event))
        fits = max_chars is None or size + added <= max_chars
        if index > start and fits and continues(events[index - 1].event, recorded.event):
            size += added
            continue
        if index > start:
            slices.append((start, index))
        start, size = index, added
    if events:
        slices.append((start, len(events)))
    return slices


def merged(events: Sequence[Recorded]) -> Recorded:
    """Return one delta for these, which belong together: all their text, the last one's number."""
    last = events[-1]
    if len(events) == 1 or not isinstance(last.event, ReasoningDelta | AnswerDelta):
        return last
    text = "".join([text_of(recorded.event) for recorded in events])
    return msgspec.structs.replace(last, event=msgspec.structs.replace(last.event, text=text))
