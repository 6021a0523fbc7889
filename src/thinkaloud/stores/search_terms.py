"""What a search compares: words, the same in every store. Pure.

A word is a stretch of letters and digits, whatever its case and width. Scripts that write no
spaces between words, and emoji, have every character for itself, and a search for several of
them in a row finds them in that row.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

MAX_SEARCHED: Final = 64
"""Words of a search beyond this many are not looked at."""

_ALONE: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # emoji
)
_WORD: Final = re.compile(f"[{_ALONE}]|[^\\W_{_ALONE}]+")
_ASCII_WORD: Final = re.compile("[0-9a-z]+")


def words(text: str) -> list[str]:
    """Return the words of a text, in order."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def phrases(search: str) -> Sequence[Sequence[str]]:
    """Return what a search looks for: each is a row of words, the last of which may go on.

    `"Think foo_bar"` looks for a word that begins with `think`, and for `foo` followed by a
    word that begins with `bar`. Empty where there is nothing to look for: without a word in it
    a search that is not blank finds nothing.
    """
    found = dict.fromkeys(tuple(words(term)) for term in search.split())
    return [phrase for phrase in found if phrase][:MAX_SEARCHED]
