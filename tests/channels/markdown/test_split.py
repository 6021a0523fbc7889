"""Long answers are cut at sensible places, and nothing of them is lost."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.markdown.plain import plain_text
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.markdown.tree import CodeBlock, Table


def test_what_fits_is_one_part_and_nothing_is_none() -> None:
    assert split_markdown("Hello\n", 10) == ["Hello"]
    assert split_markdown(" \n", 10) == []


def test_paragraphs_stay_whole_where_they_fit() -> None:
    assert split_markdown("one two\n\nthree four\n\nfive six", 20) == [
        "one two\n\nthree four",
        "five six",
    ]


def test_a_long_paragraph_is_cut_after_a_sentence_and_else_between_words() -> None:
    assert split_markdown("It is very blue. It is far away.", 25) == [
        "It is very blue.",
        "It is far away.",
    ]
    assert split_markdown("seven letters words", 10) == ["seven", "letters", "words"]


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(40))
    parts = split_markdown(f"Here:\n\n```python\n{code}\n```\n\nDone.", 200)
    assert len(parts) > 2
    blocks = [block for part in parts for block in parse_markdown(part)]
    codes = [block for block in blocks if isinstance(block, CodeBlock)]
    assert "\n".join(block.text for block in codes) == code
    assert {block.language for block in codes} == {"python"}
    assert all(len(part) <= 200 for part in parts)
    assert parts[0].startswith("Here:\n\n```python\nline_0")


def test_a_code_block_in_a_list_is_cut_too() -> None:
    code = "\n".join(f"    x = {n}" for n in range(30))
    parts = split_markdown(f"1. Do this:\n\n    ```sh\n{code}\n    ```\n2. Then that", 90)
    assert [part.count("```") % 2 for part in parts] == [0] * len(parts)
    assert "29" in plain_text("\n\n".join(parts))


def test_a_table_that_is_cut_gets_its_header_again() -> None:
    rows = "\n".join(f"| {n} | name {n} |" for n in range(30))
    parts = split_markdown(f"| no | name |\n|---|---|\n{rows}", 120)
    tables = [parse_markdown(part)[0] for part in parts]
    assert all(isinstance(table, Table) for table in tables)
    assert sum(len(table.rows) for table in tables if isinstance(table, Table)) == 30


@pytest.mark.parametrize("whole", ["👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "e\u0301", "각"])
def test_no_grapheme_is_cut(whole: str) -> None:
    parts = split_markdown(whole * 40, len(whole) * 7 - 1)
    assert "".join(parts) == whole * 40
    assert all(len(part) % len(whole) == 0 for part in parts)


def test_a_link_and_an_escape_are_not_cut() -> None:
    text = "word " * 8 + "[the page](https://example.org/a/long/path)" + " and \\* more" * 4
    parts = split_markdown(text, 60)
    assert any("[the page](https://example.org/a/long/path)" in part for part in parts)
    assert not any(part.endswith("\\") for part in parts)


@given(
    st.lists(
        st.sampled_from(["word", ">", "#", "##", "-", "+", "*", "1.", "12)", "|", "---", "==="]),
        min_size=2,
        max_size=30,
    ),
    st.integers(8, 40),
)
def test_the_rest_of_a_cut_line_stays_text_whatever_it_starts_with(
    words: list[str], limit: int
) -> None:
    line = " ".join(["start", *words])
    parts = split_markdown(line, limit)
    shown = "".join(plain_text(part) for part in parts)
    assert "".join(shown.split()) == "".join(line.split())


def test_the_size_is_that_of_the_rendered_text() -> None:
    parts = split_markdown("a & b < c " * 30, 100, lambda part: len(html.escape(part)))
    assert all(len(html.escape(part)) <= 100 for part in parts)
    assert " ".join(parts).split() == ("a & b < c " * 30).split()


def test_one_endless_word_is_cut_all_the_same() -> None:
    assert split_markdown("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


PIECES = st.sampled_from(
    [
        "word ",
        "a longer sentence. ",
        "\n\n",
        "\n",
        "- item\n",
        "```\n",
        "`code` ",
        "**bold** ",
        "> ",
        "| a | b |\n",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join), st.integers(24, 80))
def test_every_part_fits_and_no_word_is_lost(markdown: str, limit: int) -> None:
    parts = split_markdown(markdown, limit)
    assert all(len(part) <= limit for part in parts)
    for word in ("word", "item", "sentence", "bold", "code"):
        assert sum(part.count(word) for part in parts) == markdown.count(word)


@pytest.mark.parametrize("text", ["A paragraph.\n\n", "word ", "line\n", "x", "- item\n"])
def test_a_long_text_is_not_rendered_over_and_over_again(text: str) -> None:
    markdown = text * (60_000 // len(text))
    measured: list[int] = []

    def measure(part: str) -> int:
        measured.append(len(part))
        return len(part)

    parts = split_markdown(markdown, 2_000, measure)
    assert sum(map(len, parts)) > 0.8 * len(markdown)
    assert max(measured) <= 4_000
    assert sum(measured) < 30 * len(markdown)
