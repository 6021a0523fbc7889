"""Titles are made from the answer's text."""

import pytest

from thinkaloud.core.conversations.title import MAX_CHARS, title_of


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("The sky is blue.\nMore.", "The sky is blue."),
        ("# **Why** the `sky` is blue:", "Why the sky is blue"),
        ("- 1. First point", "First point"),
        ("\n\n***\nText", "Text"),
        ("", "Question?"),
        (
            "`12 * 7` = **84**, says __the__ ~~slide rule~~ `c`.",
            "12 * 7 = 84, says the slide rule c.",
        ),
        ("2 * 3 * 4 is 24", "2 * 3 * 4 is 24"),
        ("42 is _it_, **by `a_b`**", "42 is it, by a_b"),
        ("> 3. 1984 was ~5 years *of* my_file", "1984 was ~5 years of my_file"),
        ("\u202egnp.exe\x1b[31m red", "gnp.exe[31m red"),
    ],
)
def test_the_first_line_with_words_is_the_title_without_its_marks(answer: str, title: str) -> None:
    assert title_of(answer, "Question?") == title


def test_a_long_line_is_cut_between_words() -> None:
    title = title_of("word " * 50, "")

    assert len(title) <= MAX_CHARS
    assert title.endswith("word…")
    assert title_of("x" * 500, "") == "x" * 59 + "…"


@pytest.mark.parametrize("character", ["😀", "🇩🇪", "👍🏽", "e\u0301", "각", "☺\ufe0f"])
def test_a_long_line_is_never_cut_inside_what_is_drawn_as_one_character(character: str) -> None:
    for before in range(40, 61):
        title = title_of("x" * before + character * 20, "")
        assert len(title) <= MAX_CHARS
        rest = title.removesuffix("…").lstrip("x")
        assert rest == character * (len(rest) // len(character))


def test_a_line_of_only_marks_still_has_a_title() -> None:
    assert len(title_of("e" + "\u0301" * 500, "")) <= MAX_CHARS


def test_text_without_words_has_no_title() -> None:
    assert title_of("***", "?!") == ""
