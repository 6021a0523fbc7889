"""Markdown as Feishu's cards have it, with everything inert that a card acts on. Pure.

Syntax: https://open.feishu.cn/document/feishu-cards/card-json-v2-components/content-components/rich-text. Special characters
are written as entities; `<at …>`, `<person …>` and other tags would mention somebody or change the style.
"""

import re
from collections.abc import Sequence
from typing import Final, assert_never

from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.markdown.plain import plain_text, table_text
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
from thinkaloud.channels.markdown.write import (
    MARKS,
    code_span,
    fenced,
    link,
    list_lines,
    pipe_table,
)

MAX_TABLES: Final = 4
"""The most tables that are sent as tables: a card may have five."""
_GAP: Final = "\u200b"
_CONTROLS: Final = dict.fromkeys([*range(9), *range(11, 32), 127])
"""Removed: a card's JSON may not have them."""
_SPECIAL: Final = re.compile(
    r"[<>&*~`\[\]\\$|]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # underscores inside words are no markup
    r"|:(?=\w+:)"  # the name of an emoji
)
_LINE_START: Final = re.compile(r"^(\s*)([#+\-=]|\d+(?=[.)]))")
_TAG: Final = re.compile(r"<(?=/?[a-zA-Z!])")
_SUMMARY: Final = 80


def feishu_markdown(markdown: str, *, tables: bool = True) -> str:
    """Return a model's Markdown for a card. `tables`: whether tables may stay tables.

    Never empty: a text of which nothing is shown, such as the definition of a link, is shown as it is.
    """
    made = _blocks(parse_markdown(markdown), tables=tables)
    return made if made.strip() else plain_markdown(markdown)


def count_tables(markdown: str) -> int:
    """Return how many tables a text has at its top level or in quotes and lists."""
    return _count(parse_markdown(markdown)) if "|" in markdown else 0


def plain_markdown(text: str) -> str:
    """Return card Markdown that shows text as it is, line by line."""
    return "\n".join([_plain_line(line) for line in text.split("\n")])


def escaped(text: str) -> str:
    """Return card Markdown that shows one line of plain text."""
    return _start(_inert(text))


def summary_of(markdown: str) -> str:
    """Return the start of a text, for notifications and the list of chats."""
    line = _untagged(" ".join(plain_text(markdown[: _SUMMARY * 8]).split()))
    return line if len(line) <= _SUMMARY else line[: _SUMMARY - 1].rstrip() + "…"


def _count(blocks: Sequence[Block]) -> int:
    total = 0
    for block in blocks:
        match block:
            case Table():
                total += 1
            case Quote(children=children):
                total += _count(children)
            case List(items=items):
                total += sum(_count(item.children) for item in items)
            case _:
                pass
    return total


def _blocks(blocks: Sequence[Block], *, tables: bool) -> str:
    return "\n\n".join([_block(block, tables=tables) for block in blocks])


def _block(block: Block, *, tables: bool) -> str:
    match block:
        case Paragraph(children=children):
            made = _start(_inlines(children))
        case Heading(level=level, children=children):
            made = f"{'#' * level} {_inlines(children)}".replace("\n", " ")
        case CodeBlock(text=text, language=language):
            made = fenced(_untagged(text), language)
        case Quote(children=children):
            inner = _blocks(children, tables=False)
            made = "\n".join([f"> {line}" for line in inner.split("\n")])
        case List():
            made = list_lines(block, lambda each: _block(each, tables=False))
        case Table():
            made = _table(block) if tables else fenced(_untagged(table_text(block)))
        case Rule():
            made = "---"
        case _:
            assert_never(block)
    return made


def _table(block: Table) -> str:
    return pipe_table(
        [[_inlines(cell).replace("\n", " ") for cell in row] for row in (block.header, *block.rows)]
    )


def _inlines(inlines: Sequence[Inline]) -> str:
    return "".join([_inline(inline) for inline in inlines])


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return _inert(text)
        case Break():
            return "\n"
        case CodeSpan(text=text) | Formula(tex=text):
            return code_span(_untagged(text))
        case Styled(style=style, children=children):
            mark, text = MARKS[style], _inlines(children)
            return f"{mark}{text}{mark}" if text.strip() else text
        case Link(url=url, children=children):
            text = _inlines(children) or _inert(url)
            return link(text, url)
        case _:
            assert_never(inline)


def _plain_line(line: str) -> str:
    content = line.strip()
    indent = "\N{NO-BREAK SPACE}" * (len(line) - len(line.lstrip())) if content else ""
    return indent + escaped(content)


def _inert(text: str) -> str:
    text = text.translate(_CONTROLS)
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group())};", text)


def _untagged(text: str) -> str:
    """Take apart what would be a tag if the card read it in code."""
    return _TAG.sub("<" + _GAP, text.translate(_CONTROLS))


def _start(text: str) -> str:
    """Make the start of each line inert, where it would begin a heading or a list."""
    return "\n".join([_LINE_START.sub(_first, line, count=1) for line in text.split("\n")])


def _first(found: re.Match[str]) -> str:
    space, mark = found.groups()
    if mark.isdecimal():
        return f"{space}{mark}{_GAP}"
    return f"{space}&#{ord(mark)};"
