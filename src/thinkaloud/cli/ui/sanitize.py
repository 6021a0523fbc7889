"""Makes text from outside safe to print: a model, a tool or a file may send anything. Pure."""

import logging
import re
from typing import Final

import msgspec
from typing_extensions import override

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_JSON_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What JSON lets stand as it is, and a terminal obeys."""


def sanitize(text: str) -> str:
    """Return the text with everything that would steer a terminal made visible.

    Escape and the other control characters become their pictures (`␛`), carriage returns go;
    new lines and tabs stay. Marks that turn the writing direction, and lone surrogates, become
    `\N{REPLACEMENT CHARACTER}`. One character at a time, so text may be cut anywhere (P5).
    """
    return _UNSAFE.sub(_picture, text)


def one_line(text: str, limit: int) -> str:
    """Return the text visible, on one line, and cut to `limit` characters."""
    flat = re.sub(r"\s+", " ", sanitize(text[: 4 * limit])).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def safe_json(text: str) -> str:
    """Return JSON with everything that would steer a terminal escaped: the same value."""
    return _JSON_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def json_document(value: object) -> str:
    """Return a value as indented JSON that is safe to print, with a line break at its end."""
    return safe_json(msgspec.json.format(msgspec.json.encode(value)).decode()) + "\n"


class SanitizingFormatter(logging.Formatter):
    """Formats records of the log so that nothing in them steers a terminal."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line, visible."""
        return sanitize(super().format(record))


def _picture(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\r":
        return ""
    if character < " ":
        return chr(0x2400 + ord(character))
    return "␡" if character == "\x7f" else "\N{REPLACEMENT CHARACTER}"
