"""Finds where a long line may be cut. Pure."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

_UNCUT: Final = re.compile(
    r"`[^`\n]{1,400}`"  # code
    r"|!?\[[^\]\n]{1,400}\]\([^)\s]{1,1000}\)"  # links
    r"|\$\$[^$\n]{1,400}\$\$|\\\([^\n]{1,400}?\\\)"  # formulas
    r"|\*\*[^*\n]{1,200}\*\*|(?<![\w*])\*[^*\s][^*\n]{0,200}\*"  # styles
    r"|~~[^~\n]{1,200}~~"
    r"|https?://\S{1,1000}"
    r"|&#?\w{1,10};|\\[^\w\s]"  # entities and escapes
)
_LONGEST: Final = 1_500
"""More than any match of `_UNCUT` has."""
_SENTENCE: Final = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；])")
_SPACE: Final = re.compile(r"\s+")
_JOINER: Final = "\u200d"
_MAX_GRAPHEME: Final = 64
"""Longer ones are no text that somebody reads, and are cut."""


def largest(
    count: int, size: Callable[[int], int], limit: int, *, slack: int = 0, first: int = 1
) -> int:
    """Return the largest number up to `count` with `size(number) <= limit`; 0 if not even 1 has.

    With `slack`, it may be smaller by the `slack`-th part. Rendering is slow, so it interpolates,
    begins with the guess `first`, and never tries much more than what fits.
    """
    low, low_size, high, high_size = 0, 0, count + 1, 0
    up = down = 1
    guess = min(count, max(1, first))
    while high - low > (least := 1 + (low // slack if slack else 0)):
        if not low and not high_size:
            pass  # The first one.
        elif not high_size:  # Nothing was too large yet.
            guess = min(count, max(low + up, low * limit // max(low_size, limit // 8, 1)))
        elif up + down > high - low:
            guess = (low + high) // 2
        else:
            near = low + (high - low) * (limit - low_size) // (high_size - low_size)
            guess = min(max(near, low + up), high - down)
        found = size(guess)
        if found > limit:
            high, high_size, down, up = guess, found, down * 2, least
        else:
            low, low_size, up, down = guess, found, up * 2, least
    return low


def cut_line(
    line: str,
    size: Callable[[str], int],
    limit: int,
    *,
    is_code: bool = False,
    first: int | None = None,
) -> tuple[str, str]:
    """Cut a line so that the size of the first piece is at most `limit`: `(piece, rest)`.

    Prefers the end of a sentence, then of a word; never cuts a grapheme, and no link, code, style or
    escape unless it is longer than what fits. The piece is empty if not even one grapheme fits.
    `first` is a guess of how many characters fit.
    """
    low = largest(
        len(line),
        lambda count: size(line[:count]),
        limit,
        slack=0 if is_code else 32,
        first=limit if first is None else first,
    )
    if low == len(line):
        return line, ""
    near = line[: low + _LONGEST]
    spans = [] if is_code else [match.span() for match in _UNCUT.finditer(near)]
    for pattern, least in ((_SENTENCE, low // 2), (_SPACE, 0)):
        for match in reversed(list(pattern.finditer(line, 0, min(len(line), low + 1)))):
            place = match.start()
            if is_code and pattern is _SENTENCE:
                break
            if least < place <= low and not _inside(place, spans):
                return line[:place], line[place:] if is_code else line[match.end() :]
    place = _before_spans(low, spans)
    place = _grapheme_start(line, place or low)
    return line[:place], line[place:]


def _inside(place: int, spans: list[tuple[int, int]]) -> bool:
    return any(start < place < end for start, end in spans)


def _before_spans(place: int, spans: list[tuple[int, int]]) -> int:
    for start, end in spans:
        if start < place < end:
            return start
    return place


def _grapheme_start(line: str, place: int) -> int:
    """Return the largest place up to this one that is between two graphemes, or not too long ones."""
    for start in range(place, max(-1, place - _MAX_GRAPHEME), -1):
        if start == 0 or _is_boundary(line, start):
            return start
    return place


def _is_boundary(line: str, place: int) -> bool:
    before, after = line[place - 1], line[place] if place < len(line) else ""
    if not after:
        return True
    if unicodedata.category(after)[0] == "M" or after == _JOINER or before == _JOINER:
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":
        return False
    if before == "\\" or (before == "\r" and after == "\n"):
        return False
    if _is_flag(after) and _is_flag(before):
        count = 0
        while place - 1 - count >= 0 and _is_flag(line[place - 1 - count]):
            count += 1
        return count % 2 == 0
    return not ("\u1100" <= before <= "\u11ff" and "\u1160" <= after <= "\u11ff")


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
