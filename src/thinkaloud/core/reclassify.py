"""Events of a segment that turned out to be reasoning, as they belong in the log. Pure."""

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
    """Return an event of an answer segment as one of a reasoning segment, under the same number.

    Any other event is returned as it is.
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
    """Return the events of a run with no answer text that was reasoning."""
    found = [
        event
        for each in events
        if isinstance(event := each.event, SegmentReclassified) and event.to == "reasoning"
    ]
    rewritten = list(events)
    for each in found:
        rewritten = [as_reasoning(logged, each) for logged in rewritten]
    return rewritten
