"""Splits blocks into messages within Telegram's limits, at the most sensible places."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.telegram.blocks import (
    Block,
    Code,
    Details,
    Divider,
    Formula,
    Heading,
    Item,
    Link,
    List,
    Paragraph,
    Preformatted,
    Quote,
    Table,
    Text,
    Thinking,
    count,
    plain,
    size,
    texts,
    units,
)

_BREAKS: Final = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?。！？…][\"')\]]*\s"),
    re.compile(r"\s"),
)
"""Where to split, best first: between paragraphs, lines, sentences, words."""
_JOINERS: Final = {"\u200d", "\ufe0e", "\ufe0f"}


def messages(blocks: Sequence[Block], characters: int, most: int) -> Iterator[tuple[Block, ...]]:
    """Yield the blocks of one message after the other.

    `characters` and `most` are the limits of one message: UTF-16 units of text, and blocks.
    """
    current: list[Block] = []
    used = counted = 0
    for block in blocks:
        for piece in pieces(block, characters, most):
            length, number = size(piece), count(piece)
            if current and (used + length > characters or counted + number > most):
                yield tuple(current)
                current, used, counted = [], 0, 0
            current.append(piece)
            used, counted = used + length, counted + number
    if current:
        yield tuple(current)


def pieces(block: Block, characters: int, most: int) -> Iterator[Block]:
    """Yield a block, in as many pieces as the limits of a message require."""
    if size(block) <= characters and count(block) <= most:
        yield block
        return
    match block:
        case List():
            yield from _list(block, characters, most)
        case Table():
            yield from _table(block, characters, most)
        case Quote():
            for inner in messages(block.blocks, characters, most - 1):
                yield Quote(inner)
        case Details():
            room = characters - units(block.summary) - 2
            for inner in messages(block.blocks, room, most - 1):
                yield msgspec.structs.replace(block, blocks=inner)
        case _:
            yield from _lines(block, characters - 2)


def _lines(
    block: Paragraph | Heading | Preformatted | Formula | Thinking | Divider, limit: int
) -> Iterator[Block]:
    match block:
        case Preformatted() | Formula() | Thinking():
            language = block.language if isinstance(block, Preformatted) else None
            for text in split_text("".join(texts(block)), limit):
                yield Preformatted(text, language)
        case Heading():
            for text in split_styled(block.text, limit):
                yield Heading(text, block.size)
        case Paragraph():
            for text in split_styled(block.text, limit):
                yield Paragraph(text)
        case Divider():
            yield block


def _list(block: List, characters: int, most: int) -> Iterator[Block]:
    items: list[Item] = []
    used, counted = 0, 1
    for item in block.items:
        # An item too long for a message becomes several, of which only the first has a number.
        for number, inner in enumerate(messages(item.blocks, characters, most - 2)):
            piece = msgspec.structs.replace(item, blocks=inner)
            if number:
                piece = Item(inner)
            length, more = sum(map(size, inner)), 1 + sum(map(count, inner))
            if items and (used + length > characters or counted + more > most):
                yield List(tuple(items))
                items, used, counted = [], 0, 1
            items.append(piece)
            used, counted = used + length, counted + more
    yield List(tuple(items))


def _table(block: Table, characters: int, most: int) -> Iterator[Block]:
    header, rows = block.cells[0], block.cells[1:]
    if size(Table((header,))) * 2 > characters:
        text = "\n".join(" | ".join(plain(cell.text) for cell in row) for row in block.cells)
        yield from pieces(Preformatted(text), characters, most)
        return
    current = [header]
    for row in rows:
        bigger = Table((*current, row), is_bordered=True)
        if len(current) > 1 and (size(bigger) > characters or count(bigger) > most):
            yield Table(tuple(current), is_bordered=True)
            current = [header]
        if size(Table((header, row))) > characters:
            text = " | ".join(plain(cell.text) for cell in row)
            yield from pieces(Preformatted(text), characters, most)
        else:
            current.append(row)
    if len(current) > 1:
        yield Table(tuple(current), is_bordered=True)


def split_styled(text: Text, limit: int) -> Iterator[Text]:
    """Yield a formatted text in pieces of at most `limit` units, each with its formatting."""
    start = 0
    for part in split_text(plain(text), limit):
        yield _slice(text, start, start + len(part))
        start += len(part)


def split_text(text: str, limit: int) -> Iterator[str]:
    """Yield a text in pieces of at most `limit` UTF-16 units; together they are the text."""
    while units(text) > limit:
        end = cut(text, limit)
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def cut(text: str, limit: int) -> int:
    """Return where to end a piece of at most `limit` units: after a paragraph, line, sentence or word.

    Only if there is none in the second half of the piece, a word is split, but never a character that is composed of
    several code points.
    """
    head = text[:limit]
    while units(head) > limit:
        head = head[: len(head) - max(1, (units(head) - limit) // 2)]
    for pattern in _BREAKS:
        ends = [found.end() for found in pattern.finditer(head, len(head) // 2)]
        if ends:
            return ends[-1]
    end = len(head)
    while end > 1 and end > len(head) - 32 and _joined(text, end):
        end -= 1
    return end


def _joined(text: str, position: int) -> bool:
    """Return whether the characters before and after this position are displayed as one."""
    if position >= len(text):
        return False
    before, after = text[position - 1], text[position]
    return (
        after in _JOINERS
        or before == "\u200d"
        or unicodedata.category(after)[0] == "M"
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )


def _slice(text: Text, start: int, end: int) -> Text:
    """Return the characters from `start` to `end`, with their formatting."""
    if isinstance(text, str):
        return text[start:end]
    if isinstance(text, Formula):
        inside = text.expression[max(start, 0) : end]
        return text if inside == text.expression else Code(inside)
    if isinstance(text, Link):
        return Link(_slice(text.text, start, end), text.url)
    if not isinstance(text, tuple):
        return type(text)(_slice(text.text, start, end))
    parts: list[Text] = []
    for part in text:
        length = len(plain(part))
        if start < length and end > 0:
            parts.append(_slice(part, max(start, 0), min(end, length)))
        start, end = start - length, end - length
    return tuple(parts)
