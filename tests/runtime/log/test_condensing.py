"""Saved deltas are coalesced in memory; a reader that resumes among them misses nothing."""

from collections.abc import Sequence

import pytest

from tests.harness import FakeClock
from tests.runtime.reading import texts
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    ReasoningDelta,
    ReasoningEnded,
    RunStarted,
    SegmentReclassified,
    UserInput,
)
from thinkaloud.ports.store import LogEnd
from thinkaloud.runtime.log.entry import separated
from thinkaloud.runtime.log.live_log import LiveLog

RUN = "run_1"
THOUGHTS: Sequence[Event] = [ReasoningDelta("r1", f"thought {number} ") for number in range(20)]
WORDS: Sequence[Event] = [AnswerDelta("a1", f"word {number} ") for number in range(20)]


def saved(log: LiveLog) -> None:
    """Do what the writer does once the store has all events."""
    log.unsaved.note_saved(log.unsaved.copy())
    log.shrink()


def conversation(end: LogEnd | None = None) -> LiveLog:
    """Return a log of a run with 44 events, all of them saved."""
    log = LiveLog("owner", "c", end or LogEnd(), FakeClock(), lambda _: None)
    log.append(RUN, RunStarted("host/model", 5, UserInput("Hello")))
    log.append(RUN, IterationStarted(1, 5, "Thinking"))
    log.extend(RUN, THOUGHTS)
    log.extend(RUN, [ReasoningEnded("r1", 1)])
    log.extend(RUN, WORDS)
    log.extend(RUN, [AnswerEnded("a1")])
    saved(log)
    return log


@pytest.mark.promise("P9", "P14")
@pytest.mark.parametrize("end", [LogEnd(), LogEnd(7, 7), LogEnd(7, 90)])
def test_a_reader_at_any_cursor_gets_each_event_after_it_with_its_own_number(end: LogEnd) -> None:
    log = conversation(end)
    start = log.floor
    everything = separated(log.after(start))
    assert [entry.logged.event for entry in everything[2:]] == [
        *THOUGHTS, ReasoningEnded("r1", 1), *WORDS, AnswerEnded("a1")
    ]  # fmt: skip
    assert [entry.logged.seq for entry in everything] == list(range(start + 1, start + 45))
    for cursor in range(start, start + 45):
        rest = [entry.logged for entry in separated(log.after(cursor))]
        assert rest == [entry.logged for entry in everything if entry.logged.seq > cursor]


def test_the_saved_deltas_of_a_segment_are_one_entry_in_memory() -> None:
    log = conversation()
    assert [entry.logged.seq for entry in log.of_run(RUN)] == [1, 2, 22, 23, 43, 44]


def test_deltas_that_are_not_saved_yet_are_kept_apart() -> None:
    log = conversation()
    log.extend(RUN, [AnswerDelta("a2", "more ")] * 20)
    log.shrink()
    assert [entry.logged.seq for entry in log.after(44)] == list(range(45, 65))
    assert [entry.logged.seq for entry in log.after(43, 3)] == [44, 45, 46]


def test_the_end_of_a_run_that_is_held_is_not_published_by_coalescing() -> None:
    log = conversation()
    log.extend(RUN, [AnswerDelta("a2", "more ")] * 20)
    log.append(RUN, AnswerEnded("a2"), held=True)
    saved(log)
    assert log.seq == 64
    assert [entry.logged.seq for entry in log.after(62)] == [63, 64]
    log.show()
    assert [entry.logged.seq for entry in log.after(62)] == [63, 64, 65]


@pytest.mark.promise("P7")
def test_coalesced_answer_text_that_turns_out_to_be_reasoning_is_reasoning_for_later_readers() -> (
    None
):
    log = conversation()
    log.extend(RUN, [SegmentReclassified("a1", "reasoning", 5)])
    events = [entry.logged.event for entry in separated(log.after(30))]
    assert not texts(events, AnswerDelta)
    assert texts(events, ReasoningDelta) == "".join(f"word {number} " for number in range(7, 20))


def test_a_run_whose_start_is_refused_leaves_the_coalesced_events_before_it() -> None:
    log = conversation()
    log.append("run_2", RunStarted("host/model", 5, UserInput("Again")), held=True)
    log.extend("run_2", [AnswerDelta("a1", "never seen")] * 20)
    log.retract()
    assert log.seq == 44
    assert [entry.logged.seq for entry in log.after(41)] == [43, 44]


def test_the_state_of_a_run_whose_deltas_were_coalesced_is_the_same() -> None:
    log = conversation()
    run = log.runs[RUN].view()
    assert run.reasoning == "".join(f"thought {number} " for number in range(20))
    assert run.response == "".join(f"word {number} " for number in range(20))
    for _ in range(20):
        log.extend(RUN, [AnswerDelta("a2", "more ")] * 20)
        saved(log)
    assert log.runs[RUN].view().response == run.response + "more " * 400
