"""Decodes Messages responses, in any framing, to model events. Pure and incremental.

Source: Anthropic API reference, "Streaming messages"; Amazon Bedrock,
"InvokeModelWithResponseStream".
"""

from typing import Final

import msgspec

from thinkaloud.core.parsers.aws_eventstream import EventStreamParser, exception
from thinkaloud.core.parsers.sse import EventTooLarge
from thinkaloud.events.model import Keepalive, ModelEvent, Origin
from thinkaloud.providers.dialects.anthropic_messages.message import MessageReader
from thinkaloud.providers.dialects.anthropic_messages.wire import UNREADABLE
from thinkaloud.providers.dialects.events import DONE, ProviderEvents, is_json
from thinkaloud.providers.dialects.framing import BodyBuffer

_ALIVE: Final = Keepalive()


class SSEDecoder:
    """Decodes server-sent events: Anthropic, Azure, Vertex and compatible hosts."""

    def __init__(self, origin: Origin) -> None:
        self._reader = MessageReader(origin)
        self._sse = ProviderEvents()

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        out: list[ModelEvent] = []
        reader = self._reader
        if reader.done:
            return out
        try:
            events = self._sse.feed(data)
        except EventTooLarge as reason:
            reader.cut(str(reason), out)
            return out
        for name, payload in events:
            reader.take(payload, out, name)
            if reader.done:
                return out
        if events and not out:
            out.append(_ALIVE)
        return out

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events."""
        out: list[ModelEvent] = []
        if self._reader.done:
            return out
        try:
            events = self._sse.close()
        except EventTooLarge as reason:
            self._reader.cut(str(reason), out)
            return out
        for name, payload in events:
            if payload == DONE or is_json(payload):
                self._reader.take(payload, out, name)
        self._reader.end(out, self._sse.stray)
        return out


class FrameDecoder:
    """Decodes AWS event-stream frames, each with one event in base64: Bedrock invoke."""

    def __init__(self, origin: Origin) -> None:
        self._reader = MessageReader(origin)
        self._frames = EventStreamParser()

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        out: list[ModelEvent] = []
        reader = self._reader
        if reader.done:
            return out
        frames = self._frames.feed(data)
        for frame in frames:
            error = exception(frame)
            if error is not None:
                reader.fail(error, out)
            else:
                self._chunk(frame.payload, out)
            if reader.done:
                return out
        if self._frames.broken is not None:
            reader.cut(self._frames.broken, out)
        elif frames and not out:
            out.append(_ALIVE)
        return out

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events."""
        out: list[ModelEvent] = []
        self._reader.end(out)
        return out

    def _chunk(self, payload: bytes, out: list[ModelEvent]) -> None:
        try:
            event = _chunk.decode(payload).event
        except UNREADABLE as reason:
            self._reader.cut(f"a frame cannot be read ({type(reason).__name__})", out)
            return
        if event:
            self._reader.take(event, out)


class WholeDecoder:
    """Decodes a response that was not streamed: one JSON message."""

    def __init__(self, origin: Origin) -> None:
        self._reader = MessageReader(origin)
        self._body = BodyBuffer()

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Buffer the next bytes; they can only be parsed once complete."""
        out: list[ModelEvent] = []
        if not self._reader.done:
            self._body.add(data)
            try:
                self._body.check()
            except EventTooLarge as reason:
                self._reader.cut(str(reason), out)
        return out

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return all events."""
        out: list[ModelEvent] = []
        if not self._reader.done:
            self._reader.whole(self._body.take(), out)
        return out


class _Chunk(msgspec.Struct):
    event: bytes = msgspec.field(default=b"", name="bytes")


_chunk = msgspec.json.Decoder(_Chunk)
