"""Rich messages of Telegram: blocks and the text in them, with the limits that the server enforces.

Source: Telegram, "InputRichMessage", "InputRichBlock" and "RichText"; https://core.telegram.org/bots/api. Text in a
block is never parsed as markup, so nothing has to be escaped.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

MAX_CHARACTERS = 32_768
MAX_BLOCKS = 500
MAX_LEVELS = 16
MAX_COLUMNS = 20

Text: TypeAlias = "str | Bold | Italic | Strikethrough | Code | Link | Formula | tuple[Text, ...]"


class _Tagged(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True, gc=False):
    """A JSON object with its kind in `type`."""


class Bold(_Tagged, frozen=True, tag="bold"):
    """Bold text."""

    text: Text


class Italic(_Tagged, frozen=True, tag="italic"):
    """Italic text."""

    text: Text


class Strikethrough(_Tagged, frozen=True, tag="strikethrough"):
    """Text with a line through it."""

    text: Text


class Code(_Tagged, frozen=True, tag="code"):
    """Monospaced text."""

    text: Text


class Link(_Tagged, frozen=True, tag="url"):
    """A link; `url` is http, https or mailto."""

    text: Text
    url: str


class Formula(_Tagged, frozen=True, tag="mathematical_expression"):
    """LaTeX, in text or as a block of its own."""

    expression: str


class Paragraph(_Tagged, frozen=True, tag="paragraph"):
    """A paragraph."""

    text: Text


class Heading(_Tagged, frozen=True, tag="heading"):
    """A heading; `size` is 1 (largest) to 6."""

    text: Text
    size: int


class Preformatted(_Tagged, frozen=True, tag="pre"):
    """A block of code."""

    text: str
    language: str | None = None


class Divider(_Tagged, frozen=True, tag="divider"):
    """A horizontal line."""


class Item(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One item of a list: numbered if it has a `value`, with a checkbox if it has `has_checkbox`."""

    blocks: tuple["Block", ...]
    value: int | None = None
    has_checkbox: bool = False
    is_checked: bool = False


class List(_Tagged, frozen=True, tag="list"):
    """A list."""

    items: tuple[Item, ...]


class Quote(_Tagged, frozen=True, tag="blockquote"):
    """A quotation."""

    blocks: tuple["Block", ...]


class Details(_Tagged, frozen=True, tag="details"):
    """A fold: a summary that is always visible, and blocks that a tap shows."""

    summary: str
    blocks: tuple["Block", ...]
    is_open: bool = False


class Cell(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A cell of a table."""

    align: str
    text: Text
    is_header: bool = False
    valign: str = msgspec.field(default_factory=lambda: "top")


class Table(_Tagged, frozen=True, tag="table"):
    """A table of at most `MAX_COLUMNS` columns; header cells are in the first row."""

    cells: tuple[tuple[Cell, ...], ...]
    is_bordered: bool = False


class Thinking(_Tagged, frozen=True, tag="thinking"):
    """The shimmering placeholder of a thought in progress. Only drafts may contain it."""

    text: str


Block: TypeAlias = (
    Paragraph
    | Heading
    | Preformatted
    | Divider
    | Formula
    | List
    | Quote
    | Details
    | Table
    | Thinking
)


def units(text: str) -> int:
    """Return the length of a text as Telegram counts it: in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: Text) -> str:
    """Return a text without its formatting."""
    if isinstance(text, str):
        return text
    if isinstance(text, tuple):
        return "".join(map(plain, text))
    return text.expression if isinstance(text, Formula) else plain(text.text)


def texts(block: Block) -> Iterator[str]:
    """Yield all text of a block and of the blocks in it, without formatting."""
    match block:
        case Divider():
            return
        case Formula():
            yield block.expression
        case List():
            for item in block.items:
                yield from _texts(item.blocks)
        case Quote():
            yield from _texts(block.blocks)
        case Details():
            yield block.summary
            yield from _texts(block.blocks)
        case Table():
            for row in block.cells:
                yield from (plain(cell.text) for cell in row)
        case _:
            yield plain(block.text)


def _texts(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield from texts(block)


def size(block: Block) -> int:
    """Return what a block counts against `MAX_CHARACTERS`, with a margin for line breaks."""
    return sum(units(text) + 2 for text in texts(block))


def count(block: Block) -> int:
    """Return what a block counts against `MAX_BLOCKS`: itself, its items and rows, and all blocks in them."""
    match block:
        case List():
            return 1 + sum(1 + sum(map(count, item.blocks)) for item in block.items)
        case Quote() | Details():
            return 1 + sum(map(count, block.blocks))
        case Table():
            return 1 + len(block.cells)
        case _:
            return 1


class _Message(msgspec.Struct, frozen=True):
    blocks: Sequence[Block]
    skip_entity_detection: bool = True


_encoder = msgspec.json.Encoder()


def encode(blocks: Sequence[Block]) -> str:
    """Return the JSON of an `InputRichMessage`.

    Without `skip_entity_detection`, the server would link an `@name` in the text and notify that person.
    """
    return _encoder.encode(_Message(blocks)).decode()
