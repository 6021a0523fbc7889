"""Rewrite the events of an answer segment that turned out to be reasoning. Pure."""

from collections.abc import Sequence

import msgspec

from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    LoggedEvent,
    ReasoningDelta,
    ReasoningEnded,
    SegmentReclassified,
)


def as_reasoning(logged: LoggedEvent, found: SegmentReclassified) -> LoggedEvent:
    """Convert an event of the reclassified answer segment to reasoning, with the same `seq`.

    Any other event is returned unchanged.
    """
    event = logged.event
    if isinstance(event, AnswerDelta) and event.segment_id == found.segment_id:
        thought = ReasoningDelta(event.segment_id, event.text)
        return msgspec.structs.replace(logged, event=thought)
    if isinstance(event, AnswerEnded) and event.segment_id == found.segment_id:
        ended = ReasoningEnded(event.segment_id, found.duration_ms, event.interrupted)
        return msgspec.structs.replace(logged, event=ended)
    return logged


def settled(events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return the events of a run, with reclassified answer segments converted to reasoning."""
    found = [
        event
        for each in events
        if isinstance(event := each.event, SegmentReclassified) and event.to == "reasoning"
    ]
    rewritten = list(events)
    for each in found:
        rewritten = [as_reasoning(logged, each) for logged in rewritten]
    return rewritten
