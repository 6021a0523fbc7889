"""Streaming Markdown: completed blocks are printed once, the last one is redrawn."""

import re
import textwrap
from collections.abc import Iterator
from typing import ClassVar, Final

import msgspec
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.text import Text
from typing_extensions import override

_FENCE: Final = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
_MAX_BLOCK: Final = 8_000
"""Blocks with more characters are printed as plain text, because parsing could take very long."""


class Piece(msgspec.Struct, frozen=True):
    """A completed part of an answer: a block, or a line of code."""

    text: str
    is_code: bool
    gap: bool
    """Whether a blank line precedes it."""


class MarkdownPieces:
    """Splits an answer into pieces. The cost of a delta does not grow with the answer."""

    def __init__(self) -> None:
        self._block: list[str] = []
        self._line = ""
        self._fence = ""
        self._blank = False
        self._gap = False

    @property
    def rest(self) -> Piece:
        """The incomplete piece."""
        return self._piece([*self._block, self._line], is_code=bool(self._fence))

    def add(self, text: str) -> Iterator[Piece]:
        """Add text, and yield the pieces it completes."""
        *lines, last = text.split("\n")
        for line in lines:
            whole, self._line = self._line + line, ""
            yield from self._whole_line(whole)
        self._line += last
        if len(self._line) > _MAX_BLOCK:
            yield from self._cut(is_code=bool(self._fence))

    def end(self) -> Iterator[Piece]:
        """Yield the incomplete piece and reset."""
        if self._line:
            whole, self._line = self._line, ""
            yield from self._whole_line(whole)
        yield from self._finish_block()
        self.__init__()

    def _whole_line(self, line: str) -> Iterator[Piece]:
        fence = _FENCE.match(line)
        if self._fence:
            if fence and not fence["info"].strip() and fence["mark"].startswith(self._fence):
                self._fence, self._blank = "", True
            else:
                piece = self._piece([line], is_code=True)
                self._gap = False
                yield piece
        elif fence:
            yield from self._finish_block()
            self._fence = fence["mark"]
        elif not line.strip():
            self._blank = True
        else:
            # What is indented after a blank line belongs to the block before: a list.
            if self._blank and not line.startswith((" ", "\t")):
                yield from self._finish_block()
            if self._blank and self._block:
                self._block.append("")
            self._gap = self._gap or (self._blank and not self._block)
            self._blank = False
            self._block.append(line)
            if sum(map(len, self._block[-2:])) > _MAX_BLOCK:
                yield from self._finish_block()

    def _finish_block(self) -> Iterator[Piece]:
        if self._block:
            piece = self._piece(self._block, is_code=False)
            self._block, self._gap = [], True
            yield piece

    def _cut(self, *, is_code: bool) -> Iterator[Piece]:
        piece = self._piece([*self._block, self._line], is_code=is_code)
        self._block, self._line, self._gap = [], "", False
        yield piece

    def _piece(self, lines: list[str], *, is_code: bool) -> Piece:
        text = "\n".join(lines)
        return Piece(text if is_code else textwrap.dedent(text), is_code, self._gap)


def rendered(piece: Piece) -> RenderableType:
    """Return a piece in its printed form."""
    if piece.is_code:
        return Text(piece.text, style="cyan")
    if len(piece.text) > _MAX_BLOCK:
        return Text(piece.text)
    try:
        return _Trimmed(_Markdown(piece.text, hyperlinks=False))
    except (RecursionError, ValueError):
        return Text(piece.text)


def print_markdown(console: Console, text: str) -> None:
    """Print a complete answer, looking as it did when streamed."""
    pieces = MarkdownPieces()
    for piece in (*pieces.add(text), *pieces.end()):
        print_piece(console, piece)


def print_piece(console: Console, piece: Piece) -> None:
    """Print a piece. Lines of code are not wrapped, so that they can be copied."""
    if piece.gap:
        console.print()
    console.print(rendered(piece), soft_wrap=piece.is_code)


class _Trimmed:
    """A block without surrounding blank lines and trailing spaces."""

    def __init__(self, block: RenderableType) -> None:
        self._block = block

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [
            _without_blanks(line) for line in console.render_lines(self._block, options, pad=False)
        ]
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        for line in lines:
            yield from line
            yield Segment.line()


def _without_blanks(line: list[Segment]) -> list[Segment]:
    end = len(line)
    while end and not line[end - 1].text.strip():
        end -= 1
    if end == 0:
        return []
    last = line[end - 1]
    return [*line[: end - 1], Segment(last.text.rstrip(), last.style)]


class _LeftHeading(Heading):
    """A left-aligned heading; rich centers headings and frames the first level."""

    @override
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        self.text.stylize("bold underline" if self.tag == "h1" else "bold")
        yield self.text


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
    }
