"""Markdown as plain text, and plain text as Markdown that shows it literally."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.channels.markdown.plain import escaped, plain_text


def test_markup_disappears_and_its_meaning_stays_readable() -> None:
    markdown = "# Title\n\nSome **bold** `code`, [a page](https://a.example/b) and ~~more~~.\n\n1. one\n   - two\n"
    assert plain_text(markdown) == (
        "Title\n\nSome bold code, a page (https://a.example/b) and more.\n\n1. one\n   • two"
    )


def test_a_table_is_aligned_also_with_wide_characters() -> None:
    assert plain_text("| a | b |\n|---|---|\n| 日本 | 1 |\n| x | 2 |") == (
        "a     b\n────  ─\n日本  1\nx     2"
    )


def test_a_link_that_a_chat_must_not_open_is_only_text() -> None:
    assert plain_text("[click](javascript:alert(1))") == "[click](javascript:alert(1))"
    assert plain_text("[click](data:text/html,x)") == "[click](data:text/html,x)"
    assert plain_text("[click](file:///etc/passwd)") == "[click](file:///etc/passwd)"
    assert plain_text("[click](tg://resolve?domain=x)") == "click"


def test_html_is_text() -> None:
    assert plain_text("a <b>c</b> <script>d</script>") == "a <b>c</b> <script>d</script>"


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=" "),
        max_size=60,
    )
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    assert plain_text(escaped(text)).split() == text.split()


@given(st.text("`*_[]()#+-.!|<>~$&\\> ab1@:/\n", max_size=80))
def test_text_full_of_markup_is_shown_as_it_is(text: str) -> None:
    assert plain_text(escaped(text)).split() == text.split()


def test_an_escaped_text_is_neither_a_list_nor_a_heading() -> None:
    for text in ("1) one", "Title\n===", "x\n---", "1. one"):
        assert plain_text(escaped(text)) == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("[a [b] c](https://a.example)", "a [b] c (https://a.example)"),
        ("[![logo](https://a.example/x.png)](https://a.example)", "(https://a.example)"),
        ("[`a[0]` and `]`](https://a.example)", "a[0] and ] (https://a.example)"),
        ("[a \\] b](https://a.example)", "a ] b (https://a.example)"),
        ("[one][1] and [1]\n\n[1]: https://a.example", "one (https://a.example) and 1"),
        ("a[0] [b](c d) [e](https://a.example)", "a[0] [b](c d) e (https://a.example)"),
    ],
)
def test_links_are_found_among_other_brackets(markdown: str, text: str) -> None:
    assert text in plain_text(markdown)
