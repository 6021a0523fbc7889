"""Markdown and hostile text in Discord's markup."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.channels.discord.fake.messages import pings_of, readable
from thinkaloud.channels.discord.parts import GrowingAnswer, said_parts
from thinkaloud.channels.discord.text import discord_markdown, escaped, measure, small

HOSTILE = (
    "*bold* _it_ `code` ~~gone~~ ||spoiler|| <@1> <@&2> <#3> </new:4> <:x:5> <t:1:R>"
    " @everyone @here [x](https://example.org) \\ ```\nfence\n```\n# big\n-# small\n> quote\n- item\n1. one"
)
MARKUP = st.text(alphabet="ab*_~|`<>@#[]()\\ \n1.-+:&!/https", max_size=80)


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("**bold** and *italic*, ~~struck~~", "**bold** and *italic*, ~~struck~~"),
        ("# One\n\n#### Four", "# One\n\n**Four**"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> quoted\n> twice", "> quoted\n> twice"),
        ("`a*b`", "`a*b`"),
        ("``a`b``", "`` a`b ``"),
        ("---", "⎯⎯⎯⎯⎯"),
        ("$$x^2$$", "```tex\nx^2\n```"),
        ("so \\(x_1\\) is", "so `x_1` is"),
        ("```py\nprint(1)\n```", "```py\nprint(1)\n```"),
        ("[docs](https://example.org/a_b)", "[docs](<https://example.org/a_b>)"),
        ("<https://example.org>", "<https://example.org>"),
        (
            "[https://bank.example](https://evil.example)",
            "https://bank.example (<https://evil.example>)",
        ),
        ("[x](javascript:alert)", "\\[x\\](javascript:alert)"),
        ("[x](ftp://example.org)", "x"),
        ("see https://example.org/a_b_c now", "see https://example.org/a_b_c now"),
        ("snake_case * 2", "snake\\_case \\* 2"),
        ("1\\. no list", "1\\. no list"),
        ("\\# no heading", "\\# no heading"),
        ("<b>html</b>", "\\<b>html\\</b>"),
        ("||hidden||", "\\|\\|hidden\\|\\|"),
    ],
)
def test_markdown_becomes_discords_markup(markdown: str, shown: str) -> None:
    assert discord_markdown(markdown) == shown


def test_a_table_is_aligned_in_a_code_block() -> None:
    shown = discord_markdown("| a | bb |\n|---|---|\n| 1 | 2 |")
    assert shown.split("\n") == ["```", "a  bb", "─  ──", "1  2", "```"]


def test_code_cannot_end_its_own_block() -> None:
    shown = discord_markdown("````\n```\n@everyone\n````")
    assert shown.count("```") == 2
    assert shown.endswith("```")


@pytest.mark.parametrize("text", ["@everyone", "hi @here", "<@123>", "<@&123>", "<@!123>"])
def test_nobody_is_mentioned_even_without_allowed_mentions(text: str) -> None:
    assert pings_of({}, [text]) != []
    assert pings_of({}, [discord_markdown(text), escaped(text), small(text)]) == []


def test_a_thought_in_small_print_is_literal_line_by_line() -> None:
    assert small("# big\n\n  -# more\n") == "-# \\# big\n-# \\-# more"


def test_hostile_text_is_readable_as_it_was_written() -> None:
    assert readable(escaped(HOSTILE)).replace("\u200b", "") == HOSTILE


@given(MARKUP)
def test_escaped_text_has_no_markup_left(text: str) -> None:
    shown = escaped(text)
    assert re.search(r"(?<!\\)(?:\\\\)*[*_~|`<\[]", shown) is None
    assert pings_of({}, [shown]) == []


@given(st.lists(MARKUP, max_size=8).map("\n\n".join))
def test_no_markdown_mentions_anybody_or_fails(text: str) -> None:
    assert pings_of({}, [discord_markdown(text)]) == []


@settings(max_examples=20, deadline=None)
@given(st.lists(MARKUP, min_size=20, max_size=60).map("\n\n".join))
def test_parts_are_within_the_limit_after_escaping(text: str) -> None:
    assert all(0 < measure(part) <= 2_000 for part in said_parts(text * 8))


def test_a_code_block_that_is_cut_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(300))
    parts = said_parts(f"Code:\n\n```py\n{code}\n```\n\nEnd.")
    assert len(parts) > 2
    assert all(part.count("```") == 2 for part in parts)
    assert [n for part in parts for n in re.findall(r"line_(\d+)", part)] == [
        str(n) for n in range(300)
    ]


def test_emoji_count_as_two() -> None:
    assert measure("🧠") == 2
    assert all(measure(part) <= 2_000 for part in said_parts("🧠" * 1_500))


def test_a_growing_answer_keeps_the_parts_that_are_complete() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(150))
    words = "A sentence of words. " * 150
    text = f"# Title\n\n{words}\n\n```py\n{code}\n```\n\n- one\n- two\n\n{words}"
    growing = GrowingAnswer()
    earlier: list[str] = []
    for end in range(100, len(text) + 100, 70):
        parts = list(growing.parts(text[:end].strip("\n")))
        assert parts[: len(earlier) - 1] == earlier[:-1]
        earlier = parts
    assert all(measure(part) <= 2_000 for part in earlier)
    assert all(part.count("```") in {0, 2} for part in earlier)
    shown = "\n".join(earlier).replace("```py", "").replace("```", "").replace("\\_", "_")
    assert shown.split() == text.replace("```py", "").replace("```", "").split()


def test_an_answer_that_is_replaced_is_split_again() -> None:
    growing = GrowingAnswer()
    assert growing.parts("One") == ["One"]
    assert growing.parts("Two") == ["Two"]
    assert growing.parts("") == []
