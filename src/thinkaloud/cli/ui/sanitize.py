"""Makes untrusted text from models, tools and files safe to print. Pure."""

import logging
import re
from typing import Final

import msgspec
from typing_extensions import override

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_JSON_UNSAFE: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON does not escape but a terminal interprets."""


def sanitize(text: str) -> str:
    """Return the text with all characters replaced that could control a terminal.

    Control characters become symbols (`␛`), and carriage returns are dropped; newlines and tabs
    are preserved. Direction marks and lone surrogates become `\N{REPLACEMENT CHARACTER}`. Each
    character is replaced on its own, so text can be split anywhere (P5).
    """
    return _UNSAFE.sub(_picture, text)


def one_line(text: str, limit: int) -> str:
    """Return the sanitized text on one line, truncated to `limit` characters."""
    flat = re.sub(r"\s+", " ", sanitize(text[: 4 * limit])).strip()
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def safe_json(text: str) -> str:
    """Escape all characters in JSON that could control a terminal, without changing its value."""
    return _JSON_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def json_document(value: object) -> str:
    """Return a value as indented JSON that is safe to print, with a trailing newline."""
    return safe_json(msgspec.json.format(msgspec.json.encode(value)).decode()) + "\n"


class SanitizingFormatter(logging.Formatter):
    """Formats log records so that they are safe to print."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the sanitized line."""
        return sanitize(super().format(record))


def _picture(match: re.Match[str]) -> str:
    character = match.group()
    if character == "\r":
        return ""
    if character < " ":
        return chr(0x2400 + ord(character))
    return "␡" if character == "\x7f" else "\N{REPLACEMENT CHARACTER}"
