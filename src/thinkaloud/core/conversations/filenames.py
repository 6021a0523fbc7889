"""Sanitize file names, which are untrusted input. Pure."""

import unicodedata
from typing import Final
from urllib.parse import quote

MAX_NAME_CHARS: Final = 200
UNNAMED: Final = "file"
_MARKUP: Final = str.maketrans('"<>', "___")
_SPECIAL: Final = frozenset('\\"/:;%*?|')


def label(text: str) -> str:
    """Return the text as one line without quotes, angle brackets and control characters."""
    return "".join(each for each in text.translate(_MARKUP) if not _is_control(each)).strip()


def file_label(given: str) -> str:
    """Return a client's file name as a label: one line, without folders and markup."""
    last = given.replace("\\", "/").rpartition("/")[2]
    return label(last)[:MAX_NAME_CHARS].strip(" .") or UNNAMED


def content_disposition(name: str, *, inline: bool = False, unnamed: str = UNNAMED) -> str:
    """Return the `Content-Disposition` header for a label (RFC 6266, 8187).

    `unnamed` replaces a name without ASCII characters.
    """
    kind = "inline" if inline else "attachment"
    plain = _ascii(name, unnamed)
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"


def _ascii(name: str, unnamed: str) -> str:
    # Check for special characters after decomposition, which can produce them.
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join("_" if each in _SPECIAL else each for each in letters if each.isprintable())
    stem, dot, ending = plain.strip().rpartition(".")
    return f"{stem.strip(' -') or unnamed}{dot}{ending}" if dot else ending or unnamed


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("C") or category in {"Zl", "Zp"}
