"""Parts of Markdown, for platforms whose messages are a Markdown of their own. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from thinkaloud.channels.markdown.tree import Block, List, Style

MARKS: Final[Mapping[Style, str]] = {"strong": "**", "emphasis": "*", "strike": "~~"}
_URL_SPECIAL: Final = re.compile(r"[()<>\s\"'\[\]\\`]")


def fenced(text: str, language: str = "") -> str:
    """Return a code block, with a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def code_span(text: str) -> str:
    """Return text as code in a line, with more backticks around it than in it."""
    text = " ".join(text.split("\n"))
    if "`" not in text:
        return f"`{text}`" if text.strip() else text
    mark = "`" * (max(len(run) for run in re.findall(r"`+", text)) + 1)
    return f"{mark} {text} {mark}"


def list_lines(block: List, render: Callable[[Block], str]) -> str:
    """Return a list; what belongs to an item is indented by four spaces."""
    lines: list[str] = []
    for number, item in enumerate(block.items, block.start or 1):
        mark = "- " if block.start is None else f"{number}. "
        first, *rest = "\n".join([render(each) for each in item.children]).split("\n")
        lines += [mark + first, *[" " * 4 + line if line else "" for line in rest]]
    return "\n".join(lines)


def pipe_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of these cells; the first row is its header."""
    rule = ["---"] * len(rows[0])
    return "\n".join([f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])])


def link(text: str, url: str) -> str:
    """Return a link, with an address that can't end it early."""
    return f"[{text}]({_URL_SPECIAL.sub(_percent, url)})"


def _percent(found: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in found.group().encode()])
