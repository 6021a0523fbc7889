"""Segments: opened at the first text, closed exactly once, at most one open (P2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.segments import BLANK_LINE, Segments
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    ReasoningDelta,
    ReasoningEnded,
)

texts = st.text(min_size=1, max_size=8)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("think"), texts),
        st.tuples(st.just("say"), texts),
        st.tuples(st.just("close"), st.just("")),
    ),
    max_size=40,
)


def play(steps: list[tuple[str, str]]) -> list[Event]:
    segments = Segments("x")
    events: list[Event] = []
    for now, (move, text) in enumerate(steps):
        if move == "think":
            events += segments.reasoning(text, 0, now)
        elif move == "say":
            events += segments.answer(text, now)
        else:
            events += segments.close(now)
    return events + segments.close(len(steps), interrupted=True)


@pytest.mark.promise("P2")
@given(moves)
def test_every_segment_opens_once_closes_once_and_never_overlaps_another(
    steps: list[tuple[str, str]],
) -> None:
    open_now: str | None = None
    closed: set[str] = set()
    for event in play(steps):
        match event:
            case ReasoningDelta() | AnswerDelta():
                assert event.text
                assert event.segment_id not in closed
                assert open_now in {None, event.segment_id}
                open_now = event.segment_id
            case ReasoningEnded() | AnswerEnded():
                assert event.segment_id == open_now
                closed.add(event.segment_id)
                open_now = None
            case _:
                raise AssertionError(event)
    assert open_now is None


@pytest.mark.promise("P1", "P4")
@given(moves)
def test_joined_deltas_equal_the_original_text_byte_for_byte(steps: list[tuple[str, str]]) -> None:
    events = play(steps)
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    assert reasoning == "".join(text for move, text in steps if move == "think")
    by_segment: dict[str, str] = {}
    for event in events:
        if isinstance(event, AnswerDelta):
            by_segment[event.segment_id] = by_segment.get(event.segment_id, "") + event.text
    said_before = False
    plain: list[str] = []
    for text in by_segment.values():
        plain.append(text.removeprefix(BLANK_LINE) if said_before else text)
        assert not said_before or text.startswith(BLANK_LINE)
        said_before = said_before or not text.isspace()
    assert "".join(plain) == "".join(text for move, text in steps if move == "say")


def test_a_reasoning_segment_lasts_from_its_first_delta_to_its_end() -> None:
    segments = Segments("x")
    segments.reasoning("a", 0, 100)
    segments.reasoning("b", 0, 250)

    assert segments.close(400) == [ReasoningEnded("x:r1", 300)]
    assert segments.reasoning_ms == 300


def test_reasoning_after_the_answer_is_a_new_segment_and_the_answer_continues_after_a_blank_line() -> (
    None
):
    segments = Segments("x")
    events = [
        *segments.answer("One.", 0),
        *segments.reasoning("hm", 0, 1),
        *segments.answer("Two.", 2),
        *segments.close(3),
    ]

    assert events == [
        AnswerDelta("x:a1", "One."),
        AnswerEnded("x:a1", resuming=True),
        ReasoningDelta("x:r2", "hm"),
        ReasoningEnded("x:r2", 1),
        AnswerDelta("x:a3", "\n\nTwo."),
        AnswerEnded("x:a3"),
    ]


def test_a_new_part_of_the_provider_stays_in_the_segment_and_is_counted_from_its_first() -> None:
    segments = Segments("x")
    events = [*segments.reasoning("a", 3, 0), *segments.reasoning("b", 4, 1)]

    assert events == [ReasoningDelta("x:r1", "a"), ReasoningDelta("x:r1", "b", 1)]
