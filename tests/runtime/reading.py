"""Values that tests read from a run's events."""

from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
)


def end_of(events: list[Event]) -> RunEnded:
    """Return the terminal event, which is there once and last."""
    ends = [event for event in events if isinstance(event, RunEnded)]
    assert len(ends) == 1
    assert events[-1] is ends[0]
    return ends[0]


def assert_segments_closed(events: list[Event]) -> None:
    """Every segment that opened is closed once, and one only is open at a time."""
    open_now = None
    closed: list[str] = []
    for event in events:
        if isinstance(event, ReasoningDelta | AnswerDelta):
            assert open_now in {None, event.segment_id}
            assert event.segment_id not in closed
            open_now = event.segment_id
        elif isinstance(event, ReasoningEnded | AnswerEnded):
            assert open_now == event.segment_id
            closed.append(event.segment_id)
            open_now = None
    assert open_now is None


def texts(events: list[Event], kind: type[ReasoningDelta] | type[AnswerDelta]) -> str:
    return "".join(event.text for event in events if isinstance(event, kind))
