"""The tree that platforms render from. Text in it is raw: escape it for the platform.

HTML in the source is text. Links keep their address only if it is `http`, `https` or `mailto`.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

Style = Literal["strong", "emphasis", "strike"]


class Text(msgspec.Struct, frozen=True, tag="text", gc=False):
    """Literal text, without line breaks."""

    text: str


class Break(msgspec.Struct, frozen=True, tag="break", gc=False):
    """A line break. Soft breaks are breaks too: chats show them."""


class CodeSpan(msgspec.Struct, frozen=True, tag="code_span", gc=False):
    """Inline code."""

    text: str


class Formula(msgspec.Struct, frozen=True, tag="formula", gc=False):
    """A formula, as TeX without its delimiters."""

    tex: str
    display: bool = False


class Styled(msgspec.Struct, frozen=True, tag="styled"):
    """Styled text."""

    style: Style
    children: "Sequence[Inline]"


class Link(msgspec.Struct, frozen=True, tag="link"):
    """A link, or an image by its address: chats show the text and the address."""

    url: str
    children: "Sequence[Inline]"


Inline = Text | Break | CodeSpan | Formula | Styled | Link


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """A paragraph."""

    children: Sequence[Inline]


class Heading(msgspec.Struct, frozen=True, tag="heading"):
    """A heading of level 1 to 6."""

    level: int
    children: Sequence[Inline]


class CodeBlock(msgspec.Struct, frozen=True, tag="code_block", gc=False):
    """A code block. `text` ends without a line break."""

    text: str
    language: str = ""
    """One word of `[A-Za-z0-9_+#.-]`, or empty."""


class Quote(msgspec.Struct, frozen=True, tag="quote"):
    """A block quotation."""

    children: "Sequence[Block]"


class Item(msgspec.Struct, frozen=True, tag="item"):
    """An item of a list."""

    children: "Sequence[Block]"


class List(msgspec.Struct, frozen=True, tag="list"):
    """A list. `start` is the number of its first item; None for bullets."""

    items: Sequence[Item]
    start: int | None = None


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table. Every row has as many cells as the header."""

    header: Sequence[Sequence[Inline]]
    rows: Sequence[Sequence[Sequence[Inline]]]


class Rule(msgspec.Struct, frozen=True, tag="rule", gc=False):
    """A horizontal rule."""


Block = Paragraph | Heading | CodeBlock | Quote | List | Table | Rule
