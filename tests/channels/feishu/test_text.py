"""A model's Markdown on a card."""

import pytest

from tests.channels.feishu.fake.visible import text_of
from thinkaloud.channels.feishu.text import (
    count_tables,
    escaped,
    feishu_markdown,
    summary_of,
)


@pytest.mark.parametrize(
    ("markdown", "card"),
    [
        ("Plain text.", "Plain text."),
        ("**bold** *it* ~~no~~ `code`", "**bold** *it* ~~no~~ `code`"),
        ("# Title\nText", "# Title\n\nText"),
        ("- one\n- two\n  - three", "- one\n- two\n    - three"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("> quoted\n> twice", "> quoted\n> twice"),
        ("```python\nx < y\n```", "```python\nx < y\n```"),
        ("[a *b*](https://example.org/a_(b))", "[a *b*](https://example.org/a_%28b%29)"),
        ("![cat](https://example.org/c.png)", "[cat](https://example.org/c.png)"),
        ("[x](javascript:alert)", "&#91;x&#93;(javascript:alert)"),
        ("a < b & c", "a &#60; b &#38; c"),
        ("snake_case_name and _x_", "snake_case_name and *x*"),
        ("https://example.org/a_b?c=d", "https://example.org/a_b?c=d"),
        (r"\# no title", "&#35; no title"),
        (r"\- no list", "&#45; no list"),
        (r"1\. no list", "1\u200b. no list"),
        ("He is :SMILE: ing at 10:30:15", "He is &#58;SMILE: ing at 10&#58;30:15"),
        ("$$x^2$$ and \\(y\\)", "`x^2` and `y`"),
        ("a\n\n---\n\nb", "a\n\n---\n\nb"),
        (
            "| a | b |\n|---|---|\n| 1 \\| 2 | `x` |",
            "| a | b |\n| --- | --- |\n| 1 &#124; 2 | `x` |",
        ),
    ],
)
def test_markdown_is_written_for_a_card(markdown: str, card: str) -> None:
    assert feishu_markdown(markdown) == card


def test_a_table_that_may_not_be_one_is_aligned_text() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 22 |"
    assert feishu_markdown(table, tables=False) == "```\na  b\n─  ──\n1  22\n```"
    assert count_tables(f"{table}\n\n> {table.replace(chr(10), chr(10) + '> ')}") == 2


def test_a_code_block_with_fences_has_longer_ones() -> None:
    assert feishu_markdown("````\n```\nx\n```\n````") == "````\n```\nx\n```\n````"


def test_control_characters_are_left_out() -> None:
    assert feishu_markdown("a\x07b `c\x1bd`") == "ab `cd`"
    assert escaped("a\x01b\tc") == "ab\tc"


@pytest.mark.parametrize(
    "text", ["<at id=all></at>", "a*b_c`d~[e](f)", "# x", "- x", "1. x", "&lt;"]
)
def test_plain_text_shows_as_it_is(text: str) -> None:
    assert text_of(escaped(text)) == text


def test_a_summary_is_one_short_line_without_markup() -> None:
    assert summary_of("**Hello**\n\n- world") == "Hello • world"
    assert len(summary_of("word " * 100)) <= 80
    assert "<at" not in summary_of("<at id=all>")
