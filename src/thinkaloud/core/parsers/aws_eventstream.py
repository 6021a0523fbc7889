"""Parse AWS event streams (`application/vnd.amazon.eventstream`) incrementally, and their errors.

Source: the AWS event stream encoding (smithy.io, "Amazon Event Stream"): big-endian total length,
headers length and prelude CRC, then headers, payload and message CRC; both CRCs are CRC-32.
"""

import struct
import zlib
from typing import Final, NamedTuple

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LEAST: Final = _PRELUDE.size + _CRC.size
_STRING: Final = 7
# Bytes of a header value, by type: true, false, byte, short, int, long, timestamp, uuid.
_FIXED: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_LENGTH_PREFIXED: Final = (6, _STRING)
_MESSAGE_CHARS: Final = 500

_CODES: Final[dict[str, ProviderCode]] = {
    "throttlingexception": "provider_rate_limit",
    "toomanyrequestsexception": "provider_rate_limit",
    "servicequotaexceededexception": "provider_rate_limit",
    "serviceunavailableexception": "provider_overloaded",
    "internalserverexception": "provider_overloaded",
    "internalfailure": "provider_overloaded",
    "modelnotreadyexception": "provider_overloaded",
    "modelstreamerrorexception": "provider_stream_cut",
    "modelerrorexception": "provider_stream_cut",
    "modeltimeoutexception": "provider_timeout",
    "accessdeniedexception": "provider_auth",
    "unrecognizedclientexception": "provider_auth",
    "expiredtokenexception": "provider_auth",
    "validationexception": "provider_bad_request",
    "resourcenotfoundexception": "provider_bad_request",
}


class Frame(NamedTuple):
    """One message: its string headers by name, and its payload."""

    headers: dict[str, str]
    payload: bytes


class EventStreamParser:
    """Parses bytes into frames, in linear time, buffering at most one frame.

    Chunks may be split anywhere. A frame that is corrupt or longer than `max_frame_bytes` ends the
    stream: `broken` is the reason, and no more frames are returned.
    """

    __slots__ = ("_held", "_limit", "broken")

    def __init__(self, max_frame_bytes: int = 32 * 2**20) -> None:
        self._held = bytearray()
        self._limit = max_frame_bytes
        self.broken: str | None = None

    def feed(self, chunk: bytes) -> list[Frame]:
        """Process the next bytes and return the completed frames."""
        frames: list[Frame] = []
        if self.broken is not None:
            return frames
        held = self._held
        held += chunk
        start = 0
        while self.broken is None and len(held) - start >= _PRELUDE.size:
            total, header_bytes, crc = _PRELUDE.unpack_from(held, start)
            self.broken = self._prelude_fault(held[start : start + 8], total, header_bytes, crc)
            if self.broken is not None or len(held) - start < total:
                break
            self._take(bytes(held[start : start + total]), header_bytes, frames)
            start += total
        if self.broken is not None:
            held.clear()
        elif start:
            del held[:start]
        return frames

    def _prelude_fault(
        self, lengths: bytearray, total: int, header_bytes: int, crc: int
    ) -> str | None:
        if zlib.crc32(lengths) != crc:
            return "the checksum of a frame's prelude does not match"
        if total < _LEAST + header_bytes:
            return "a frame is shorter than its headers"
        if total > self._limit:
            return f"one frame is longer than {self._limit} bytes"
        return None

    def _take(self, frame: bytes, header_bytes: int, frames: list[Frame]) -> None:
        end = len(frame) - _CRC.size
        if zlib.crc32(memoryview(frame)[:end]) != _CRC.unpack_from(frame, end)[0]:
            self.broken = "the checksum of a frame does not match"
            return
        body = _PRELUDE.size + header_bytes
        headers = _headers(frame[_PRELUDE.size : body])
        if headers is None:
            self.broken = "a frame has invalid headers"
            return
        frames.append(Frame(headers, frame[body:end]))


def _headers(data: bytes) -> dict[str, str] | None:
    """Return the string headers, or None if the bytes are not valid headers."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            name = data[at + 1 : name_end].decode()
            kind = data[name_end]
            at = name_end + 1
            if kind in _LENGTH_PREFIXED:
                value_start = at + 2
                at = value_start + int.from_bytes(data[at:value_start], "big")
                if kind == _STRING:
                    found[name] = data[value_start:at].decode()
            else:
                at += _FIXED[kind]
    except (IndexError, KeyError, UnicodeDecodeError):
        return None
    return found if at == len(data) else None


class _ExceptionPayload(msgspec.Struct):
    message: str | None = None
    Message: str | None = None


def exception(frame: Frame) -> ProviderError | None:
    """Return the error that a frame reports, or None if it is an ordinary event."""
    match frame.headers.get(":message-type", "event"):
        case "exception":
            name = frame.headers.get(":exception-type", "")
            message = _message(frame.payload)
        case "error":
            name = frame.headers.get(":error-code", "")
            message = frame.headers.get(":error-message", "")
        case _:
            return None
    return ProviderError(
        aws_code(name) or "provider_stream_cut", (message or name)[:_MESSAGE_CHARS]
    )


def aws_code(name: str) -> ProviderCode | None:
    """Return the code for the name of an AWS exception, or None if it is unknown.

    The name is `throttlingException` in frames, and `ThrottlingException:http://…` in the
    `x-amzn-errortype` header.
    """
    return _CODES.get(name.split(":")[0].rpartition("#")[2].lower())


def _message(payload: bytes) -> str:
    try:
        fault = msgspec.json.decode(payload, type=_ExceptionPayload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return payload[:_MESSAGE_CHARS].decode(errors="replace")
    return fault.message or fault.Message or ""
