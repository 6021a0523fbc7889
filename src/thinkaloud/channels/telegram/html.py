"""Blocks as HTML, for Bot API servers that don't know rich messages.

Source: Telegram, "HTML style"; https://core.telegram.org/bots/api#html-style. A message has at most 4,096 UTF-16 units
after parsing, quotations can't be nested, and an expandable quotation is the only fold.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

from msgspec.structs import replace

from thinkaloud.channels.telegram.blocks import (
    Block,
    Bold,
    Code,
    Details,
    Divider,
    Formula,
    Heading,
    Italic,
    Link,
    List,
    Paragraph,
    Preformatted,
    Quote,
    Strikethrough,
    Table,
    Text,
    Thinking,
    plain,
)

MAX_CHARACTERS: Final = 4_096
_MENTION = re.compile(r"@(?=\w)")
_WIDEST: Final = 60
_TAGS: Final = {Bold: "b", Italic: "i", Strikethrough: "s"}


def simple(blocks: Iterable[Block], *, quiet_code: bool = False) -> Iterator[Block]:
    """Yield paragraphs, code, quotations and folds that look like these blocks where there is nothing else.

    `@` is separated from the name after it, so nobody is notified. In code, that is only necessary (`quiet_code`) if it
    will be sent as text.
    """
    for block in _simplified(blocks):
        yield _quiet_block(block, quiet_code)


def _simplified(blocks: Iterable[Block]) -> Iterator[Block]:
    for block in blocks:
        match block:
            case Heading():
                yield Paragraph(Bold(block.text))
            case Divider():
                yield Paragraph("———")
            case Formula():
                yield Paragraph(Code(block.expression))
            case List():
                yield from _list(block, "")
            case Quote():
                yield Quote(tuple(_paragraphs(_simplified(block.blocks))))
            case Details():
                yield replace(block, blocks=tuple(_paragraphs(_simplified(block.blocks))))
            case Table():
                yield Preformatted(_grid(block))
            case Thinking():
                yield Paragraph(Italic(block.text))
            case _:
                yield block


def html(blocks: Sequence[Block]) -> str:
    """Return the HTML of blocks that `simple` has returned."""
    return "\n\n".join(map(_block, blocks))


def text(blocks: Sequence[Block]) -> str:
    """Return blocks that `simple` has returned as text without any formatting."""
    return "\n\n".join(map(_plain, blocks))


def _plain(block: Block) -> str:
    match block:
        case Details():
            return "\n".join([block.summary, *map(_plain, block.blocks)])
        case Quote():
            return "\n".join(map(_plain, block.blocks))
        case Paragraph() | Preformatted():
            return plain(block.text)
        case _:
            return ""


def _block(block: Block) -> str:
    match block:
        case Details():
            inner = "\n\n".join(map(_block, block.blocks))
            tag = "blockquote" if block.is_open else "blockquote expandable"
            return f"<{tag}><b>{_text(block.summary)}</b>\n{inner}</blockquote>"
        case Quote():
            inner = "\n".join(map(_block, block.blocks))
            return f"<blockquote>{inner}</blockquote>"
        case Preformatted():
            code = escape(block.text)
            if block.language:
                return f'<pre><code class="language-{escape(block.language)}">{code}</code></pre>'
            return f"<pre>{code}</pre>"
        case Paragraph():
            return _text(block.text)
        case _:
            return ""


def _text(text: Text) -> str:
    match text:
        case str():
            return escape(text, quote=False)
        case tuple():
            return "".join(map(_text, text))
        case Code() | Formula():
            return f"<code>{escape(plain(text), quote=False)}</code>"
        case Link():
            return f'<a href="{escape(text.url)}">{_text(text.text)}</a>'
        case _:
            tag = _TAGS[type(text)]
            return f"<{tag}>{_text(text.text)}</{tag}>"


def _quiet_block(block: Block, code: bool) -> Block:
    match block:
        case Paragraph():
            return Paragraph(_quiet(block.text, code))
        case Preformatted() if code:
            return Preformatted(plain(_quiet(block.text, code)), block.language)
        case Quote():
            return Quote(tuple(_quiet_block(inner, code) for inner in block.blocks))
        case Details():
            return replace(block, blocks=tuple(_quiet_block(inner, code) for inner in block.blocks))
        case _:
            return block


def _quiet(text: Text, code: bool) -> Text:
    """Keep the server from recognizing `@name`: a word joiner, which is invisible, separates them."""
    match text:
        case str():
            return _MENTION.sub("@\u2060", text)
        case tuple():
            return tuple(_quiet(part, code) for part in text)
        case Code() | Formula():
            return _MENTION.sub("@\u2060", plain(text)) if code else text
        case Link():
            return Link(_quiet(text.text, code), text.url)
        case _:
            return type(text)(_quiet(text.text, code))


def _list(block: List, indent: str) -> Iterator[Block]:
    lines: list[Text] = []
    for item in block.items:
        mark = "•" if item.value is None else f"{item.value}."
        if item.has_checkbox:
            mark = "☑" if item.is_checked else "☐"
        for inner in item.blocks:
            if isinstance(inner, Paragraph):
                lines += [f"{indent}{mark} ", inner.text, "\n"]
            elif isinstance(inner, List):
                for nested in _list(inner, f"{indent}    "):
                    lines += [nested.text if isinstance(nested, Paragraph) else "", "\n"]
            else:
                if lines:
                    yield Paragraph(tuple(lines[:-1]))
                    lines = []
                yield from _simplified((inner,))
            mark = " "
    if lines:
        yield Paragraph(tuple(lines[:-1]))


def _paragraphs(blocks: Iterable[Block]) -> Iterator[Block]:
    """Yield blocks with the quotations and folds among them opened, since they can't be nested."""
    for block in blocks:
        if isinstance(block, Quote | Details):
            yield from block.blocks
        else:
            yield block


def _grid(table: Table) -> str:
    """Return a table as aligned text, or with one line for each cell if it is too wide for a phone."""
    rows = [[" ".join(plain(cell.text).split()) for cell in row] for row in table.cells]
    columns = max(map(len, rows))
    rows = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    if sum(widths) + 3 * columns <= _WIDEST:
        lines = [
            " │ ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "─┼─".join("─" * width for width in widths), *lines[1:]])
    header = rows[0]
    return "\n\n".join(
        "\n".join(f"{name}: {cell}" for name, cell in zip(header, row, strict=True))
        for row in rows[1:] or [header]
    )
