"""Secrets in the events of a run: across deltas, parts, and from the reasoning to the answer."""

import sys
from collections import Counter
from collections.abc import Sequence
from types import FrameType

from hypothesis import given
from hypothesis import strategies as st

from tests.core.redaction.test_redactor import PEM, SECRETS, split
from thinkaloud.core.redaction.events import RunRedactor
from thinkaloud.core.redaction.redactor import Redactor
from thinkaloud.core.redaction.view import redacted_run
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    LoggedEvent,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    Timing,
    UserInput,
)
from thinkaloud.events.run_fold import RunFold

KEY = "sk-ant-api03-Zm9vYmFyYmF6cXV4-AA"
MARK = "[redacted:provider_key]"
REDACTOR = Redactor()


def thought(*pieces: str) -> list[Event]:
    return [*[ReasoningDelta("r1", piece) for piece in pieces], ReasoningEnded("r1", 5)]


def answer_events(*pieces: str) -> list[Event]:
    return [*[AnswerDelta("a1", piece) for piece in pieces], AnswerEnded("a1")]


def passed(events: Sequence[Event], *, answers: bool = False, whole: bool = False) -> list[Event]:
    """Return what the events become, passed one by one."""
    redactor = RunRedactor(REDACTOR, answers=answers, whole=whole)
    result = [each for event in events for each in redactor.apply([event])]
    return [*result, *[event for event, _ in redactor.finish()]]


def texts(events: Sequence[Event]) -> tuple[str, str]:
    """Return the reasoning and the answer."""
    return (
        "".join([event.text for event in events if isinstance(event, ReasoningDelta)]),
        "".join([event.text for event in events if isinstance(event, AnswerDelta)]),
    )


def test_a_secret_is_redacted_across_deltas_and_only_once():
    events = [*thought("Use ", KEY[:9], KEY[9:20], KEY[20:], ". Done"), *answer_events("Hello")]

    assert texts(passed(events)) == (f"Use {MARK}. Done", "Hello")


def test_deltas_without_a_candidate_pass_unchanged_at_once():
    events = [*thought("Let", " me", " think", "."), *answer_events("An", " answer")]
    redactor = RunRedactor(REDACTOR, answers=True)

    assert [redactor.apply([event]) for event in events] == [[event] for event in events]


def test_the_part_of_a_delta_before_a_candidate_is_returned_at_once():
    redactor = RunRedactor(REDACTOR, answers=False)

    assert redactor.apply([ReasoningDelta("r1", "It is sk-a")]) == [ReasoningDelta("r1", "It is ")]
    assert redactor.apply([ReasoningEnded("r1", 5)]) == []
    assert redactor.apply([Notice("x", "y")]) == [
        ReasoningDelta("r1", "sk-a"),
        ReasoningEnded("r1", 5),
        Notice("x", "y"),
    ]


def test_a_secret_that_begins_in_the_reasoning_is_also_redacted_in_the_answer():
    for cut in range(1, len(KEY)):
        events = [
            *thought(f"Use {KEY[:cut]}"),
            *answer_events(*KEY[cut:], " to log in"),
            Notice("x", ""),
        ]

        assert texts(passed(events)) == (f"Use {MARK}", " to log in")


def test_secrets_that_begin_in_the_answer_are_redacted_only_if_configured():
    events = [*thought("Which key? sk"), *answer_events("y: ", *KEY, "!")]

    assert texts(passed(events)) == ("Which key? sk", f"y: {KEY}!")
    assert texts(passed(events, answers=True)) == ("Which key? sk", f"y: {MARK}!")


def test_a_tool_call_between_two_thoughts_separates_their_texts():
    events = [
        *thought(f"Use {KEY[:12]}"),
        IterationStarted(2, 9, ""),
        ReasoningDelta("r2", KEY[12:]),
    ]

    assert texts(passed(events)) == (f"Use {KEY}", "")


def test_a_secret_across_two_parts_of_a_segment_is_redacted():
    events = [ReasoningDelta("r1", KEY[:12]), ReasoningDelta("r1", f"{KEY[12:]} ok", part=1)]

    assert passed(events) == [ReasoningDelta("r1", MARK), ReasoningDelta("r1", " ok", part=1)]


def test_a_reader_that_resumes_gets_each_event_whole_or_not_at_all():
    redactor = RunRedactor(REDACTOR, answers=False, whole=True)

    assert redactor.take([(ReasoningDelta("r1", "It is sk-a"), 7)]) == []
    assert redactor.take([(ReasoningDelta("r1", "nd"), 8)]) == []
    assert redactor.take([(ReasoningEnded("r1", 5), 9), (Notice("x", ""), 10)]) == [
        (ReasoningDelta("r1", "It is sk-a"), 7),
        (ReasoningDelta("r1", "nd"), 8),
        (ReasoningEnded("r1", 5), 9),
        (Notice("x", ""), 10),
    ]


def test_a_delta_without_a_candidate_costs_one_scan():
    """Counts calls, not time: of Python functions, and of the compiled pattern."""
    deltas: list[Event] = [ReasoningDelta("r1", f" word{n:03}") for n in range(1_000)]
    redactor = RunRedactor(REDACTOR, answers=False)
    redactor.apply([ReasoningDelta("r1", "Well")])
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1
        elif event == "c_call" and getattr(argument, "__name__", "") == "search":
            calls["search"] += 1

    sys.setprofile(count)
    passed = redactor.apply(deltas)
    sys.setprofile(None)

    assert passed == deltas
    assert calls == {"apply": 1, "_passes": 1_000, "search": 1_000, "skip": 1_000}


WORDS = st.lists(st.sampled_from([*SECRETS, "hello ", "sk-", "s", "4111 ", "eyJ", " ", "x.", "\n"]))
CUTS = st.lists(st.integers(0, 10_000), max_size=40)


@given(WORDS, WORDS, CUTS, CUTS, st.booleans())
def test_live_resumed_and_exported_text_are_the_same(
    words: list[str], more: list[str], cuts: list[int], others: list[int], answers: bool
):
    reasoning, answer = "".join(words), "".join(more)

    def events(places: list[int]) -> list[Event]:
        found: list[Event] = []
        if reasoning:
            found += thought(*split(reasoning, places))
        return [*found, *answer_events(*split(answer, places))] if answer else found

    live = texts(passed(events(cuts), answers=answers))
    resumed = texts(passed(events(others), answers=answers, whole=True))
    assert live == resumed

    timing = Timing(None, None, 0, 0)
    all_events = [
        RunStarted("m", 9, UserInput("?")),
        *events(cuts),
        RunEnded("completed", 1, timing),
    ]
    logged = [LoggedEvent(seq, 0, "c", "r", event) for seq, event in enumerate(all_events, 1)]
    fold = RunFold(logged[0])
    for each in logged[1:]:
        fold.apply(each)
    exported = redacted_run(fold.view(), REDACTOR, answers=answers)
    assert (exported.reasoning, exported.response) == live
    if not answers and not reasoning:
        assert live == ("", answer)


def test_the_end_of_an_active_view_is_left_out_while_it_could_be_a_secret():
    started = RunStarted("m", 9, UserInput("?"))
    events = [started, ReasoningDelta("r1", f"One {PEM} and {KEY[:10]}")]
    fold = RunFold(LoggedEvent(1, 0, "c", "r", events[0]))
    fold.apply(LoggedEvent(2, 0, "c", "r", events[1]))

    view = redacted_run(fold.view(), REDACTOR, answers=False)

    assert view.reasoning == "One [redacted:private_key] and "
