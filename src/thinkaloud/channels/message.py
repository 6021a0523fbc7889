"""What goes out through channels, as typed values."""

from collections.abc import Mapping, Sequence

import msgspec


class StreamMetadata(dict[str, object]):
    """What is known of a piece beside its text. A piece that a plugin sent may have no run.

    Each member is an attribute and a key. For plugins that read the keys of other agents there are
    also `_stream_id`, `_resuming`, and in a call to a channel one of `_stream_delta`, `_stream_end`,
    `_reasoning_delta` and `_reasoning_end`.
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
    """The stretch of reasoning or answer that it belongs to; never None in a call to a channel."""
    seq: int | None
    """Its number in the conversation's log; None where it did not come out of the log."""
    part: int
    """Increases within a reasoning segment where the provider starts a new paragraph."""
    duration_ms: int | None
    """On the end of a stretch of reasoning, where it is known."""
    resuming: bool
    """On the end of a stretch of an answer: the run goes on."""
    interrupted: bool
    """On an end: the stretch was cut short."""

    def __init__(  # noqa: PLR0913 - one a member
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
        """Return the same for another stretch."""
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
        """Return what the end of this stretch has."""
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
    """A whole message to one chat of one channel. Plugins send it; `send` gets it.

    `metadata` is the plugin's own. Its keys `_reasoning`, `_reasoning_delta` and `_reasoning_end`
    say that it is no message but reasoning; they are read at one boundary and reach no channel.
    """

    channel: str
    chat_id: str
    content: str
    metadata: Mapping[str, object] = {}
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)
    reply_to: str | None = None
    """The platform's message that it answers; only a plugin sets it."""
    media: Sequence[str] = ()
    """Files that go along; only a plugin sets it, and `websocket` does not send them."""


class Delta(msgspec.Struct, frozen=True, tag=True):
    """More of an answer."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class StreamEnd(msgspec.Struct, frozen=True, tag=True):
    """A stretch of the answer is whole."""

    channel: str
    chat_id: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class ThoughtDelta(msgspec.Struct, frozen=True, tag=True):
    """More reasoning."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


class ThoughtEnd(msgspec.Struct, frozen=True, tag=True):
    """A stretch of reasoning is over."""

    channel: str
    chat_id: str
    stream: StreamMetadata = msgspec.field(default_factory=StreamMetadata)


Outbound = OutboundMessage | Delta | StreamEnd | ThoughtDelta | ThoughtEnd
"""Everything that the manager routes."""
