"""What goes out through channels, as typed values."""

from collections.abc import Mapping

import msgspec


class StreamMetadata(msgspec.Struct, frozen=True):
    """What is known of a piece beside its text. A piece that a plugin sent may have no run."""

    run_id: str | None = None
    stream_id: str | None = None
    """The stretch of reasoning or answer that it belongs to; never None in a call to a channel."""
    seq: int | None = None
    """Its number in the conversation's log; None where it did not come out of the log."""
    part: int = 0
    """Rises within a stretch of reasoning where the provider begins a new paragraph."""
    duration_ms: int | None = None
    """On the end of a stretch of reasoning, where it is known."""
    resuming: bool = False
    """On the end of a stretch of an answer: the run goes on."""
    interrupted: bool = False
    """On an end: the stretch was cut short."""


class OutboundMessage(msgspec.Struct, frozen=True):
    """A whole message to one chat of one channel. Plugins send it; `send` gets it.

    `metadata` is the plugin's own. Its keys `_reasoning`, `_reasoning_delta` and `_reasoning_end`
    say that it is no message but reasoning; they are read at one boundary and reach no channel.
    """

    channel: str
    chat_id: str
    content: str
    metadata: Mapping[str, object] = {}
    stream: StreamMetadata = StreamMetadata()


class Delta(msgspec.Struct, frozen=True, tag=True):
    """More of an answer."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = StreamMetadata()


class StreamEnd(msgspec.Struct, frozen=True, tag=True):
    """A stretch of the answer is whole."""

    channel: str
    chat_id: str
    stream: StreamMetadata = StreamMetadata()


class ThoughtDelta(msgspec.Struct, frozen=True, tag=True):
    """More reasoning."""

    channel: str
    chat_id: str
    text: str
    stream: StreamMetadata = StreamMetadata()


class ThoughtEnd(msgspec.Struct, frozen=True, tag=True):
    """A stretch of reasoning is over."""

    channel: str
    chat_id: str
    stream: StreamMetadata = StreamMetadata()


Outbound = OutboundMessage | Delta | StreamEnd | ThoughtDelta | ThoughtEnd
"""Everything that the manager routes."""
