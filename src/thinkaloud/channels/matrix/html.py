"""Blocks as the HTML of Matrix messages. Pure.

Source: Matrix client-server API, "m.room.message msgtypes": the elements that clients accept.
https://spec.matrix.org/latest/client-server-api/#mroommessage-msgtypes
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Final, assert_never
from urllib.parse import urlsplit

from thinkaloud.channels.markdown.tree import (
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Formula,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Style,
    Styled,
    Table,
    Text,
)

_TAGS: Final[dict[Style, str]] = {"strong": "strong", "emphasis": "em", "strike": "del"}
_PARAGRAPHS: Final = re.compile(r"\n{2,}")


def blocks_html(blocks: Sequence[Block]) -> str:
    """Return the HTML of blocks."""
    return "".join([_block(block) for block in blocks])


def details(summary: str, text: str, *, is_open: bool = False) -> str:
    """Return a fold with plain text in it."""
    opened = " open" if is_open else ""
    return f"<details{opened}><summary>{escape(summary)}</summary>{paragraphs(text)}</details>"


def paragraphs(text: str) -> str:
    """Return plain text as paragraphs."""
    found = [part.strip("\n") for part in _PARAGRAPHS.split(text)]
    return "".join([f"<p>{_lines(part)}</p>" for part in found if part.strip()])


def _lines(text: str) -> str:
    return "<br>".join(escape(text, quote=False).split("\n"))


def _block(block: Block) -> str:  # noqa: PLR0911 - a kind of block each
    match block:
        case Paragraph(children=children):
            return f"<p>{_inlines(children)}</p>"
        case Heading(level=level, children=children):
            return f"<h{level}>{_inlines(children)}</h{level}>"
        case CodeBlock(text=text, language=language):
            kind = f' class="language-{escape(language)}"' if language else ""
            return f"<pre><code{kind}>{escape(text, quote=False)}\n</code></pre>"
        case Quote(children=children):
            return f"<blockquote>{blocks_html(children)}</blockquote>"
        case List():
            return _list(block)
        case Table():
            return _table(block)
        case Rule():
            return "<hr>"
        case _:
            assert_never(block)


def _list(block: List) -> str:
    items = "".join([f"<li>{_item(item)}</li>" for item in block.items])
    if block.start is None:
        return f"<ul>{items}</ul>"
    start = f' start="{block.start}"' if block.start != 1 else ""
    return f"<ol{start}>{items}</ol>"


def _item(item: Item) -> str:
    """Return the content of an item. Its first paragraph needs no element: it would add space."""
    first = item.children[0] if item.children else None
    if isinstance(first, Paragraph):
        return _inlines(first.children) + blocks_html(item.children[1:])
    return blocks_html(item.children)


def _table(table: Table) -> str:
    header = _row(table.header, "th")
    rows = "".join([_row(row, "td") for row in table.rows])
    return f"<table><thead>{header}</thead><tbody>{rows}</tbody></table>"


def _row(cells: Sequence[Sequence[Inline]], tag: str) -> str:
    return "<tr>" + "".join([f"<{tag}>{_inlines(cell)}</{tag}>" for cell in cells]) + "</tr>"


def _inlines(inlines: Sequence[Inline]) -> str:
    return "".join([_inline(inline) for inline in inlines])


def _inline(inline: Inline) -> str:  # noqa: PLR0911 - a kind of inline each
    match inline:
        case Text(text=text):
            return escape(text, quote=False)
        case Break():
            return "<br>"
        case CodeSpan(text=text):
            return f"<code>{escape(text, quote=False)}</code>"
        case Formula(tex=tex, display=display):
            tag = "div" if display else "span"
            code = f"<code>{escape(tex, quote=False)}</code>"
            return f'<{tag} data-mx-maths="{escape(tex)}">{code}</{tag}>'
        case Styled(style=style, children=children):
            return f"<{_TAGS[style]}>{_inlines(children)}</{_TAGS[style]}>"
        case Link(url=url, children=children):
            if _is_mention(url):
                return _inlines(children)
            return f'<a href="{escape(url)}">{_inlines(children)}</a>'
        case _:
            assert_never(inline)


def _is_mention(url: str) -> bool:
    """Whether clients display a link as a mention of a person or a room."""
    return (urlsplit(url).hostname or "").lower() in {"matrix.to", "www.matrix.to"}
