"""The words that a search compares, the same for every store. Pure.

A word is a sequence of letters and digits, regardless of case and width. In scripts without spaces
between words, and for emoji, every character is a word; searching for several in a row finds them
only in that order.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

MAX_SEARCHED: Final = 64
"""Maximum number of search phrases; further ones are ignored."""

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
    """Return the phrases that a search looks for. The last word of each matches as a prefix.

    `"Think foo_bar"` looks for a word that starts with `think`, and for `foo` followed by a word
    that starts with `bar`. Empty if the search has no words: if it is not blank, it finds nothing.
    """
    found = dict.fromkeys(tuple(words(term)) for term in search.split())
    return [phrase for phrase in found if phrase][:MAX_SEARCHED]
