"""A model's Markdown in Slack."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thinkaloud.channels.slack.text import escaped, inert, settled, slack_markdown

GAP = "\u200b"


@pytest.mark.parametrize(
    "text",
    [
        "<!channel> wake up",
        "<!here|here>",
        "<!subteam^S123|team>",
        "<@U0123ABC>",
        "<#C0123ABC|general>",
        "<https://evil.example|your bank>",
        "&lt;!channel&gt;",
        "@channel and @here and @everyone",
    ],
)
def test_nothing_that_a_model_writes_notifies_anybody(text: str) -> None:
    shown = slack_markdown(text)
    assert shown.replace(GAP, "") == text
    for trigger in ("<!", "<@", "<#", "<https", "&lt;!", "@channel", "@here", "@everyone"):
        assert trigger not in shown


def test_a_mention_in_code_is_taken_apart_too() -> None:
    assert "<!channel>" not in slack_markdown("`<!channel>`\n\n```\n<!channel>\n```\n")


@pytest.mark.parametrize(
    "text",
    ["a < b, b > c", "me@example.org", "<!DOCTYPE html>", "`x | y`", "**bold** [a](https://b.example)"],
)  # fmt: skip
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert slack_markdown(text) == text


def test_a_formula_is_shown_as_code() -> None:
    assert slack_markdown(r"so \(x^2\) is") == "so `x^2` is"
    assert slack_markdown("$$\nx^2\n$$\n") == "```\nx^2\n```\n"


def test_an_image_becomes_a_link_and_other_schemes_are_no_links() -> None:
    assert slack_markdown("![cat](https://a.example/c.png)") == "[cat](https://a.example/c.png)"
    assert "](javascript:" not in slack_markdown("[x](javascript:alert(1))")


def test_a_table_becomes_a_code_block_that_no_cell_can_close() -> None:
    shown = slack_markdown("before\n\n| a | b |\n|---|---|\n| 1 | ``` |\n\nafter")
    assert shown.startswith("before\n\n```\n")
    assert shown.endswith("\n```\n\nafter")
    assert shown.count("```") == 2


def test_escaped_text_has_no_live_character() -> None:
    assert escaped("<a> & b") == "&lt;a&gt; &amp; b"
    assert inert("plain") == "plain"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello wor", "Hello wor"),
        ("Hello!", "Hello"),
        ("AT&T and me@a.example ok", "AT&T and me@a.example ok"),
        ("a | b", "a | b"),
        ("See [the do", "See "),
        ("See [the docs](https://a.example) no", "See [the docs](https://a.example) no"),
        ("It is `a b", "It is "),
        ("| a | b |\n", ""),
        ("| a | b |\n|--", ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nSo ", "| a | b |\n|---|---|\n| 1 | 2 |\n\nSo "),
        ("```py\nx = 1\ny", "```py\nx = 1\n"),
        ("now <!chan", "now "),
        ("a $$x", "a "),
    ],
)
def test_an_unfinished_construct_is_held_back(text: str, kept: str) -> None:
    assert settled(text) == kept


_PIECES = st.sampled_from(
    [
        *(
            "word ",
            "a|b",
            "|",
            "---",
            "\n",
            "\n\n",
            "```",
            "`",
            "$$",
            "\\(",
            "\\)",
            "![",
            "[x",
            "](",
        ),
        *(
            ")",
            "<!",
            "channel",
            ">",
            "<@",
            "U12",
            "@",
            "here",
            " ",
            "- ",
            "**",
            "http:",
            "&lt;",
            ":",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join), st.integers(0, 200))
def test_what_is_settled_stays_whatever_follows(text: str, cut: int) -> None:
    early = slack_markdown(settled(text[:cut]))
    assert slack_markdown(text).startswith(early)
    assert slack_markdown(settled(text)).startswith(early)
