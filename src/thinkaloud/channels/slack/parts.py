"""Divides a long answer into messages. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.slack.text import Fence, fence_of, inert, regions, slack_markdown, units

FIRST_BYTES: Final = 4_300
"""The most of the first part, in UTF-8: it shares its message with the plan or the folded thought."""
NEXT_CHARACTERS: Final = 11_000
"""The most of each further part, in UTF-16 units; a message may have 12,000 of Markdown."""


class Cut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the first part of an answer ends, once that is decided."""

    at: int
    """In characters of Markdown."""
    closing: str = ""
    """Closes the code block that is cut."""
    opening: str = ""
    """Opens it again in the next part."""


class _Unit(msgspec.Struct, frozen=True):
    """A line, or a table or formula as a whole."""

    text: str
    size: int
    """In bytes, once converted."""
    fence: Fence | None = None
    """The code block that is open where it starts."""
    whole: bool = False
    """Whether it can't be cut."""
    ends_block: bool = False


def first_cut(markdown: str, least: int) -> Cut | None:
    """Return where to cut, not before `least`; None if the answer fits into the first part.

    Cuts after a block where possible, else after a line, else after a word.
    """
    size = at = block_end = 0
    for unit in _units(markdown):
        if size + unit.size > FIRST_BYTES:
            if block_end >= max(least, at // 2, 1):
                return Cut(block_end)
            if unit.whole or at >= max(least, 1):
                return _cut(max(at, least), unit.fence)
            return _cut(max(least, at + _words(unit.text, FIRST_BYTES - size)), unit.fence)
        size, at = size + unit.size, at + len(unit.text)
        if unit.ends_block:
            block_end = at
    return None


def first_part(markdown: str, cut: Cut | None) -> str:
    """Return the first part."""
    return markdown if cut is None else markdown[: cut.at] + cut.closing


def further_parts(markdown: str, cut: Cut | None) -> Sequence[str]:
    """Return the further parts, in Markdown; none if the answer isn't cut."""
    if cut is None:
        return ()
    return split_answer(cut.opening + markdown[cut.at :])


def split_answer(markdown: str) -> Sequence[str]:
    """Divide Markdown into messages of their own."""
    parts = split_markdown(markdown, NEXT_CHARACTERS, lambda part: units(slack_markdown(part)))
    return [part for part in parts if part.strip()]


def _cut(at: int, fence: Fence | None) -> Cut:
    if fence is None:
        return Cut(at)
    return Cut(at, f"\n{fence.marks}\n", f"{fence.line}\n")


def _units(markdown: str) -> Iterator[_Unit]:
    for kind, text in regions(markdown):
        if kind == "code":
            yield from _code_units(text)
        else:
            whole = kind not in ("line", "held")
            size = len(slack_markdown(text).encode())
            yield _Unit(text, size, whole=whole, ends_block=whole or not text.strip())


def _code_units(text: str) -> Iterator[_Unit]:
    fence = None
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        last = index == len(lines) - 1
        yield _Unit(line, len(inert(line).encode()), fence, ends_block=last)
        fence = fence or fence_of(line)


def _words(text: str, room: int) -> int:
    """Return how many characters fit into so many bytes: after a sentence, else after a word."""
    end = len(text.encode()[: max(0, room - 40)].decode(errors="ignore"))
    for mark in (". ", "! ", "? ", "。", " "):
        found = text.rfind(mark, 0, end) + len(mark)
        if found >= max(len(mark), end // 2):
            return found
    return end
