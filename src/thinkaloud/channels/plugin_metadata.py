"""Reads the untyped metadata of plugins and returns typed values. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.message import (
    Delta,
    Outbound,
    OutboundMessage,
    StreamEnd,
    StreamMetadata,
    ThoughtDelta,
    ThoughtEnd,
)

_DELTA: Final = "_reasoning_delta"
_END: Final = "_reasoning_end"
_WHOLE: Final = "_reasoning"
_ANSWER: Final = "_stream_delta"
_ANSWER_END: Final = "_stream_end"
_KEYS: Final = frozenset({_DELTA, _END, _WHOLE, _ANSWER, _ANSWER_END})
_STREAM_IDS: Final = ("stream_id", "_stream_id")


def read(message: OutboundMessage) -> Sequence[Outbound]:
    """Return the items that a plugin's message stands for: itself, or what its metadata says.

    A key counts if its value is true. `_reasoning` means a delta and an end, and so do
    `_reasoning_delta` and `_reasoning_end` together. Text with only the end is the last delta.
    Empty reasoning yields no delta. `stream_id` or `_stream_id`, if a string, is the segment's id.
    `_stream_delta` and `_stream_end` are the equivalents for an answer.
    """
    metadata = message.metadata
    if _KEYS.isdisjoint(metadata):
        return (message,)
    channel, chat_id, content = message.channel, message.chat_id, message.content
    stream = _stream(message.stream, metadata)
    whole, ends = bool(metadata.get(_WHOLE)), bool(metadata.get(_END))
    found: list[Outbound] = []
    if whole or ends or metadata.get(_DELTA):
        if content:
            found.append(ThoughtDelta(channel, chat_id, content, stream))
        if ends or (whole and content):
            found.append(ThoughtEnd(channel, chat_id, stream))
        return found
    if metadata.get(_ANSWER) or metadata.get(_ANSWER_END):
        if content:
            found.append(Delta(channel, chat_id, content, stream))
        if metadata.get(_ANSWER_END):
            resuming = metadata.get("_resuming") is True
            found.append(StreamEnd(channel, chat_id, stream.ended(resuming=resuming)))
        return found
    rest = {key: value for key, value in metadata.items() if key not in _KEYS}
    return (msgspec.structs.replace(message, metadata=rest),)


def _stream(known: StreamMetadata, metadata: Mapping[str, object]) -> StreamMetadata:
    if known.stream_id is None:
        for named in map(metadata.get, _STREAM_IDS):
            if isinstance(named, str) and named:
                return known.of(named)
    return known
