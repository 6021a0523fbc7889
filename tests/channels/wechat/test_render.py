"""The texts of WeChat messages."""

import pytest

from tests.channels.wechat.fake.people import MAX_CHARACTERS
from thinkaloud.channels.platform.content import Answer, ChatContent, Thought, ToolLine
from thinkaloud.channels.wechat.render import (
    NOTICE_CHARACTERS,
    answer_parts,
    notice,
    render_text,
    thought_part,
)


def content(*blocks: Answer | Thought | ToolLine, **fields: str) -> ChatContent:
    values = {"mode": "live", "status": "completed"} | fields
    return ChatContent(run_id="r", blocks=blocks, final=True, **values)  # pyright: ignore[reportArgumentType]


def in_utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def answer(markdown: str) -> Answer:
    return Answer("a", markdown, open=False)


def thought(text: str = "", milliseconds: int = 4_200) -> Thought:
    return Thought("t", text, open=False, started_at_ms=0, duration_ms=milliseconds)


def test_a_bare_angle_bracket_hides_nothing() -> None:
    (text,) = answer_parts(content(answer("`a < b` and <b>bold</b>\n\n```\nif x < y:\n```")))
    assert "<" not in text
    assert text == "a ＜ b and ＜b>bold＜/b>\n\nif x ＜ y:"


def test_markup_becomes_readable_text() -> None:
    table = "| city | people |\n|---|---|\n| Wien | 2 |\n"
    (text,) = answer_parts(
        content(answer(f"# Title\n\n- **one**\n- [two](https://a.b)\n\n{table}"))
    )
    assert text.startswith("Title\n\n• one\n• two (https://a.b)\n\ncity  people")
    assert "**" not in text
    assert "|" not in text


def test_the_words_of_the_model_in_a_tool_line_stay_literal() -> None:
    line = ToolLine("c", "look", "look *up* [x](y) <b>", "running")
    (text,) = answer_parts(content(line, answer("Yes.")))
    assert text == "⏳ look *up* [x](y) ＜b>\n\nYes."


def test_a_table_that_grows_when_it_is_aligned_is_split_with_its_header() -> None:
    rows = "\n".join(f"|{number}|{'x' * (number % 38)}|" for number in range(200))
    parts = answer_parts(content(answer(f"|n|x|\n|-|-|\n{rows}")))
    assert max(map(in_utf16, parts)) <= MAX_CHARACTERS - NOTICE_CHARACTERS
    assert all(part.startswith("n") for part in parts)
    numbers = [line.split()[0] for part in parts for line in part.splitlines()[2:]]
    assert numbers == [str(number) for number in range(200)]


def test_many_tools_are_counted() -> None:
    tools = [ToolLine(str(n), "t", f"t {n}", "done") for n in range(40)]
    (text,) = answer_parts(content(*tools, answer("Yes.")))
    assert "✓ t 11\n… and 28 more\n\nYes." in text


def test_an_end_without_an_answer_is_explained() -> None:
    parts = answer_parts(content(thought(), closing="The model gave no *answer*.", mode="off"))
    assert parts == ["The model gave no *answer*."]


@pytest.mark.parametrize("mode", ["live", "on_request"])
def test_the_first_line_says_how_long_it_thought_and_how_to_see_it(mode: str) -> None:
    parts = answer_parts(content(thought("canary"), answer("Blue."), mode=mode))
    assert parts == ["💭 Thought for 4 s · /why\n\nBlue."]


@pytest.mark.parametrize("mode", ["off", "live", "on_request"])
def test_only_the_folded_mode_has_a_message_of_reasoning(mode: str) -> None:
    assert thought_part(content(thought("canary"), mode=mode)) == ""
    assert thought_part(content(thought("canary"), mode="folded")) == "💭 Thought for 4 s\n\ncanary"


@pytest.mark.parametrize("unit", ["a", "深", "😀", "word ", "<", "*x* ", "line\n", "😀👩‍👩‍👧"])
def test_no_message_is_too_long(unit: str) -> None:
    text = unit * 9_000
    parts = answer_parts(content(answer(text)))
    assert max(map(in_utf16, parts)) <= MAX_CHARACTERS - NOTICE_CHARACTERS
    one = thought_part(content(thought(text), mode="folded"))
    assert in_utf16(one) <= MAX_CHARACTERS
    assert len(notice(99_999, 99_999)) <= NOTICE_CHARACTERS


def test_a_long_answer_is_complete_and_cut_between_lines() -> None:
    lines = [f"Line {number} of the answer." for number in range(400)]
    parts = render_text("\n".join(lines))
    assert "\n".join(parts).split("\n") == lines
