"""Parses forms with files (RFC 7578) from a complete body in memory, without using the disk."""

from typing import Final

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from thinkaloud.server.http.problems import Refused

FORM_TYPE: Final = "multipart/form-data"
_MOST_PARTS: Final = 4
"""Maximum number of parts of a form."""


class Part(msgspec.Struct, frozen=True):
    """One part of a form."""

    name: str
    file_name: str | None
    """The client's file name; None if the part is not a file."""
    data: bytes


def read_form(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a form, in order.

    Raises `Refused`: 415 if the content type is not a form, 400 if the body is malformed,
    truncated or has too many parts.
    """
    kind, options = parse_options_header(content_type)
    if kind.lower() != FORM_TYPE.encode():
        raise Refused(415, "unsupported_media_type", f"The body must be {FORM_TYPE}.")
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("its Content-Type has no boundary")
    collector = _Collector()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": collector.begin,
                "on_header_field": collector.header_name,
                "on_header_value": collector.header_value,
                "on_header_end": collector.header_end,
                "on_part_data": collector.content,
                "on_part_end": collector.end,
                "on_end": collector.whole,
            },
        )
        parser.write(body)
        parser.finalize()
    except FormParserError:
        raise _malformed("it is not valid multipart data") from None
    if not collector.is_whole:
        raise _malformed("it ends early")
    return collector.parts


class _Collector:
    """Callbacks of the parser that collect the parts."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.is_whole = False
        self.begin()

    def begin(self) -> None:
        self._disposition = b""
        self._name = bytearray()
        self._value = bytearray()
        self._data = bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name.clear()
        self._value.clear()

    def content(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def end(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if name is None:
            raise _malformed("a part has no name")
        if len(self.parts) == _MOST_PARTS:
            raise _malformed("it has too many parts")
        file_name = options.get(b"filename")
        shown = None if file_name is None else file_name.decode("utf-8", "replace")
        self.parts.append(Part(name.decode("utf-8", "replace"), shown, bytes(self._data)))

    def whole(self) -> None:
        self.is_whole = True


def _malformed(why: str) -> Refused:
    return Refused(400, "malformed_form", f"Invalid form: {why}.")
