"""The demo model: it thinks, uses the tools it is given, and says that it is scripted."""

import itertools
import re
from pathlib import Path

import pytest

from tests.providers.demo.demo_conversation import DemoConversation, with_tools
from thinkaloud.events.model import ModelFinished, ReasoningText
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort
from thinkaloud.providers.demo import DEMO_MODEL_ID
from thinkaloud.tools.function import function_tool


@pytest.mark.parametrize(
    ("question", "expression", "result"),
    [
        ("What is 12 * (3 + 4)?", "12 * (3 + 4)", "84"),
        ("what is 17% of 240", "17 * 240 / 100", "40.8"),
        ("How much is 1,000 times 7 plus one?", "1000 * 7 + 1", "7001"),
        ("What's the square root of 144", "sqrt(144)", "12.0"),
        ("2^10", "2**10", "1024"),
        ("Calculate sqrt(16) minus 5 squared.", "sqrt(16) - 5**2", "-21.0"),
    ],
)
async def test_arithmetic_is_done_by_the_calculator(
    question: str, expression: str, result: str
) -> None:
    conversation = with_tools()
    answer = await conversation.ask(question)
    assert conversation.calls == [("calculate", f'{{"expression":"{expression}"}}')]
    assert f"**{result}**" in answer


async def test_any_tool_result_is_repeated_in_the_answer() -> None:
    def calculate(expression: str) -> str:
        return f"{expression}, or about a dozen"

    answer = await DemoConversation([function_tool(calculate)]).ask("What is 6 + 6?")
    assert "6 + 6, or about a dozen" in answer


async def test_the_error_of_a_tool_is_passed_on() -> None:
    answer = await with_tools().ask("What is 1 / 0?")
    assert "`calculate` failed: Division by zero." in answer


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What time is it?", "**20:26** on Thursday, 28 May 2026 (UTC)"),
        ("What time is it in Tokyo?", "**05:26** on Friday, 29 May 2026 (Asia/Tokyo)"),
        ("what's the date in new york now", "28 May 2026 (America/New_York)"),
        ("What day is it in Europe/Berlin?", "Thursday, 28 May 2026 (Europe/Berlin)"),
        ("What time is it in Atlantis?", "'Atlantis' is not an IANA time zone"),
    ],
)
async def test_the_time_comes_from_the_clock_tool(question: str, expected: str) -> None:
    assert expected in await with_tools().ask(question)


async def test_two_requests_in_one_question_become_parallel_calls_with_different_ids() -> None:
    conversation = with_tools()
    answer = await conversation.ask("What is 6 * 7, and what time is it in London?")
    assert [name for name, _ in conversation.calls] == ["calculate", "current_time"]
    assert "**42**" in answer
    assert "Europe/London" in answer
    await conversation.ask("What is 8 * 9?")
    ids = [
        part.tool_call_id for turn in conversation.turns for part in getattr(turn, "results", ())
    ]
    assert len(set(ids)) == len(ids) == 3


async def test_files_are_listed_read_and_searched_in_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "tea.md").write_text("Green tea\n```\nat 80 °C\n", encoding="utf-8")
    conversation = with_tools(tmp_path)
    assert "notes/" in await conversation.ask("Which files are there?")
    assert "tea.md" in await conversation.ask("List the files in the folder notes")
    read = await conversation.ask("What is in notes/tea.md?")
    assert "`notes/tea.md` has 3 lines and 6 words:" in read
    assert "````text\nGreen tea\n```\nat 80 °C\n````" in read
    assert "notes/tea.md:1: Green tea" in await conversation.ask('Search my files for "green tea"')
    assert "'gone.md' was not found" in await conversation.ask("read gone.md")


async def test_a_long_file_is_shown_by_its_beginning(tmp_path: Path) -> None:
    text = "\n".join(f"line {number}" for number in range(1, 501))
    (tmp_path / "long.txt").write_text(text, encoding="utf-8")
    answer = await with_tools(tmp_path).ask("read long.txt")
    assert "line 20\n" in answer
    assert "line 21\n" not in answer
    assert "there are 500 lines in total" in answer


async def test_without_the_tool_it_reports_what_is_missing_and_calls_nothing() -> None:
    conversation = with_tools()
    answer = await conversation.ask("Which files are there?")
    assert conversation.calls == []
    assert "`list_files`" in answer
    assert "`workspace` under `[server]`" in answer


async def test_any_other_question_is_answered_with_how_to_connect_a_real_model() -> None:
    answer = await with_tools().ask("Why is the sky blue?")
    for needed in (
        *("demo model", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "Ollama"),
        *("[hosts.lab]", "thinkaloud.toml", "thinkaloud doctor"),
    ):
        assert needed in answer


@pytest.mark.parametrize(
    "question", ["Hello", "What is 1 + 1?", "Which files are there?", "Why?", "What did I ask?"]
)
async def test_every_answer_ends_with_a_line_that_it_is_scripted(question: str) -> None:
    answer = await with_tools().ask(question)
    assert answer.endswith("\n\n*From the built-in demo model: a small fixed program, not an AI.*")


async def test_it_remembers_the_conversation() -> None:
    conversation = with_tools()
    assert "Nothing yet" in await conversation.ask("What did I ask before?")
    await conversation.ask("My name is Ada.")
    await conversation.ask("<context>\nsecret: 1\n</context>\n\nWhat is 2 + 2?")
    assert "your name is Ada." in await conversation.ask("What is my name?")
    before = await conversation.ask("What did I ask you before?")
    assert "2. “My name is Ada.”\n3. “What is 2 + 2?”\n4. “What is my name?”" in before
    assert "“What did I ask before?”" in await conversation.ask("What was my first question?")


async def test_the_content_of_an_attached_file_is_not_taken_for_the_question() -> None:
    conversation = with_tools()
    await conversation.ask('<file name="sums.md">\nWhat is 2 + 2?\n</file>\n\nThank you')
    assert conversation.calls == []


async def test_the_higher_the_effort_the_longer_the_thought() -> None:
    lengths: list[int] = []
    for effort in EFFORT_LEVELS:
        conversation = with_tools()
        await conversation.ask("What is 3 + 4?", effort)
        lengths.append(len(conversation.reasoning))
    assert lengths[0] == 0
    assert all(shorter < longer for shorter, longer in itertools.pairwise(lengths))


async def test_without_effort_there_is_no_reasoning_and_it_says_so() -> None:
    conversation = with_tools()
    await conversation.ask("Why?", "none")
    assert conversation.finished.reasoning_status == "none"
    assert conversation.finished.usage is not None
    assert conversation.finished.usage.reasoning_tokens == 0


async def test_a_budget_is_not_exceeded() -> None:
    for budget in (1, 20, 60, 4000):
        conversation = DemoConversation()
        await conversation.ask("Why?", budget)
        usage = conversation.finished.usage
        assert usage is not None
        assert usage.reasoning_tokens is not None
        assert 0 < usage.reasoning_tokens <= budget


async def test_the_same_conversation_gives_the_same_events() -> None:
    first, second = with_tools(), with_tools()
    for question in ("Hello", "What is 2 * 3?", "What did I ask before?"):
        await first.ask(question)
        await second.ask(question)
        assert first.events == second.events


@pytest.mark.parametrize("effort", ["none", "max"])
async def test_words_are_streamed_at_reading_speed(effort: Effort) -> None:
    conversation = with_tools()
    await conversation.ask("Why is the sky blue?", effort)
    words = len(re.findall(r"\S+", conversation.reasoning + " " + conversation.answer))
    assert 20 <= words / sum(conversation.clock.waits) <= 40
    deltas = [event.text for event in conversation.events if not isinstance(event, ModelFinished)]
    assert all(0 < len(delta) <= 24 for delta in deltas)


async def test_a_word_without_an_end_still_comes_in_small_pieces(tmp_path: Path) -> None:
    (tmp_path / "wide.txt").write_text("x" * 900, encoding="utf-8")
    conversation = with_tools(tmp_path)
    assert "x" * 900 in await conversation.ask("read wide.txt")
    assert max(len(getattr(event, "text", "")) for event in conversation.events) <= 24


async def test_an_output_limit_ends_the_response_with_length() -> None:
    conversation = with_tools()
    await conversation.ask("What is 2 + 2?", "max", max_output_tokens=10)
    assert conversation.finished.finish_reason == "length"
    assert len(conversation.reasoning) == 40
    assert (conversation.answer, conversation.calls) == ("", [])
    await conversation.ask("Why?", "none", max_output_tokens=10)
    assert len(conversation.answer) == 40


async def test_output_tokens_include_reasoning_and_are_marked_as_an_estimate() -> None:
    conversation = with_tools()
    await conversation.ask("Why is the sky blue?")
    usage = conversation.finished.usage
    assert usage is not None
    assert usage.estimated
    assert usage.input_tokens == 5  # 20 characters
    assert usage.output_tokens == -(-(len(conversation.reasoning) + len(conversation.answer)) // 4)
    assert usage.reasoning_tokens == -(-len(conversation.reasoning) // 4)


async def test_it_thinks_before_it_calls_and_again_when_the_result_is_there() -> None:
    conversation = with_tools()
    await conversation.ask("What is 3 + 4?")
    kinds = [type(event).__name__ for event in conversation.events]
    order = [kind for place, kind in enumerate(kinds) if place == 0 or kind != kinds[place - 1]]
    assert order == [
        *("ReasoningText", "ToolCallOpened", "ToolCall", "ModelFinished"),
        *("ReasoningText", "AnswerText", "ModelFinished"),
    ]
    assert "“7”" in conversation.reasoning
    assert isinstance(conversation.events[0], ReasoningText)


def test_its_id_identifies_it_as_the_demo() -> None:
    assert DemoConversation().model.info.id == DEMO_MODEL_ID == "demo/thinkaloud"
