"""Rendering the state of a run, without a server."""

import pytest

from tests.channels.telegram.fake.markup import Parsed
from tests.channels.telegram.fake.rich import Rich
from tests.channels.telegram.harness import content, thought
from thinkaloud.channels.platform.content import Answer, ToolLine
from thinkaloud.channels.telegram.render import Form, draft, finished, progress, render_text

FORMS: tuple[Form, ...] = ("rich", "html", "text")


def seen(text: str, form: Form, *, is_draft: bool = False) -> tuple[str, str]:
    """Return what a message shows, and what is in its fold."""
    if form == "rich":
        rich = Rich(text, draft=is_draft)
        return "\n".join([*rich.visible, *rich.thinking]), "\n".join(rich.folded)
    parsed = Parsed(text, "HTML" if form == "html" else None)
    return "".join(parsed.visible), "".join(parsed.folded)


@pytest.mark.parametrize("form", FORMS)
def test_a_draft_shows_the_end_of_a_long_thought_and_of_a_long_answer(form: Form) -> None:
    steps = " ".join(f"step{number}" for number in range(2_000))
    words = " ".join(f"word{number}" for number in range(9_000))
    answers = [Answer("a", words, False), Answer("b", words, True)]
    part = draft(content(thought(steps, seconds=None), *answers), form)
    assert part is not None
    visible, _ = seen(part.text, form, is_draft=True)
    assert "word8999" in visible
    assert "step1999" in visible
    assert "word0 " not in visible
    assert "step0 " not in visible
    assert len(visible) < 20_000


@pytest.mark.parametrize("form", FORMS)
def test_a_draft_of_a_run_with_hundreds_of_tools_shows_the_latest(form: Form) -> None:
    tools = [
        ToolLine(str(n), "search", f"search: number {n} {'x' * 60}", "done") for n in range(500)
    ]
    for show in (draft, progress):
        part = show(content(*tools, thought("Hm", seconds=None)), form)
        assert part is not None
        visible, _ = seen(part.text, form, is_draft=show is draft)
        assert "number 499" in visible


def test_the_end_of_a_long_code_block_is_shown_as_code() -> None:
    code = "\n".join(f"line {number}" for number in range(5_000))
    part = draft(content(Answer("a", f"Look:\n\n```python\n{code}\n", True)), "rich")
    assert part is not None
    last = Rich(part.text, draft=True).blocks[-1]
    assert last["type"] == "pre"
    assert last["text"].endswith("line 4999")


@pytest.mark.parametrize("form", FORMS)
def test_a_message_of_a_group_opens_the_thought_and_marks_what_tools_do(form: Form) -> None:
    running = ToolLine("c", "search", "search: Vienna", "running")
    part = progress(content(thought("Hm"), running, thought("So", seconds=None, name="t2")), form)
    assert part is not None
    assert part.silent
    visible, folded = seen(part.text, form)
    if form == "rich":
        assert (visible, folded) == ("Thought for 4 s\n⏳ search: Vienna\nThinking…\nSo", "Hm")
    assert "⏳ search: Vienna" in visible
    assert "So" in visible + folded


@pytest.mark.parametrize("form", FORMS)
def test_all_of_a_long_run_is_in_its_messages_and_every_message_fits(form: Form) -> None:
    steps = "\n\n".join(f"step{number} 😀" for number in range(700))
    words = " ".join(f"word{number}" for number in range(9_000))
    parts = finished(content(thought(steps), Answer("a", words, False), final=True), form)
    shown = [seen(part.text, form) for part in parts]
    everything = " ".join(f"{visible} {folded}" for visible, folded in shown).split()
    assert [word for word in everything if word.startswith("word")] == words.split()
    assert [word for word in everything if word.startswith("step")] == steps.split()[::2]


def test_a_thought_without_end_says_how_much_is_not_shown() -> None:
    parts = finished(
        content(thought("x " * 200_000), Answer("a", "So.", False), final=True), "rich"
    )
    assert len(parts) == 6
    assert "more characters are not shown" in parts[-1].text
    assert "So." in parts[0].text


def test_a_run_without_anything_to_show_has_no_messages() -> None:
    assert finished(content(final=True), "rich") == []
    assert finished(content(closing="It failed.", status="failed", final=True), "rich")
    assert render_text("", "rich") == []


def test_the_seconds_of_all_thoughts_are_added() -> None:
    blocks = [thought("a", seconds=1.4), thought("b", seconds=2.2, name="t2")]
    (part,) = finished(content(*blocks, Answer("a", "So.", False), final=True), "rich")
    rich = Rich(part.text, draft=False)
    assert rich.visible == ["Thought for 4 s", "So."]
    assert rich.folded == ["a", "b"]
