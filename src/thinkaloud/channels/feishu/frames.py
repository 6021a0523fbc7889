"""The frames of Feishu's long connection: protocol buffers with nine fields. Pure.

The message is `pbbp2.Frame` of Feishu's SDKs. Their Python package takes seconds and 170 MB to import, so the few lines
that are needed are here; a test compares them with the SDK.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

CONTROL: Final = 0
DATA: Final = 1
"""`Frame.method`."""

_VARINT: Final = 0
_BYTES: Final = 2
_FIXED: Final = {1: 8, 5: 4}
_SERIAL, _LOG, _SERVICE, _METHOD, _HEADER, _ENCODING, _TYPE, _PAYLOAD, _LOG_NEW = range(1, 10)


class MalformedFrame(ValueError):
    """Bytes that are no frame."""


class Frame(msgspec.Struct, frozen=True):
    """One frame."""

    serial: int = 0
    log_id: int = 0
    service: int = 0
    method: int = CONTROL
    headers: Mapping[str, str] = {}
    payload_encoding: str = ""
    payload_type: str = ""
    payload: bytes = b""
    log_id_new: str = ""


def ping(service: int) -> Frame:
    """Return the frame that keeps a connection alive."""
    return Frame(service=service, method=CONTROL, headers={"type": "ping"})


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame."""
    parts = [
        _integer(_SERIAL, frame.serial),
        _integer(_LOG, frame.log_id),
        _integer(_SERVICE, frame.service),
        _integer(_METHOD, frame.method),
    ]
    for key, value in frame.headers.items():
        parts.append(_string(_HEADER, _string(1, key.encode()) + _string(2, value.encode())))
    texts = (
        (_ENCODING, frame.payload_encoding.encode()),
        (_TYPE, frame.payload_type.encode()),
        (_PAYLOAD, frame.payload),
        (_LOG_NEW, frame.log_id_new.encode()),
    )
    parts += [_string(number, value) for number, value in texts if value]
    return b"".join(parts)


def decode(data: bytes) -> Frame:
    """Return the frame in these bytes. Unknown fields are skipped. Raises `MalformedFrame`."""
    numbers: dict[int, int] = {}
    texts: dict[int, bytes] = {}
    headers: dict[str, str] = {}
    for number, value in _fields(data):
        if isinstance(value, int):
            numbers[number] = value
        elif number == _HEADER:
            pair = {n: v for n, v in _fields(value) if isinstance(v, bytes)}
            headers[_text(pair.get(1, b""))] = _text(pair.get(2, b""))
        else:
            texts[number] = value
    return Frame(
        serial=numbers.get(_SERIAL, 0),
        log_id=numbers.get(_LOG, 0),
        service=numbers.get(_SERVICE, 0),
        method=numbers.get(_METHOD, 0),
        headers=headers,
        payload_encoding=_text(texts.get(_ENCODING, b"")),
        payload_type=_text(texts.get(_TYPE, b"")),
        payload=texts.get(_PAYLOAD, b""),
        log_id_new=_text(texts.get(_LOG_NEW, b"")),
    )


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _string(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield key >> 3, value
            continue
        size = _FIXED.get(kind)
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        if size is None or at + size > len(data):
            raise MalformedFrame(f"field {key >> 3} of kind {kind}")
        if kind == _BYTES:
            yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedFrame("a number does not end")


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
