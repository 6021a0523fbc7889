"""Decodes Converse responses to model events. Pure and incremental.

Source: Amazon Bedrock Runtime API reference, `ConverseStream` and `Converse`.
"""

from typing import Final

from thinkaloud.core.parsers.aws_eventstream import EventStreamParser
from thinkaloud.core.parsers.sse import EventTooLarge
from thinkaloud.events.model import Keepalive, ModelEvent, Origin
from thinkaloud.providers.dialects.bedrock_converse.message import MessageReader
from thinkaloud.providers.dialects.framing import BodyBuffer

_ALIVE: Final = Keepalive()


class StreamDecoder:
    """Decodes AWS event-stream frames, one event each."""

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
            reader.take(frame, out)
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


class WholeDecoder:
    """Decodes a response that was not streamed: one JSON object."""

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
