"""Splits long Markdown into messages."""

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.markdown.cuts import cut_line, largest
from thinkaloud.channels.markdown.parse import block_parser

Measure = Callable[[str], int]
_FENCE: Final = re.compile(r"((?:\s|>|[-*+]\s|\d{1,9}[.)]\s)*)(`{3,}|~{3,})([^`]*)$")
_MARKER: Final = re.compile(r"#{1,6}(?=\s|$)|>|[-+*](?=\s|$)|[=`~_*-]{3,}|\||(\d{1,9})[.)](?=\s|$)")
"""What would make something else than text of the rest of a line."""
_TABLE_RULE: Final = re.compile(r"\s*+\|?\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+$")


def split_markdown(markdown: str, limit: int, measure: Measure = len) -> Sequence[str]:
    """Split Markdown so that `measure(part) <= limit` for every part; `""` gives no part.

    `measure` is the size of a part once rendered and escaped for the platform; it must not shrink
    when text is added. Cuts between blocks where possible, else between lines, sentences, words,
    and at last between graphemes. A code block that is cut is closed, and opened again in the next
    part; a table that is cut gets its header again.
    """
    if not markdown.strip():
        return []

    parts: list[str] = []
    blocks, sizes = _blocks(markdown), _Sizes(measure, limit)
    while blocks:
        head, blocks = _next(blocks, sizes, limit)
        if head.strip():
            parts.append(head.strip("\n"))
    return parts


class _Sizes:
    """Measures texts, and guesses how much of a text fits from those that it has measured.

    Parsing and rendering take a while: a good guess saves several attempts.
    """

    def __init__(self, measure: Measure, limit: int) -> None:
        self._measure = measure
        self._limit = limit
        self._rate = 1.0
        """How many characters of the source have the size 1."""

    def of(self, text: str) -> int:
        """Return the size of a text, or any size over the limit if its start is too long."""
        start = self.room(0) * 9 // 8 + 1
        while len(text) > start * 3 // 2:
            least = self._measure(text[:start])
            if least > self._limit:
                self._rate = start / least
                return least
            start *= 2
        found = self._measure(text)
        if 2 * found > self._limit:
            self._rate = len(text) / found
        return found

    def fitting(self, texts: Sequence[str], before: int = 0) -> int:
        """Guess how many of these texts, with a line break between them, fit below so many characters."""
        room = self.room(before)
        for number, text in enumerate(texts):
            room -= len(text) + 1
            if room < 0:
                return number
        return len(texts)

    def room(self, before: int) -> int:
        """Guess how many more characters fit below so many."""
        return int(self._limit * self._rate) - before


def _next(blocks: list[str], sizes: _Sizes, limit: int) -> tuple[str, list[str]]:
    """Return the next part and the blocks after it."""
    count = largest(
        len(blocks),
        lambda n: sizes.of("\n".join(blocks[:n]).strip("\n")),
        limit,
        first=sizes.fitting(blocks),
    )
    done, rest = "\n".join(blocks[:count]), blocks[count:]
    if not rest or (count and sizes.of(rest[0].strip("\n")) <= limit):
        return done, rest
    before = f"{done}\n" if count else ""
    head, tail = _cut_block(rest[0].strip("\n"), before, sizes, limit)
    if count and not head.strip():
        return done, rest
    return before + head, [*([tail] if tail.strip() else []), *rest[1:]]


def _blocks(markdown: str) -> list[str]:
    """Return the source of the top-level blocks, with the blank lines after them."""
    lines = markdown.split("\n")
    starts = sorted(
        {token.map[0] for token in block_parser.parse(markdown) if token.map and token.level == 0}
    )
    bounds = [0, *[start for start in starts if start > 0], len(lines)]
    return ["\n".join(lines[a:b]) for a, b in itertools.pairwise(bounds) if b > a]


class _Fence(msgspec.Struct, frozen=True):
    """An open code block."""

    indent: str
    marker: str
    info: str
    line: int


def _cut_block(block: str, before: str, sizes: _Sizes, limit: int) -> tuple[str, str]:
    """Cut a block that is too long. The head fits below `before`; it is empty only if nothing does.

    Below something, it cuts no line, because the next part has more room for it.
    """
    lines = block.split("\n")
    # A line takes at least its break: the others can't fit.
    fences = _fences(lines[: limit + 2])
    most = len(fences) - 1
    header = 2 if len(lines) > 2 and "|" in lines[0] and _TABLE_RULE.match(lines[1]) else 0

    def head(count: int) -> str:
        fence = fences[count]
        closing = [fence.indent + fence.marker] if fence else []
        return "\n".join([*lines[:count], *closing])

    def size(text: str) -> int:
        return sizes.of((before + text).strip("\n"))

    guess = sizes.fitting(lines[:most], len(before))
    count = largest(min(len(lines) - 1, most), lambda n: size(head(n)), limit, first=guess)
    fence = fences[count]
    opened = fence.line + 1 if fence else header
    if count > opened:
        count = _pleasant(lines, count, opened)
        fence = fences[count]
        return head(count), _reopened(lines, count, fence, header)
    return ("", block) if before else _cut_first_line(lines, count, fence, sizes, limit)


def _cut_first_line(
    lines: list[str], count: int, fence: _Fence | None, sizes: _Sizes, limit: int
) -> tuple[str, str]:
    """Cut inside the first line that doesn't fit."""
    before = "".join(f"{line}\n" for line in lines[:count])
    after = f"\n{fence.indent}{fence.marker}" if fence else ""
    piece, rest = cut_line(
        lines[count],
        lambda text: sizes.of((before + text + after).strip("\n")),
        limit,
        is_code=fence is not None,
        first=sizes.room(len(before) + len(after)),
    )
    if not piece and sizes.of((before + after).strip("\n")) > limit:
        piece, rest = lines[count][:1], lines[count][1:]
        before = after = ""
    if piece and fence is None:
        rest = _as_text(rest)
    remaining = [*lines[:count], rest, *lines[count + 1 :]]
    return before + piece + after, _reopened(remaining, count, fence, 0)


def _as_text(rest: str) -> str:
    """Return the rest of a line so that it means the same at the start of a part."""
    rest = rest.lstrip(" \t")
    match = _MARKER.match(rest)
    if match is None:
        return rest
    place = match.end(1) if match.group(1) else 0
    return f"{rest[:place]}\\{rest[place:]}"


def _pleasant(lines: list[str], count: int, least: int) -> int:
    """Return a cut at a blank line near this one, if there is one."""
    for place in range(count, max(least, count * 3 // 5), -1):
        if not lines[place - 1].strip():
            return place
    return count


def _reopened(lines: list[str], count: int, fence: _Fence | None, header: int) -> str:
    rest = lines[count:]
    if fence is None:
        return "\n".join([*lines[:header], *rest]) if rest else ""
    if fence.indent.strip():
        return "\n".join([fence.indent + fence.marker + fence.info, *rest])
    deep = len(fence.indent)
    body = [line[deep:] if not line[:deep].strip() else line for line in rest]
    return "\n".join([fence.marker + fence.info, *body])


def _fences(lines: list[str]) -> list[_Fence | None]:
    """Return the code block that is open before each line, and after the last one."""
    found: list[_Fence | None] = []
    fence: _Fence | None = None
    for number, line in enumerate(lines):
        found.append(fence)
        match = _FENCE.match(line)
        if match is None:
            continue
        indent, marker, info = match.groups()
        if fence is None:
            blank = re.sub(r"[^>\s]", " ", indent)
            fence = _Fence(blank, marker, info, number)
        elif marker.startswith(fence.marker) and not info.strip():
            fence = None
    return [*found, fence]
