import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.core.parsers.inline import InlineSplitter, split
from thinkaloud.core.parsers.inline_state import MAX_PENDING_CHARS, Inline, Piece
from thinkaloud.core.parsers.inline_tags import BRACKETED, GRANITE

ALL = (*BRACKETED, *GRANITE)


def pieces(text: str, size: int | None = None, **how) -> list[Piece]:
    """Return what a text, fed in pieces of `size`, is split into; neighbors joined."""
    splitter = InlineSplitter(Inline(**how))
    step = size or max(len(text), 1)
    found: list[Piece] = []
    for start in range(0, len(text), step):
        found += splitter.feed(text[start : start + step])
    return joined([*found, *splitter.close()])


def joined(found: list[Piece]) -> list[Piece]:
    together: list[Piece] = []
    for kind, text in found:
        assert text or kind == "was_reasoning", "a piece is never empty"
        if together and together[-1].kind == kind != "was_reasoning":
            together[-1] = Piece(kind, together[-1].text + text)
        else:
            together.append(Piece(kind, text))
    return together


def parse(text: str, **how) -> tuple[str, str]:
    """Return (reasoning, answer), the same whether the text comes whole or character by character."""
    whole = pieces(text, **how)
    for size in (1, 2, 3, 7):
        assert pieces(text, size, **how) == whole
    return split(text, Inline(**how))


@pytest.mark.promise("P1")
@pytest.mark.parametrize(("opening", "closing"), ALL)
@pytest.mark.parametrize("strict", [False, True])
def test_every_spelling_is_split_with_its_whitespace_kept(opening, closing, strict):
    text = f"{opening}\n two < three \n{closing}\n\nfour </ five"
    assert parse(text, tags=ALL, strict=strict) == ("\n two < three \n", "\n\nfour </ five")


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<Think>", "</THINK>"),
        ("<think foo>", "</think>"),
        ('<thinking depth="3" lang="en">', "</thinking >"),
        ("<think>", "</thinking>"),
        ("<reasoning>", "</think>"),
        ("<mm:think>", "</mm:think>"),
        ("<thinking>", "</thinking>"),
        ("<longcat_think>", "</longcat_think>"),
        ("<|START_THINKING|>", "<|end_thinking|>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|think|>", "<|/think|>"),
        ("[think]", "[/THINK]"),
        ("<|channel>thought", "<channel|>"),
        ("<unused94>", "<unused95>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_tag_in_another_case_with_attributes_or_of_another_family_is_a_tag(
    opening, closing, strict
):
    assert parse(f"{opening}Plan.{closing}Answer.", strict=strict) == ("Plan.", "Answer.")


@pytest.mark.promise("P1")
@pytest.mark.parametrize("strict", [False, True])
def test_an_empty_thought_may_come_before_the_real_one(strict):
    text = "<think>\n</think>\n<think>Plan.</think>Answer."
    assert parse(text, strict=strict) == ("\nPlan.", "\nAnswer.")


@pytest.mark.promise("P1")
@pytest.mark.parametrize("strict", [False, True])
def test_a_second_thought_on_a_line_of_its_own_is_reasoning(strict):
    text = "<think>a</think>One.\n<think>b</think>Two."
    assert parse(text, strict=strict) == ("ab", "One.\nTwo.")


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think>One. <think>b</think>Two.", "One. Two."),
        ("One. <reasoning>b</reasoning>Two.", "One. Two."),
        ("- item <think>b</think>\n- more", "- item \n- more"),
        ("One.\n<think>b", "One.\n"),
        ("A stray ` and <think>b</think>\n\nmore `", "A stray ` and \n\nmore `"),
        ("<think>a<think>b</think>c</think>Answer.", "Answer."),
        ("<think>a<think>b<think>c</think>d</think>e</think>Answer.", "Answer."),
        ("<think>a</thinking>b</think>Answer.", "Answer."),
        ("<think>I mention <think> here.</think>Answer.", "Answer."),
        ("One.<|channel|>analysis<|message|>b<|end|>Two.", "One.Two."),
    ],
)
def test_where_reasoning_is_withheld_a_thought_anywhere_is_no_answer(text, answer):
    assert parse(text, strict=True)[1] == answer


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    "text",
    [
        "Use `<think>` to open and `</think>` to close.",
        "``a ` <think>``",
        "```xml\n<think>\nHm\n</think>\n```\n",
        "- item\n  ```\n  </think>\n  ```\n",
        "> ~~~\n> <think>\n> ~~~\n",
        "````\n```\n<think>a</think>\n````\n",
        "``` not a fence ` <think> ```",
        "1. ```\n</think>",
        "<thinker>no tag</thinker>",
        "a < b and <b>c</b> [x] ◁",
        "<thin",
        "",
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_code_and_other_text_stays_answer(text, strict):
    assert parse(text, strict=strict) == ("", text)


@pytest.mark.parametrize(
    "text",
    [
        "The tag <think>x</think> is prose here.",
        "Write <think> first.",
        "<think>a</think>b <think>",
    ],
)
def test_a_tag_in_prose_is_text_where_reasoning_is_shown(text):
    assert parse(text)[1] == text.removeprefix("<think>a</think>")


@pytest.mark.promise("P1")
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("closing", ["</think>", "</THINK>", "<channel|>", "<|END_THINKING|>"])
def test_a_closing_tag_without_an_opening_one_makes_reasoning_of_the_text_before(closing, strict):
    text = f"The user greets me.{closing}\n\nHello!"
    assert pieces(text, strict=strict) == [
        ("answer", "The user greets me."),
        ("was_reasoning", ""),
        ("answer", "\n\nHello!"),
    ]
    assert parse(text, strict=strict) == ("The user greets me.", "\n\nHello!")


def test_a_closing_tag_before_any_text_is_left_out():
    assert pieces("\n</think>\nHello!") == [("answer", "\n\nHello!")]


def test_where_reasoning_is_off_a_closing_tag_in_the_answer_is_text():
    assert parse("a </think> b", orphans=False) == ("", "a </think> b")
    assert parse("a </think> b", orphans=False, strict=True) == ("a ", " b")


def test_a_quoted_closing_tag_does_not_end_a_thought():
    text = "<think>The tag `</think>` ends it.</think>Answer."
    assert parse(text) == ("The tag `</think>` ends it.", "Answer.")


def test_whitespace_before_the_tag_stays_answer():
    assert parse("\n \n<think>a</think>b") == ("a", "\n \nb")


def test_reasoning_that_is_never_closed_is_all_reasoning():
    assert parse("<think>a</thin") == ("a</thin", "")


@pytest.mark.parametrize("strict", [False, True])
def test_a_preopened_response_begins_as_reasoning(strict):
    how = {"preopened": True, "strict": strict}
    assert parse("\na</think>b", **how) == ("\na", "b")
    assert parse("<think>a</think>b", **how) == ("a", "b")
    assert parse("a", **how) == ("a", "")


def test_without_tags_nothing_is_split_unless_reasoning_is_withheld():
    assert parse("<think>a</think>b", tags=()) == ("", "<think>a</think>b")
    assert parse("<think>a</think>b", tags=(), strict=True) == ("a", "b")


def test_after_reasoning_that_came_apart_tags_are_text():
    splitter = InlineSplitter(Inline())
    assert splitter.separate() == []
    found = [*splitter.feed("</think>"), *splitter.feed("a <think>b</think>"), *splitter.close()]
    assert joined(found) == [("answer", "a <think>b</think>")]


def test_a_tool_call_ends_a_thought_unless_reasoning_is_withheld():
    for strict, kind in ((False, "answer"), (True, "reasoning")):
        splitter = InlineSplitter(Inline(strict=strict))
        splitter.feed("<think>a")
        splitter.interrupt()
        assert splitter.feed("b") == [(kind, "b")]


def test_text_is_emitted_as_soon_as_it_cannot_be_a_tag():
    splitter = InlineSplitter(Inline())
    assert splitter.feed("<think>") == []
    assert splitter.feed("one") == [("reasoning", "one")]
    assert splitter.feed(" <") == [("reasoning", " ")]
    assert splitter.feed("b>") == [("reasoning", "<b>")]
    assert splitter.feed("</think>two") == [("answer", "two")]
    assert splitter.feed("<") == []
    assert splitter.feed("1") == [("answer", "<1")]


def test_text_that_waits_for_its_tag_is_bounded():
    splitter = InlineSplitter(Inline(strict=True))
    splitter.feed("<think>a</reasoning>")
    kept = sum(len(splitter.feed("b" * 1000)) for _ in range(MAX_PENDING_CHARS // 1000 + 2))
    assert kept == 1


TOKENS = [
    *("<think>", "</think>", "<thinking>", "</thinking>", "<", "</", "think>", "<think x='"),
    *("<|channel>", "thought", "<channel|>", "[/", "<|channel|>analysis", "<|message|>", "<|end|>"),
    *("`", "``", "```", "~~~", "\n", "\n\n", "- ", "> ", "\\", " ", "a"),
]


@pytest.mark.promise("P5")
@given(
    parts=st.lists(st.sampled_from(TOKENS), max_size=14),
    preopened=st.booleans(),
    strict=st.booleans(),
    data=st.data(),
)
def test_any_split_gives_the_same_pieces(parts, preopened, strict, data):
    rest = "".join(parts)
    whole = pieces(rest, preopened=preopened, strict=strict)
    splitter = InlineSplitter(Inline(preopened=preopened, strict=strict))
    found = []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        found += splitter.feed(rest[:size])
        rest = rest[size:]
    assert joined([*found, *splitter.close()]) == whole
