"""The one place that reads the metadata of plugins: an untyped message in, typed values out. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.message import (
    Outbound,
    OutboundMessage,
    StreamMetadata,
    ThoughtDelta,
    ThoughtEnd,
)

_DELTA: Final = "_reasoning_delta"
_END: Final = "_reasoning_end"
_WHOLE: Final = "_reasoning"
_KEYS: Final = frozenset({_DELTA, _END, _WHOLE})
_STREAM_ID: Final = "stream_id"


def read(message: OutboundMessage) -> Sequence[Outbound]:
    """Return what a plugin's message is: itself, or the reasoning that its metadata says it is.

    A key counts where its value is true. `_reasoning` is a delta and an end; so are `_reasoning_delta`
    and `_reasoning_end` together. Text that comes with the end alone is its last delta. Empty
    reasoning is no delta. `stream_id`, where it is a string, names the stretch.
    """
    metadata = message.metadata
    if _KEYS.isdisjoint(metadata):
        return (message,)
    whole, ends = bool(metadata.get(_WHOLE)), bool(metadata.get(_END))
    if not (whole or ends or metadata.get(_DELTA)):
        rest = {key: value for key, value in metadata.items() if key not in _KEYS}
        return (msgspec.structs.replace(message, metadata=rest),)
    stream = _stream(message.stream, metadata)
    found: list[Outbound] = []
    if message.content:
        found.append(ThoughtDelta(message.channel, message.chat_id, message.content, stream))
    if ends or (whole and message.content):
        found.append(ThoughtEnd(message.channel, message.chat_id, stream))
    return found


def _stream(known: StreamMetadata, metadata: Mapping[str, object]) -> StreamMetadata:
    named = metadata.get(_STREAM_ID)
    if known.stream_id is None and isinstance(named, str) and named:
        return msgspec.structs.replace(known, stream_id=named)
    return known
