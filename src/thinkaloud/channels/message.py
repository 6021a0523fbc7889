"""Typed values for everything that is sent through channels."""

from collections.abc import Mapping, Sequence

import msgspec


class StreamMetadata(dict[str, object]):
    """The metadata of a delta, an end or a message. Those sent by plugins may have no run.

    Each field is both an attribute and a key. For plugins that read the keys of other agents, there
    are also `_stream_id` and `_resuming` and, in a call to a channel, one of `_stream_delta`,
    `_stream_end`, `_reasoning_delta` and `_reasoning_end`.
    """

    __slots__ = (
        "duration_ms",
        "interrupted",
        "part",
        "resuming",
        "run_id",
        "seq",
        "stream_id",
    )

    run_id: str | None
    stream_id: str | None
    """The reasoning or answer segment that it belongs to. Never None in a streaming call."""
    seq: int | None
    """Its number in the conversation's log; None if it does not come from the log."""
    part: int
    """Increases within a reasoning segment when the provider starts a new paragraph."""
    duration_ms: int | None
    """On the end of a reasoning segment, if known."""
    resuming: bool
    """On the end of an answer segment: the run continues."""
    interrupted: bool
    """On an end: the segment was cut short."""

    def __init__(  # noqa: PLR0913 - one per field
        self,
        run_id: str | None = None,
        stream_id: str | None = None,
        seq: int | None = None,
        part: int = 0,
        duration_ms: int | None = None,
        resuming: bool = False,
        interrupted: bool = False,
    ) -> None:
        super().__init__(
            run_id=run_id,
            stream_id=stream_id,
            seq=seq,
            part=part,
            duration_ms=duration_ms,
            resuming=resuming,
            interrupted=interrupted,
            _stream_id=stream_id,
            _resuming=resuming,
        )
        self.run_id, self.stream_id, self.seq, self.part = run_id, stream_id, seq, part
        self.duration_ms, self.resuming, self.interrupted = duration_ms, resuming, interrupted

    def of(self, stream_id: str | None) -> "StreamMetadata":
        """Return a copy for another segment."""
        return StreamMetadata(
            self.run_id,
            stream_id,
            self.seq,
            self.part,
            self.duration_ms,
            self.resuming,
            self.interrupted,
        )

    def ended(self, *, resuming: bool = False, interrupted: bool = False) -> "StreamMetadata":
        """Return the metadata for the end of this segment."""
        return StreamMetadata(
            self.run_id,
            self.stream_id,
            self.seq,
            self.part,
            self.duration_ms,
            resuming,
            interrupted,
        )


class OutboundMessage(msgspec.Struct, frozen=True):
    """A complete message to one chat of one channel. Plugins create it; `send` receives it.

    `metadata` belongs to the plugin. The keys `_reasoning`, `_reasoning_delta` and `_reasoning_end`
    mark it as reasoning; they are read in one place and never passed to a channel.
    """

    channel: str
    chat_id: str
    content: str
    metadata: Mapping[str, object] = {}
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)
    reply_to: str | None = None
    """The id of the message that it replies to, on the platform. Set only by plugins."""
    media: Sequence[str] = ()
    """Attached files. Set only by plugins; `websocket` does not send them."""


class Delta(msgspec.Struct, frozen=True, tag=True):
    """The next piece of an answer."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class StreamEnd(msgspec.Struct, frozen=True, tag=True):
    """The end of an answer segment."""

    channel: str
    chat_id: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class ThoughtDelta(msgspec.Struct, frozen=True, tag=True):
    """The next piece of reasoning."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class ThoughtEnd(msgspec.Struct, frozen=True, tag=True):
    """The end of a reasoning segment."""

    channel: str
    chat_id: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


Outbound = OutboundMessage | Delta | StreamEnd | ThoughtDelta | ThoughtEnd
"""Anything that the manager routes."""
