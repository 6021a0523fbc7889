"""From bytes to wire events to model events: the skeleton of an incremental decoder.

A dialect brings a `Reader` for its own events; what every decoder owes, whatever the wire, is
here: cuts anywhere, one failure at most, nothing after the end, signs of life.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from thinkaloud.core.sse import EventTooLarge, SSEParser
from thinkaloud.events.model import Alive, ModelEvent, ModelFailed, Usage

_MAX_HELD = 32 * 2**20
_UNREADABLE = "The provider's stream cannot be read"


class Frames(Protocol):
    """Cuts a body into the wire's events."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the events that these bytes complete.

        Raises `thinkaloud.core.sse.EventTooLarge` where one is longer than may be held.
        """
        ...

    def close(self) -> list[bytes]:
        """Return what the body ended on without an end of event. Raises as `feed`."""
        ...


class Reader(Protocol):
    """Reads one response's events, in order."""

    @property
    def usage(self) -> Usage | None:
        """What the provider has counted so far."""
        ...

    def read(self, payload: bytes, out: list[ModelEvent]) -> bool:
        """Read one event; return True where the last model event was appended.

        Raises `msgspec.DecodeError` where it is none of the wire's events.
        """
        ...

    def flush(self, out: list[ModelEvent]) -> None:
        """Append text that was held back: no more bytes come."""
        ...

    def finish(self, out: list[ModelEvent]) -> bool:
        """Append what ends the response if the wire's end mark was seen; else return False."""
        ...


class HeldBody:
    """Bytes that mean something only when all of them are there; bounded."""

    __slots__ = ("_full", "_held", "_limit", "_what")

    def __init__(self, what: str = "the response", max_bytes: int = _MAX_HELD) -> None:
        self._held = bytearray()
        self._what = what
        self._limit = max_bytes
        self._full = False

    def add(self, data: bytes) -> None:
        """Keep the next bytes; where they are too many, nothing is kept from then on."""
        if self._full or len(self._held) + len(data) > self._limit:
            self._full = True
            self._held.clear()
        else:
            self._held += data

    def check(self) -> None:
        """Raise `EventTooLarge` where there were too many."""
        if self._full:
            raise EventTooLarge(f"{self._what} is longer than {self._limit} bytes")

    def take(self) -> bytes:
        """Return everything kept, and keep nothing. Raises as `check`."""
        self.check()
        body = bytes(self._held)
        self._held.clear()
        return body


class SSEFrames:
    """The data of Server-Sent Events; `[DONE]` says nothing and is left out."""

    __slots__ = ("_parser",)

    def __init__(self) -> None:
        self._parser = SSEParser()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the data of each event that these bytes complete."""
        return [payload for _, payload in self._parser.feed(data) if payload != b"[DONE]"]

    def close(self) -> list[bytes]:
        """Return the data of an event that lacks its blank line."""
        return [payload for _, payload in self._parser.close() if payload != b"[DONE]"]


class LineFrames:
    """One event a line (NDJSON). Empty lines say nothing."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = HeldBody("one line")

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that these bytes complete."""
        first, *rest = data.split(b"\n")
        self._held.add(first)
        if not rest:
            self._held.check()
            return []
        lines = [self._held.take(), *rest[:-1]]
        self._held.add(rest[-1])
        return [line for line in lines if line.strip()]

    def close(self) -> list[bytes]:
        """Return the last line, where the body did not end it."""
        line = self._held.take()
        return [line] if line.strip() else []


class WholeFrames:
    """The whole body is one event: a response that did not stream."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = HeldBody()

    def feed(self, data: bytes) -> list[bytes]:
        """Keep the bytes; nothing is complete before the end."""
        self._held.add(data)
        self._held.check()
        return []

    def close(self) -> list[bytes]:
        """Return the body."""
        body = self._held.take()
        return [body] if body.strip() else []


class FramedDecoder:
    """A `thinkaloud.ports.model.Decoder` out of frames and a reader."""

    __slots__ = ("_frames", "_over", "_reader")

    def __init__(self, frames: Frames, reader: Reader) -> None:
        self._frames = frames
        self._reader = reader
        self._over = False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Take the next bytes, cut anywhere, and return what they complete."""
        out: list[ModelEvent] = []
        if self._over:
            return out
        try:
            payloads = self._frames.feed(data)
        except EventTooLarge as error:
            self._cut(f"{_UNREADABLE}: {error}.", out)
            return out
        self._take(payloads, out)
        if payloads and not out:
            out.append(Alive())
        return out

    def close(self) -> list[ModelEvent]:
        """Say that no more bytes come and return what is left; later calls return nothing."""
        out: list[ModelEvent] = []
        if self._over:
            return out
        try:
            payloads = self._frames.close()
        except EventTooLarge as error:
            self._cut(f"{_UNREADABLE}: {error}.", out)
            return out
        self._take(payloads, out)
        if self._over:
            return out
        self._over = True
        self._reader.flush(out)
        if not self._reader.finish(out):
            out.append(_cut_off("The provider's stream broke off before its end.", self._reader))
        return out

    def _take(self, payloads: Sequence[bytes], out: list[ModelEvent]) -> None:
        for payload in payloads:
            try:
                # The JSON decoder does not look inside what it skips or keeps raw.
                if not payload.isascii():
                    payload.decode()
                self._over = self._reader.read(payload, out)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._cut(f"The provider sent an event that cannot be read: {error}.", out)
            if self._over:
                return

    def _cut(self, message: str, out: list[ModelEvent]) -> None:
        self._over = True
        self._reader.flush(out)
        out.append(_cut_off(message, self._reader))


def _cut_off(message: str, reader: Reader) -> ModelFailed:
    return ModelFailed(
        code="provider_stream_cut", message=message, retryable=True, usage=reader.usage
    )
