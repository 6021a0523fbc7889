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
_START: Final = 2
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

    def size(text: str) -> int:
        # Parsing and rendering a long text takes a while: its start is often enough to know.
        start = _START * limit
        if len(text) > start and (least := measure(text[:start])) > limit:
            return least
        return measure(text)

    parts: list[str] = []
    blocks = _blocks(markdown)
    while blocks:
        head, blocks = _next(blocks, size, limit)
        if head.strip():
            parts.append(head.strip("\n"))
    return parts


def _next(blocks: list[str], size: Measure, limit: int) -> tuple[str, list[str]]:
    """Return the next part and the blocks after it."""
    count = largest(len(blocks), lambda n: size("\n".join(blocks[:n]).strip("\n")), limit)
    done, rest = "\n".join(blocks[:count]), blocks[count:]
    if not rest or (count and size(rest[0].strip("\n")) <= limit):
        return done, rest
    before = f"{done}\n" if count else ""
    head, tail = _cut_block(
        rest[0].strip("\n"),
        lambda text: size((before + text).strip("\n")),
        limit,
        between_lines=count > 0,
    )
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


def _cut_block(block: str, size: Measure, limit: int, *, between_lines: bool) -> tuple[str, str]:
    """Cut a block that is too long. The head fits; it is empty only if nothing does.

    `between_lines`: cut no line, because the next part has more room for it.
    """
    lines = block.split("\n")
    fences = _fences(lines)
    header = 2 if len(lines) > 2 and "|" in lines[0] and _TABLE_RULE.match(lines[1]) else 0

    def head(count: int) -> str:
        fence = fences[count]
        closing = [fence.indent + fence.marker] if fence else []
        return "\n".join([*lines[:count], *closing])

    count = largest(len(lines) - 1, lambda n: size(head(n)), limit)
    fence = fences[count]
    opened = fence.line + 1 if fence else header
    if count > opened:
        count = _pleasant(lines, count, opened)
        fence = fences[count]
        return head(count), _reopened(lines, count, fence, header)
    return ("", block) if between_lines else _cut_first_line(lines, count, fence, size, limit)


def _cut_first_line(
    lines: list[str], count: int, fence: _Fence | None, size: Measure, limit: int
) -> tuple[str, str]:
    """Cut inside the first line that doesn't fit."""
    before = "".join(f"{line}\n" for line in lines[:count])
    after = f"\n{fence.indent}{fence.marker}" if fence else ""
    piece, rest = cut_line(
        lines[count],
        lambda text: size(before + text + after),
        limit,
        is_code=fence is not None,
    )
    if not piece and size(before + after) > limit:
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
