"""The title of a conversation, from its answer or question, never from reasoning (P1). Pure."""

import re
import unicodedata
from typing import Final

MAX_CHARS: Final = 60
_LEADING: Final = re.compile(r"(?:\s*(?:[#>*+\-–—•]+|\d{1,9}[.)])(?=\s))+")
"""Heading, quote and list markers, but not a number at the start of a sentence."""
_MARKS: Final = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)|`+"
    r"|(?<!\w)(?:[*_]+|~~)(?=\S)|(?<=\S)(?:[*_]+|~~)(?!\w)"
)
"""Code, which is kept literally, and emphasis, which touches a word on one side only."""

_FLAG_LETTERS: Final = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Regional indicators; two of them form a flag."""
_SKIN_TONES: Final = "".join(map(chr, range(0x1F3FB, 0x1F400)))


def title_of(answer: str, question: str) -> str:
    """Return the first line of the answer, or else of the question, up to 60 characters, or ""."""
    for text in (answer, question):
        for line in text.splitlines():
            title = _plain_text(line)
            if any(character.isalnum() for character in title):
                return _shortened(title)
    return ""


def _plain_text(line: str) -> str:
    text = line[:400]
    lead = _LEADING.match(text)
    bare = _MARKS.sub(lambda mark: mark["code"] or "", text[lead.end() :] if lead else text)
    seen = "".join(c for c in bare if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split()).rstrip(":")


def _shortened(title: str) -> str:
    if len(title) <= MAX_CHARS:
        return title
    cut = title[: _boundary(title, MAX_CHARS - 1)]
    whole_words = cut.rpartition(" ")[0]
    return (whole_words if len(whole_words) > MAX_CHARS // 2 else cut).rstrip(" ,;:.") + "…"


def _boundary(text: str, end: int) -> int:
    """Return the last position up to `end` that is not inside a grapheme cluster."""
    start = end
    while start and _is_combining(text[start]):
        start -= 1
    flags = len(text[:start]) - len(text[:start].rstrip(_FLAG_LETTERS))
    if text[start] in _FLAG_LETTERS and flags % 2:
        start -= 1
    # A base character with too many combining marks for a line is cut anywhere.
    return start or end


def _is_combining(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in _SKIN_TONES
