"""The parts of the Messages JSON that are read. Every field is optional.

Source: Anthropic API reference, "Messages" and "Streaming messages".
"""

import msgspec

from thinkaloud.providers.dialects.raw_json import ABSENT


class Delta(msgspec.Struct):
    """`delta` of a `content_block_delta` or a `message_delta`."""

    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_details: msgspec.Raw = ABSENT


class Message(msgspec.Struct):
    """A message: empty in `message_start`, complete in a response that was not streamed."""

    type: str | None = None
    content: list[msgspec.Raw] | None = None
    stop_reason: str | None = None
    stop_details: msgspec.Raw = ABSENT
    usage: dict[str, object] | None = None
    error: msgspec.Raw = ABSENT


class Event(msgspec.Struct):
    """Any event of the stream."""

    type: str | None = None
    index: int | None = None
    delta: Delta | None = None
    content_block: msgspec.Raw = ABSENT
    message: Message | None = None
    usage: dict[str, object] | None = None
    error: msgspec.Raw = ABSENT


class BlockHead(msgspec.Struct):
    """The start of a content block."""

    type: str | None = None
    id: str | None = None
    name: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    input: msgspec.Raw = ABSENT


class StopDetails(msgspec.Struct):
    """Why a response was refused."""

    category: object = None
    explanation: object = None


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""The exceptions that decoding raises for unexpected input."""
