"""Markdown as plain text, for platforms and fallbacks without formatting."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, assert_never

from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.markdown.tree import (
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Formula,
    Heading,
    Inline,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Styled,
    Table,
    Text,
)

_SPECIAL: Final = re.compile(r"([\\`*_#+\-.!|<>~$&=)])")
_BRACKETS: Final = re.compile(r"[\[\]]")
_MAX_CELL: Final = 40


def plain_text(markdown: str) -> str:
    """Return readable plain text: tables aligned, links with their address, no markup."""
    return plain_blocks(parse_markdown(markdown))


def plain_blocks(blocks: Sequence[Block]) -> str:
    """Return the plain text of blocks; they are separated by a blank line."""
    return "\n\n".join([_block(block) for block in blocks])


def plain_inlines(inlines: Sequence[Inline]) -> str:
    """Return the plain text of inlines."""
    return "".join([_inline(inline) for inline in inlines])


def table_text(table: Table) -> str:
    """Return a table in columns of equal width, for a font of fixed width."""
    rows = [[_cell(cell) for cell in row] for row in (table.header, *table.rows)]
    widths = [max(width(row[i]) for row in rows) for i in range(len(table.header))]
    lines = [
        "  ".join([text + " " * (w - width(text)) for text, w in zip(row, widths, strict=True)])
        for row in rows
    ]
    rule = "  ".join(["─" * w for w in widths])
    return "\n".join([line.rstrip() for line in (lines[0], rule, *lines[1:])])


def width(text: str) -> int:
    """Return the columns that a text takes in a font of fixed width: wide characters take two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def escaped(text: str) -> str:
    """Return Markdown that shows this text literally, line by line."""
    return "\n".join([_escaped_line(line) for line in text.splitlines()])


def _escaped_line(line: str) -> str:
    content = line.strip()
    indent = "\N{NO-BREAK SPACE}" * (len(line) - len(line.lstrip())) if content else ""
    # Brackets become entities: `\[` would begin a formula.
    return indent + _BRACKETS.sub(_entity, _SPECIAL.sub(r"\\\1", content))


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match.group())};"


def _cell(cell: Sequence[Inline]) -> str:
    text = plain_inlines(cell).replace("\n", " ")
    return text if len(text) <= _MAX_CELL else text[: _MAX_CELL - 1] + "…"


def _block(block: Block) -> str:
    match block:
        case Paragraph(children=children) | Heading(children=children):
            return plain_inlines(children)
        case CodeBlock(text=text):
            return text
        case Quote(children=children):
            return "\n".join([f"> {line}" for line in plain_blocks(children).splitlines()])
        case List():
            return _list(block)
        case Table():
            return table_text(block)
        case Rule():
            return "———"
        case _:
            assert_never(block)


def _list(block: List) -> str:
    lines: list[str] = []
    for number, item in enumerate(block.items, block.start or 1):
        mark = "• " if block.start is None else f"{number}. "
        text = "\n".join([_block(each) for each in item.children])
        first, *rest = text.splitlines() or [""]
        lines += [mark + first, *[" " * len(mark) + line for line in rest]]
    return "\n".join(lines)


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text=text) | CodeSpan(text=text):
            return text
        case Break():
            return "\n"
        case Formula(tex=tex):
            return tex
        case Styled(children=children):
            return plain_inlines(children)
        case Link(url=url, children=children):
            text = plain_inlines(children)
            return url if text in {url, ""} else f"{text} ({url})"
        case _:
            assert_never(inline)
