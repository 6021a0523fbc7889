"""The framework of an incremental decoder: bytes to provider events to model events.

A dialect supplies a `Reader` for its events. This module implements what all decoders guarantee:
input may be split anywhere, at most one failure, nothing after the end, keepalives.
"""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from thinkaloud.core.parsers.sse import EventTooLarge
from thinkaloud.events.model import Keepalive, ModelEvent, ModelFailed, Usage
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects import faults
from thinkaloud.providers.dialects.events import DONE, ProviderEvents, is_json
from thinkaloud.providers.dialects.http_errors import displayable
from thinkaloud.providers.dialects.toolcalls import TooManyCalls

_MAX_HELD = 32 * 2**20
_UNREADABLE = "The provider's stream is invalid"
_SHOWN: Final = 200
_BOM: Final = b"\xef\xbb\xbf"
PAGE: Final = (
    "The provider returned a web page instead of JSON: base_url is probably wrong. Use the base "
    "URL you would give the official SDK."
)

Events = list[tuple[bytes, bytes]]
"""A provider's events as `(name, data)`; the name is empty if the stream does not give one."""


class Frames(Protocol):
    """Splits a response body into events."""

    @property
    def stray(self) -> bytes:
        """The start of any data that was not part of an event."""
        ...

    def feed(self, data: bytes) -> Events:
        """Return the events that these bytes complete.

        Raises `thinkaloud.core.parsers.sse.EventTooLarge` if one exceeds the size limit.
        """
        ...

    def close(self) -> Events:
        """Return the unterminated events at the end of the body. Raises like `feed`."""
        ...


class Reader(Protocol):
    """Reads the events of one response, in order."""

    @property
    def usage(self) -> Usage | None:
        """The usage reported by the provider so far."""
        ...

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one event with this name; return True if the last model event was appended.

        Raises `msgspec.DecodeError` if it is not a known event, or its name marks it as an error.
        """
        ...

    def flush(self, out: list[ModelEvent]) -> None:
        """Append buffered text, as no more bytes will follow."""
        ...

    def finish(self, out: list[ModelEvent]) -> bool:
        """Append the end of the response if the end marker was seen; otherwise return False."""
        ...


class BodyBuffer:
    """A bounded buffer for data that can only be parsed once it is complete."""

    __slots__ = ("_full", "_held", "_limit", "_what")

    def __init__(self, what: str = "the response", max_bytes: int = _MAX_HELD) -> None:
        self._held = bytearray()
        self._what = what
        self._limit = max_bytes
        self._full = False

    def add(self, data: bytes) -> None:
        """Append bytes. Once the limit is exceeded, the buffer stays empty."""
        if self._full or len(self._held) + len(data) > self._limit:
            self._full = True
            self._held.clear()
        else:
            self._held += data

    def check(self) -> None:
        """Raise `EventTooLarge` if the limit was exceeded."""
        if self._full:
            raise EventTooLarge(f"{self._what} is longer than {self._limit} bytes")

    def peek(self) -> bytes:
        """Return the buffered bytes. Raises like `check`."""
        self.check()
        return bytes(self._held)

    def take(self) -> bytes:
        """Return the buffered bytes and clear the buffer. Raises like `check`."""
        self.check()
        body = bytes(self._held)
        self._held.clear()
        return body


class SSEFrames:
    """The data of Server-Sent Events, without `[DONE]`."""

    __slots__ = ("_parser",)

    def __init__(self) -> None:
        self._parser = ProviderEvents()

    @property
    def stray(self) -> bytes:
        """The start of the lines that were not part of an event."""
        return self._parser.stray

    def feed(self, data: bytes) -> Events:
        """Return the events that these bytes complete."""
        return [event for event in self._parser.feed(data) if event[1] != DONE]

    def close(self) -> Events:
        """Return a final event without a terminating blank line."""
        return [event for event in self._parser.close() if event[1] != DONE]


class LineFrames:
    """One event per line (NDJSON). Ignores empty lines; a line may be framed as an SSE event."""

    __slots__ = ("_events", "_held", "_spread")

    def __init__(self) -> None:
        self._held = BodyBuffer("one line")
        self._spread = False
        """Whether JSON spanning several lines was seen."""
        self._events = ProviderEvents()

    @property
    def stray(self) -> bytes:
        """The start of the lines that were not part of an event."""
        return self._events.stray

    def feed(self, data: bytes) -> Events:
        """Return the lines that these bytes complete."""
        first, *rest = data.split(b"\n")
        self._held.add(first)
        if not rest:
            self._held.check()
            return []
        lines = [self._held.take(), *rest[:-1]]
        self._held.add(rest[-1])
        found: Events = []
        for line in lines:
            if line[:1] == b"{" and len(line) > 2 and not self._spread:
                found.append((b"", line))
            else:
                found += self._unusual_line(line)
        return found

    def close(self) -> Events:
        """Return the last line if it is unterminated."""
        return [*self._unusual_line(self._held.take()), *self._events.close()]

    def _unusual_line(self, line: bytes) -> Events:
        self._spread = self._spread or line.strip() == b"{"
        return [event for event in self._events.feed(line + b"\n") if event[1] != DONE]


class WholeFrames:
    """Treats the whole body as one event, for a response that is not streamed."""

    __slots__ = ("_held",)

    stray = b""

    def __init__(self) -> None:
        self._held = BodyBuffer()

    def feed(self, data: bytes) -> Events:
        """Buffer the bytes; no event is complete before the end."""
        self._held.add(data)
        self._held.check()
        return []

    def close(self) -> Events:
        """Return the body."""
        body = self._held.take()
        return [(b"", body)] if body.strip() else []


class FormDecoder:
    """Chooses the decoder by the body's actual form, regardless of the content type.

    A web page is a failure. A single JSON document goes to `whole`. Anything else goes to
    `stream`, including one JSON document per line.
    """

    __slots__ = ("_chosen", "_held", "_line", "_over", "_start", "_stream", "_whole")

    def __init__(self, stream: Callable[[], Decoder], whole: Callable[[], Decoder]) -> None:
        self._stream = stream
        self._whole = whole
        self._chosen: Decoder | None = None
        self._held = BodyBuffer()
        self._start = b""
        self._line = False
        """Whether the first line is a JSON document; if another line follows, it is a stream."""
        self._over = False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        if self._chosen is not None:
            return self._chosen.feed(data)
        if self._over:
            return []
        self._held.add(data)
        try:
            self._held.check()
        except EventTooLarge as error:
            self._over = True
            return [stream_cut(f"{_UNREADABLE}: {error}.")]
        return self._detect_format(data)

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events; later calls return nothing."""
        if self._over:
            return []
        self._over = True
        if self._chosen is not None:
            return self._chosen.close()
        body = self._held.take()
        self._chosen = self._whole() if self._start in (b"{", b"[") else self._stream()
        return [*self._chosen.feed(body), *self._chosen.close()]

    def _detect_format(self, data: bytes) -> list[ModelEvent]:
        """Determine the form as soon as enough of the body has arrived."""
        if not self._start:
            data = self._held.peek().removeprefix(_BOM).lstrip()
            if _BOM.startswith(data):
                if not data:
                    self._held.take()
                return []
            self._start = data[:1]
            self._held.take()
            self._held.add(data)
        if self._start == b"<":
            self._over = True
            return [ModelFailed("provider_bad_request", PAGE)]
        self._chosen = self._detected_decoder(data)
        return [] if self._chosen is None else self._chosen.feed(self._held.take())

    def _detected_decoder(self, data: bytes) -> Decoder | None:
        """Return the decoder for the body received so far; None if more is needed."""
        if self._start not in (b"{", b"["):
            return self._stream()
        if not self._line:
            if b"\n" not in data:
                return None
            line, _, data = self._held.peek().partition(b"\n")
            if self._start == b"[" or not is_json(line):
                return self._whole()
            self._line = True
        return self._stream() if data.strip() else None


class FramedDecoder:
    """A `thinkaloud.ports.model.Decoder` composed of frames and a reader."""

    __slots__ = ("_frames", "_over", "_reader")

    def __init__(self, frames: Frames, reader: Reader) -> None:
        self._frames = frames
        self._reader = reader
        self._over = False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        out: list[ModelEvent] = []
        if self._over:
            return out
        try:
            events = self._frames.feed(data)
        except EventTooLarge as error:
            self._cut(f"{_UNREADABLE}: {error}.", out)
            return out
        self._take(events, out)
        if events and not out:
            out.append(Keepalive())
        return out

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events; later calls return nothing."""
        out: list[ModelEvent] = []
        if self._over:
            return out
        try:
            events = self._frames.close()
        except EventTooLarge as error:
            self._cut(f"{_UNREADABLE}: {error}.", out)
            return out
        self._take(events, out)
        if self._over:
            return out
        self._over = True
        self._reader.flush(out)
        if not self._reader.finish(out):
            out.append(ended_early(self._frames.stray, self._reader.usage))
        return out

    def _take(self, events: Events, out: list[ModelEvent]) -> None:
        reader = self._reader
        for name, payload in events:
            if not payload:
                continue
            try:
                # The JSON decoder does not check the UTF-8 of values it skips or keeps raw.
                if not payload.isascii():
                    payload.decode()
                before = len(out)
                self._over = reader.read(payload, out, name)
                if len(out) == before and faults.suspect(payload):
                    self._over = self._error(payload, name, out)
            except TooManyCalls as error:
                self._over = True
                reader.flush(out)
                out.append(
                    ModelFailed("provider_stream_cut", too_many_calls(error), usage=reader.usage)
                )
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._over = self._error(payload, name, out)
                if not self._over:
                    self._cut(unreadable(payload, error), out)
            if self._over:
                return

    def _error(self, payload: bytes, name: bytes, out: list[ModelEvent]) -> bool:
        """Handle an event as an error of any shape. Returns False if it is not one."""
        failure = faults.reported(payload, name, self._reader.usage)
        if failure is None:
            return False
        self._reader.flush(out)
        out.append(failure)
        return True

    def _cut(self, message: str, out: list[ModelEvent]) -> None:
        self._over = True
        self._reader.flush(out)
        out.append(stream_cut(message, self._reader.usage))


def stream_cut(message: str, usage: Usage | None = None) -> ModelFailed:
    """Return the failure for a stream that was cut off or cannot be read."""
    return ModelFailed(code="provider_stream_cut", message=message, retryable=True, usage=usage)


def ended_early(stray: bytes, usage: Usage | None = None) -> ModelFailed:
    """Return the failure for a stream without an end marker, quoting any stray text."""
    message = "The provider's stream ended early."
    if stray.lstrip()[:1] == b"<":
        message += " A web page arrived instead of the rest: a proxy probably timed out."
    elif stray.strip():
        message += f" It sent: {words(stray)}"
    return stream_cut(message, usage)


def unreadable(payload: bytes, error: Exception) -> str:
    """Return a message about an unknown event; plain text is quoted."""
    start = payload.lstrip()[:1]
    message = f"{error}" if start in b'{["' else words(payload)
    return f"The provider sent an invalid event: {message}."


def too_many_calls(error: TooManyCalls) -> str:
    """Return a message about a response with too many or too long tool calls."""
    return f"The response was truncated: {error}."


def words(text: bytes) -> str:
    """Return a provider's stray text for use in a message, redacted and truncated."""
    return displayable(" ".join(text[: 2 * _SHOWN].decode(errors="replace").split()))[:_SHOWN]
