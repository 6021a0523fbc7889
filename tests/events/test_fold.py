"""The fold: the state of a run and a conversation, from the log."""

import msgspec
import pytest

from thinkaloud.core.reclassify import settled
from thinkaloud.events import codec
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    AttachedFile,
    Event,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    Timing,
    ToolEnded,
    ToolStarted,
    UserInput,
    VersionSelected,
)
from thinkaloud.events.fold import Fold, RunFold
from thinkaloud.events.view import AnswerBlock, NoticeBlock, ReasoningBlock, ToolBlock

TIMING = Timing(1, 2, 3, 4)


def log(*events: Event, run_id: str = "run_1", first: int = 1) -> list[LoggedEvent]:
    return [
        LoggedEvent(seq, 1_000 + seq, "conv_1", run_id, event)
        for seq, event in enumerate(events, start=first)
    ]


STARTED = RunStarted("scripted/model", 25, UserInput("Hi"))


def folded(*events: Event) -> RunFold:
    first, *rest = log(STARTED, IterationStarted(1, 25, "Thinking"), *events)
    run = RunFold(first)
    for logged in rest:
        run.apply(logged)
    return run


def test_a_run_with_thought_tool_and_answer_reads_in_order_of_arrival() -> None:
    run = folded(
        ReasoningDelta("r1", "Let me "),
        ReasoningDelta("r1", "see."),
        ReasoningEnded("r1", 40),
        ToolStarted("c1", "calculate", "{}"),
        ToolEnded("c1", "calculate", "ok", "4", 7),
        AnswerDelta("a2", "It is "),
        AnswerDelta("a2", "4."),
        AnswerEnded("a2"),
        Notice("n", "By the way."),
        RunEnded("completed", 1, TIMING),
    ).view()

    assert run.blocks == (
        ReasoningBlock("r1", 1, ("Let me see.",), "closed", 1003, 40),
        ToolBlock("c1", 1, "calculate", "{}", "ok", "4", 7),
        AnswerBlock("a2", 1, "It is 4.", "closed"),
        NoticeBlock("n", "By the way."),
    )
    assert (run.status, run.response, run.reasoning) == ("completed", "It is 4.", "Let me see.")
    assert run.reasoning_status == "shown"


@pytest.mark.promise("P8")
def test_a_view_in_the_middle_shows_what_is_open_and_the_end_completes_it() -> None:
    run = folded(ReasoningDelta("r1", "Hm"))
    middle = run.view()
    run.apply(log(ReasoningEnded("r1", 5, interrupted=True), first=9)[0])

    assert middle.blocks == (ReasoningBlock("r1", 1, ("Hm",), "open", 1003),)
    assert middle.status == "running"
    assert run.view().blocks == (ReasoningBlock("r1", 1, ("Hm",), "interrupted", 1003, 5),)


def test_parts_of_a_segment_are_kept_apart_and_their_text_is_joined_as_is() -> None:
    run = folded(ReasoningDelta("r1", "**One**"), ReasoningDelta("r1", "**Two**", 1)).view()

    assert run.blocks == (ReasoningBlock("r1", 1, ("**One**", "**Two**"), "open", 1003),)
    assert run.reasoning == "**One****Two**"


def test_hidden_reasoning_is_recognized_by_what_the_model_call_reported() -> None:
    run = folded(ModelResponded(1, "stop", "hidden_by_provider"), AnswerDelta("a1", "Yes."))

    assert run.view().reasoning_status == "hidden_by_provider"


def test_runs_of_a_conversation_do_not_mix() -> None:
    fold = Fold("conv_1")
    for logged in [
        *log(STARTED, AnswerDelta("a1", "one"), run_id="run_1"),
        *log(STARTED, AnswerDelta("a1", "two"), run_id="run_2", first=3),
    ]:
        fold.apply(logged)

    assert [run.response for run in fold.view().runs] == ["one", "two"]
    assert fold.view().seq == 4


def test_a_run_must_begin_with_its_start() -> None:
    with pytest.raises(ValueError, match=r"begins with run\.started"):
        RunFold(log(AnswerDelta("a1", "x"))[0])


@pytest.mark.parametrize(
    "event",
    [
        STARTED,
        IterationStarted(1, 25, "Thinking"),
        ReasoningDelta("r1", "a\n\u2028\x00🙂", 2),
        ReasoningEnded("r1", 5, interrupted=True),
        AnswerDelta("a1", "</think>"),
        AnswerEnded("a1", resuming=True),
        ToolStarted("c1", "t", "{}"),
        ToolEnded("c1", "t", "timeout", "late", 9, truncated=True),
        ModelResponded(1, "tool_calls", "shown"),
        Notice("c", "m"),
        RunEnded("stopped", 3, TIMING),
    ],
    ids=lambda event: type(event).__name__,
)
def test_every_event_survives_the_codec_on_one_line(event: Event) -> None:
    logged = log(event)[0]
    line = codec.encode(logged)

    assert b"\n" not in line
    assert codec.decode(line) == logged


def test_the_codec_rejects_invalid_events_and_names_the_field() -> None:
    line = codec.encode(log(AnswerDelta("a1", "x"))[0]).replace(b"answer.delta", b"answer.sung")

    with pytest.raises(msgspec.ValidationError, match=r"\$\.event\.type"):
        codec.decode(line)


OLD_LINE = """{"seq":1,"at_ms":1001,"conversation_id":"conv_1","run_id":"run_1","event":{"type":"run.started",
"model":"scripted/model","max_iterations":25,"input":{"text":"Hi","image_path":"p.png"},
"attachments":[{"name":"p.png","media_type":"image/png","text":"","base64":"AAAA"}]}}"""
"""How a run with a picture was logged before its size was kept."""


def test_logs_with_the_older_attachment_fields_are_still_read() -> None:
    run = RunFold(codec.decode(OLD_LINE))

    assert run.view().attachments == (AttachedFile("", "p.png", "image/png", None),)
    assert run.attachments[0].base64 == "AAAA"


def test_a_reader_that_had_half_of_a_reclassified_answer_sees_one_whole_thought() -> None:
    ending = (SegmentReclassified("a1", "reasoning", 2), AnswerDelta("a2", "Hi."))
    live = folded(
        AnswerDelta("a1", "The user "), AnswerDelta("a1", "greets."), AnswerEnded("a1"), *ending
    )
    resumed = folded(
        AnswerDelta("a1", "The user "),
        ReasoningDelta("a1", "greets."),
        ReasoningEnded("a1", 2),
        *ending,
    )
    again = folded(
        ReasoningDelta("a1", "The user "),
        ReasoningDelta("a1", "greets."),
        ReasoningEnded("a1", 2),
        *ending,
    )
    thought = ReasoningBlock("a1", 1, ("The user greets.",), "closed", 1004, 2)
    for run in (live, resumed, again):
        assert run.view().blocks == (thought, AnswerBlock("a2", 1, "Hi.", "open"))
        assert run.view().reasoning_status == "shown"


def conversation(*events: tuple[str, Event], stored: bool = False) -> Fold:
    """Fold these events by run: as followers saw them, or as they are stored afterwards."""
    logged = [
        LoggedEvent(seq, 1_000 + seq, "conv_1", run_id, event)
        for seq, (run_id, event) in enumerate(events, start=1)
    ]
    fold = Fold("conv_1")
    for each in settled(logged) if stored else logged:
        fold.apply(each)
    return fold


BEFORE: list[tuple[str, Event]] = [
    ("run_1", STARTED),
    ("run_1", AnswerDelta("b1", "One.")),
    ("run_2", STARTED),
    ("run_2", AnswerDelta("c1", "Two.")),
    ("run_3", msgspec.structs.replace(STARTED, replaces="run_1")),
    ("run_3", AnswerDelta("a1", "The user greets.")),
]
RECLASSIFIED: tuple[str, Event] = ("run_3", SegmentReclassified("a1", "reasoning", 2))
AFTER: dict[str, tuple[list[tuple[str, Event]], list[str], str | None]] = {
    "no answer": ([], ["run_1", "run_2"], "run_3"),
    "an answer": ([("run_3", AnswerDelta("a2", "Hi."))], ["run_3"], None),
    "it is selected by hand": ([("", VersionSelected("run_3"))], ["run_3"], None),
    "the next message": ([("run_4", STARTED)], ["run_1", "run_2", "run_4"], None),
    "another attempt": (
        [("run_4", msgspec.structs.replace(STARTED, replaces="run_3"))],
        ["run_1", "run_2"],
        "run_4",
    ),
}


@pytest.mark.promise("P8")
@pytest.mark.parametrize("after", AFTER)
def test_a_version_whose_answer_turns_out_to_be_reasoning_is_not_selected_live_or_reloaded(
    after: str,
) -> None:
    events, path, attempt = AFTER[after]
    live = conversation(*BEFORE, RECLASSIFIED, *events)
    reloaded = conversation(*BEFORE, RECLASSIFIED, *events, stored=True)

    assert list(conversation(*BEFORE).runs) == ["run_3"]
    for fold in (live, live.copy(), reloaded):
        assert list(fold.runs) == path
        assert (fold.attempt and fold.attempt.run_id) == attempt
    assert live.view().runs == reloaded.view().runs
    assert live.view().versions == reloaded.view().versions


@pytest.mark.promise("P8")
@pytest.mark.parametrize("stored", [False, True])
def test_a_version_that_was_selected_by_hand_stays_selected_when_its_answer_was_reasoning(
    stored: bool,
) -> None:
    by_hand: tuple[str, Event] = ("", VersionSelected("run_3"))
    fold = conversation(*BEFORE, by_hand, RECLASSIFIED, stored=stored)

    assert list(fold.runs) == ["run_3"]
    assert fold.attempt is None


@pytest.mark.promise("P8")
@pytest.mark.parametrize("stored", [False, True])
def test_a_last_answer_that_was_only_reasoning_is_replaced_at_once(
    stored: bool,
) -> None:
    fold = conversation(
        ("run_1", STARTED),
        ("run_1", AnswerDelta("a1", "The user greets.")),
        ("run_1", SegmentReclassified("a1", "reasoning", 2)),
        ("run_2", msgspec.structs.replace(STARTED, replaces="run_1")),
        stored=stored,
    )

    assert list(fold.runs) == ["run_2"]
