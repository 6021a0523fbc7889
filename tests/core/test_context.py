"""Prompts are built from the log."""

import msgspec
import pytest

from thinkaloud.core.prompt_history import NOT_RUN, turns, user_text
from thinkaloud.events.event import (
    AnswerDelta,
    Attachment,
    Event,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    ReasoningDelta,
    RunStarted,
    ToolEnded,
    ToolStarted,
    UserInput,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import Origin, ProviderPayload, ToolCall
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Image,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    Turn,
    UserTurn,
)

NATIVE = ProviderPayload(Origin("d", "e", "m"), msgspec.Raw(b'[{"type":"thinking"}]'))
CALL = ToolCall("c1", "add", '{"a":1}')


def run(*events: Event, started: RunStarted | None = None, run_id: str = "run_1") -> RunFold:
    first = started or RunStarted("h/m", 25, UserInput("Hi"))
    logged = [
        LoggedEvent(seq, seq, "c", run_id, event) for seq, event in enumerate([first, *events], 1)
    ]
    fold = RunFold(logged[0])
    for each in logged[1:]:
        fold.apply(each)
    return fold


@pytest.mark.promise("P8", "P13")
def test_a_tool_loop_is_sent_back_with_its_native_payload_and_its_results() -> None:
    fold = run(
        IterationStarted(1, 25, ""),
        ReasoningDelta("r1", "Sum."),
        ModelResponded(1, "tool_calls", "shown", native=NATIVE, tool_calls=(CALL,)),
        ToolStarted("c1", "add", '{"a":1}'),
        ToolEnded("c1", "add", "ok", "2", 1),
        IterationStarted(2, 25, ""),
        AnswerDelta("a2", "It is 2."),
        ModelResponded(2, "stop", "none"),
    )

    assert turns([fold]) == (
        UserTurn("Hi"),
        AssistantTurn((ReasoningPart("Sum."), ToolCallPart("c1", "add", '{"a":1}')), NATIVE),
        ToolTurn((ToolResult("c1", "add", "2"),)),
        AssistantTurn((AnswerPart("It is 2."),)),
    )


def test_a_call_that_was_never_executed_gets_a_result_that_explains_it() -> None:
    fold = run(
        IterationStarted(1, 25, ""),
        ModelResponded(1, "tool_calls", "none", tool_calls=(CALL,)),
    )

    assert turns([fold])[-1] == ToolTurn((ToolResult("c1", "add", NOT_RUN, is_error=True),))


def test_of_a_response_that_was_cut_off_only_the_answer_is_sent_back() -> None:
    fold = run(IterationStarted(1, 25, ""), ReasoningDelta("r1", "Hm"), AnswerDelta("a2", "We "))

    assert turns([fold]) == (UserTurn("Hi"), AssistantTurn((AnswerPart("We "),)))


def test_a_run_without_output_leaves_only_the_question() -> None:
    assert turns([run(IterationStarted(1, 25, ""), ReasoningDelta("r1", "Hm"))]) == (
        UserTurn("Hi"),
    )


def test_the_blank_line_between_two_answers_is_ours_and_does_not_are_sent_back() -> None:
    fold = run(
        IterationStarted(1, 25, ""),
        AnswerDelta("a1", "One."),
        ModelResponded(1, "tool_calls", "none", tool_calls=(CALL,)),
        IterationStarted(2, 25, ""),
        AnswerDelta("a2", "\n\nTwo."),
        ModelResponded(2, "stop", "none"),
    )

    assert turns([fold])[-1] == AssistantTurn((AnswerPart("Two."),))


def test_context_and_files_precede_the_text_and_pictures_accompany_it() -> None:
    started = RunStarted(
        "h/m",
        25,
        UserInput("What is this?", {"place": "Rome", "n": [1, 2]}),
        attachments=(
            Attachment("a.txt", "text/plain", text="content"),
            Attachment("p.png", "image/png", base64="AAAA"),
        ),
    )

    assert turns([run(started=started)]) == (
        UserTurn(
            '<context>\nplace: Rome\nn: [1,2]\n</context>\n\n<file name="a.txt">\ncontent\n</file>'
            "\n\nWhat is this?",
            (Image("image/png", "AAAA"),),
        ),
    )
    assert user_text("plain", {}, ()) == "plain"


def test_the_latest_pictures_that_fit_are_sent_and_older_ones_are_named() -> None:
    runs = [
        run(
            run_id=f"r{number}",
            started=RunStarted(
                "h/m",
                25,
                UserInput(f"{number}"),
                attachments=(Attachment(f"{number}.png", "image/png", base64="AAAA" * 10),),
            ),
        )
        for number in range(3)
    ]

    assert [_pictures(turn) for turn in turns(runs, picture_bytes=90)] == [1, 1, 1]
    first, *others = turns(runs, picture_bytes=89)
    assert isinstance(first, UserTurn)
    assert first.text == '<picture name="0.png">not shown again</picture>\n\n0'
    assert [_pictures(turn) for turn in (first, *others)] == [0, 1, 1]
    assert [_pictures(turn) for turn in turns(runs, picture_bytes=10)] == [0, 0, 1]
    assert [_pictures(turn) for turn in turns(runs, picture_bytes=0)] == [0, 0, 0]


def _pictures(turn: Turn) -> int:
    assert isinstance(turn, UserTurn)
    return len(turn.images)
