"""The content of a chat, computed from the state of a run."""

import pytest

from thinkaloud.channels.platform.content import (
    Answer,
    ChatContent,
    NoticeLine,
    Thought,
    ToolLine,
    chat_content,
    one_line,
)
from thinkaloud.channels.platform.settings import THINKING_MODES, ThinkingMode
from thinkaloud.events.event import Outcome, RunError, RunStatus, UserInput
from thinkaloud.events.view import (
    AnswerBlock,
    Block,
    NoticeBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)

OPEN = ReasoningBlock("r2", 2, ("Still ", "thinking"), "open", 2_000)
CLOSED = ReasoningBlock("r1", 1, ("First thought",), "closed", 1_000, 4_400)
SEARCH = ToolBlock("t1", 1, "search", '{"query": "blue\\nsky", "limit": 3}', "ok")


def run(*blocks: Block, status: RunStatus | str = "running", **fields: object) -> RunView:
    return RunView(
        run_id="run_1",
        status=status,  # type: ignore[arg-type]
        model="scripted/model",
        input=UserInput("Why?"),
        blocks=blocks,
        iteration=2,
        max_iterations=25,
        started_at_ms=1_000,
        **fields,  # type: ignore[arg-type]
    )


def content(*blocks: Block, mode: ThinkingMode = "live", **fields: object) -> ChatContent:
    return chat_content(run(*blocks, **fields), mode)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "texts"),
    [
        ("off", []),
        ("live", ["First thought", "Still \n\nthinking"]),
        ("folded", ["First thought", ""]),
        ("on_request", ["", ""]),
    ],
)
def test_a_mode_decides_what_of_a_thought_may_be_shown(
    mode: ThinkingMode, texts: list[str]
) -> None:
    assert [each.text for each in content(CLOSED, OPEN, mode=mode).thoughts] == texts


@pytest.mark.promise("P7")
@pytest.mark.parametrize("mode", ["off", "on_request"])
def test_hidden_reasoning_is_in_no_part_of_the_content(mode: ThinkingMode) -> None:
    shown = content(CLOSED, SEARCH, OPEN, mode=mode)
    assert "thought" not in repr(shown)
    assert "thinking" not in repr(shown.blocks)


def test_a_tool_takes_one_line_with_its_first_argument() -> None:
    (line,) = content(SEARCH).tools
    assert line == ToolLine("t1", "search", "search blue sky", "done")
    (bad,) = content(ToolBlock("t2", 1, "x" * 300, "{not json", "timeout")).tools
    assert (bad.state, len(bad.title)) == ("failed", 100)


@pytest.mark.parametrize(
    ("status", "fields", "words"),
    [
        ("failed", {"error": RunError("provider_auth", "The key is wrong.")}, "The key is wrong."),
        ("stopped", {}, "Stopped."),
        ("max_iterations", {}, "Stopped at the limit of 2 model calls."),
        ("completed", {"outcome": Outcome("empty_answer", "No answer came.")}, "No answer came."),
        ("completed", {}, "The model gave no answer."),
    ],
)
def test_an_end_without_an_answer_is_explained(
    status: str, fields: dict[str, object], words: str
) -> None:
    shown = content(CLOSED, status=status, **fields)
    assert (shown.final, shown.closing) == (True, words)


def test_an_ordinary_answer_needs_no_closing_words() -> None:
    shown = content(
        AnswerBlock("a1", 1, "\n\n", "closed"),
        AnswerBlock("a2", 2, "Blue.", "closed"),
        NoticeBlock("retry", "Tried\nagain."),
        status="completed",
    )
    assert shown.blocks == [Answer("a2", "Blue.", open=False), NoticeLine("retry", "Tried again.")]
    assert (shown.answer, shown.closing) == ("Blue.", "")


def test_answers_before_and_after_a_tool_are_paragraphs_of_their_own() -> None:
    first = AnswerBlock("a1", 1, "Let me look.", "closed")
    second = AnswerBlock("a2", 2, "\n\nDone.", "closed")
    assert content(first, SEARCH, second).answer == "Let me look.\n\nDone."
    second = AnswerBlock("a2", 2, "Done.", "closed")
    assert content(first, SEARCH, second).answer == "Let me look.\n\nDone."


def test_the_time_of_all_thoughts_is_added_up() -> None:
    shown = content(CLOSED, ReasoningBlock("r3", 2, ("x",), "closed", 9_000, 200))
    assert (shown.thought_seconds, shown.thinking) == (5, False)
    assert isinstance(shown.blocks[0], Thought)
    assert content(OPEN).thinking
    assert content(SEARCH).thought_seconds == 0


def test_every_mode_has_a_name_that_commands_take() -> None:
    assert set(THINKING_MODES) == {"off", "live", "folded", "on_request"}


def test_one_line_has_no_control_or_direction_characters() -> None:
    assert one_line("a\x1b[31m\u202eb\u2028c\x00", 20) == "a [31m b c"


@pytest.mark.parametrize("text", ["\u200b", "\x00", " \u2060\n", "\u3164", "\u2800", "\u0301"])
def test_an_answer_that_nobody_can_see_is_explained(text: str) -> None:
    content = chat_content(run(AnswerBlock("a1", 1, text, "closed"), status="complete"), "live")
    assert content.answers == []
    assert content.closing == "The model gave no answer."


@pytest.mark.parametrize("text", ["👍", ".", "é", "的", "☀️", "𝕏"])
def test_an_answer_of_one_character_is_shown(text: str) -> None:
    content = chat_content(run(AnswerBlock("a1", 1, text, "closed"), status="complete"), "live")
    assert content.answer == text


def test_no_text_changes_the_direction_of_a_chat_or_controls_it() -> None:
    hostile = "\u202eevil\u2066\x1b[2J\x00\x07"
    shown = content(
        ReasoningBlock("r1", 1, (hostile,), "closed", 1_000, 4_400),
        ToolBlock("t1", 1, "search", f'{{"query": "{chr(0x202E)}evil"}}', "ok"),
        AnswerBlock("a1", 1, f"{hostile}\tone\ntwo \N{ZERO WIDTH JOINER}", "closed"),
        status="failed",
        error=RunError("provider_overloaded", hostile, retryable=False),
    )
    assert (shown.thought_text, shown.closing) == ("evil[2J", "evil[2J")
    assert shown.answer == "evil[2J\tone\ntwo \N{ZERO WIDTH JOINER}"
    assert shown.tools[0].title == "search evil"
