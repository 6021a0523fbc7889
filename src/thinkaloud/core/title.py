"""A conversation's title, made from its answer text and nothing else (P1). Pure."""

import re
import unicodedata
from typing import Final

MAX_CHARS: Final = 60
_MARKS: Final = re.compile(r"^[\s#>*\-–—•\d.)]+|[*_`~]+")


def title_of(answer: str, question: str) -> str:
    """Return a line of at most 60 characters: the answer's first, else the question's, else ""."""
    for text in (answer, question):
        for line in text.splitlines():
            title = _plain(line)
            if any(character.isalnum() for character in title):
                return _short(title)
    return ""


def _plain(line: str) -> str:
    bare = _MARKS.sub("", line[:400])
    seen = "".join(c for c in bare if unicodedata.category(c)[0] != "C")
    return " ".join(seen.split()).rstrip(":")


def _short(title: str) -> str:
    if len(title) <= MAX_CHARS:
        return title
    cut = title[: MAX_CHARS - 1]
    whole_words = cut.rpartition(" ")[0]
    return (whole_words if len(whole_words) > MAX_CHARS // 2 else cut).rstrip(" ,;:.") + "…"
