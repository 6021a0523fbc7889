"""A conversation's title, made from its answer text and nothing else (P1). Pure."""

import re
import unicodedata
from typing import Final

MAX_CHARS: Final = 60
_LEADING: Final = re.compile(r"(?:\s*(?:[#>*+\-–—•]+|\d{1,9}[.)])(?=\s))+")
"""Headings, quotes and lists; a number that a sentence begins with is none of them."""
_MARKS: Final = re.compile(
    r"(?P<ticks>`+)(?P<code>.+?)(?P=ticks)|`+"
    r"|(?<!\w)(?:[*_]+|~~)(?=\S)|(?<=\S)(?:[*_]+|~~)(?!\w)"
)
"""Code, of which every character stays, and emphasis, which touches a word on one side only."""


def title_of(answer: str, question: str) -> str:
    """Return a line of at most 60 characters: the answer's first, else the question's, else ""."""
    for text in (answer, question):
        for line in text.splitlines():
            title = _plain(line)
            if any(character.isalnum() for character in title):
                return _short(title)
    return ""


def _plain(line: str) -> str:
    text = line[:400]
    lead = _LEADING.match(text)
    bare = _MARKS.sub(lambda mark: mark["code"] or "", text[lead.end() :] if lead else text)
    seen = "".join(c for c in bare if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split()).rstrip(":")


def _short(title: str) -> str:
    if len(title) <= MAX_CHARS:
        return title
    cut = title[: MAX_CHARS - 1]
    whole_words = cut.rpartition(" ")[0]
    return (whole_words if len(whole_words) > MAX_CHARS // 2 else cut).rstrip(" ,;:.") + "…"
