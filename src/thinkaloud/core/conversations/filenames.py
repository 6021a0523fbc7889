"""What files are called, as text that can stand anywhere: people chose the names, or somebody hostile did. Pure."""

import unicodedata
from typing import Final
from urllib.parse import quote

MAX_NAME_CHARS: Final = 200
UNNAMED: Final = "file"
_MARKUP: Final = str.maketrans('"<>', "___")
_SPECIAL: Final = frozenset('\\"/:;%*?|')


def label(text: str) -> str:
    """Return a text as one line that ends no attribute, opens no tag and steers no terminal."""
    return "".join(each for each in text.translate(_MARKUP) if not _is_control(each)).strip()


def file_label(given: str) -> str:
    """Return what a client calls a file as a label: one line, no folders, no markup."""
    last = given.replace("\\", "/").rpartition("/")[2]
    return label(last)[:MAX_NAME_CHARS].strip(" .") or UNNAMED


def content_disposition(name: str, *, inline: bool = False, unnamed: str = UNNAMED) -> str:
    """Return the `Content-Disposition` of a file of this name, which is a label (RFC 6266, 8187).

    `unnamed` stands for a name that has nothing in ASCII.
    """
    kind = "inline" if inline else "attachment"
    plain = _ascii(name, unnamed)
    value = f'{kind}; filename="{plain}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(name, safe='')}"


def _ascii(name: str, unnamed: str) -> str:
    # What is taken apart may hold a quote that the whole did not: it is looked at afterwards.
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = "".join("_" if each in _SPECIAL else each for each in letters if each.isprintable())
    stem, dot, ending = plain.strip().rpartition(".")
    return f"{stem.strip(' -') or unnamed}{dot}{ending}" if dot else ending or unnamed


def _is_control(character: str) -> bool:
    category = unicodedata.category(character)
    return category.startswith("C") or category in {"Zl", "Zp"}
