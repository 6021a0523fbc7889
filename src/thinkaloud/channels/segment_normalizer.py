"""Keeps the reasoning and answer segments of one chat well-formed, whatever plugins send. Pure.

At most one reasoning segment is open. It has an id, starts with text and ends once (P2).
"""

from collections.abc import Callable, Sequence
from typing import assert_never

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


class SegmentNormalizer:
    """Tracks the open segments of one chat. `new_id` returns ids for segments without one."""

    def __init__(self, channel: str, chat_id: str, new_id: Callable[[], str]) -> None:
        self._channel = channel
        self._chat_id = chat_id
        self._new_id = new_id
        self._reasoning: StreamMetadata | None = None
        self._answer: StreamMetadata | None = None
        self._closed: str | None = None
        self._renamed: dict[str, str] = {}

    @property
    def is_open(self) -> bool:
        """Whether a segment is open."""
        return self._reasoning is not None or self._answer is not None

    def order(self, item: Outbound) -> Sequence[Outbound]:
        """Return the items to deliver: adds missing ends before the item and drops empty items."""
        match item:
            case ThoughtDelta():
                return self._think(item) if item.text else ()
            case ThoughtEnd():
                return self._stop_thinking(item)
            case Delta():
                return self._answering(item) if item.text else ()
            case StreamEnd():
                return self._end_answer(item)
            case OutboundMessage():
                return (*self._close_reasoning(), item)
            case _:
                assert_never(item)

    def cut(self) -> Sequence[Outbound]:
        """Return the ends of all open segments: no more items will follow."""
        return (
            *self._close_reasoning(interrupted=True),
            *self._close_answer(interrupted=True),
        )

    def _think(self, item: ThoughtDelta) -> Sequence[Outbound]:
        ended = list(self._close_answer(resuming=True))
        stream = self._named(item.stream, self._reasoning)
        if self._reasoning is not None and self._reasoning.stream_id != stream.stream_id:
            ended.extend(self._close_reasoning())
        self._reasoning = stream
        return (*ended, msgspec.structs.replace(item, stream=stream))

    def _stop_thinking(self, item: ThoughtEnd) -> Sequence[Outbound]:
        opened, asked = self._reasoning, self._known(item.stream.stream_id)
        if opened is None or asked not in {None, opened.stream_id}:
            return ()
        self._reasoning, self._closed = None, opened.stream_id
        stream = item.stream.of(opened.stream_id)
        return (msgspec.structs.replace(item, stream=stream),)

    def _answering(self, item: Delta) -> Sequence[Outbound]:
        ended = list(self._close_reasoning())
        stream = self._named(item.stream, self._answer)
        if self._answer is not None and self._answer.stream_id != stream.stream_id:
            ended.extend(self._close_answer(resuming=True))
        self._answer = stream
        return (*ended, msgspec.structs.replace(item, stream=stream))

    def _end_answer(self, item: StreamEnd) -> Sequence[Outbound]:
        opened, asked = self._answer, self._known(item.stream.stream_id)
        ended = self._close_reasoning()
        if opened is None or asked not in {None, opened.stream_id}:
            return ended
        self._answer, self._closed = None, opened.stream_id
        stream = item.stream.of(opened.stream_id)
        return (*ended, msgspec.structs.replace(item, stream=stream))

    def _close_reasoning(self, *, interrupted: bool = False) -> Sequence[Outbound]:
        opened, self._reasoning = self._reasoning, None
        if opened is None:
            return ()
        self._closed = opened.stream_id
        stream = opened.ended(interrupted=interrupted)
        return (ThoughtEnd(self._channel, self._chat_id, stream),)

    def _close_answer(
        self, *, resuming: bool = False, interrupted: bool = False
    ) -> Sequence[Outbound]:
        opened, self._answer = self._answer, None
        if opened is None:
            return ()
        self._closed = opened.stream_id
        stream = opened.ended(resuming=resuming, interrupted=interrupted)
        return (StreamEnd(self._channel, self._chat_id, stream),)

    def _known(self, stream_id: str | None) -> str | None:
        return self._renamed.get(stream_id or "", stream_id)

    def _named(self, stream: StreamMetadata, opened: StreamMetadata | None) -> StreamMetadata:
        """Return metadata with the id of the segment to continue, or a new id, never a used one."""
        asked = self._known(stream.stream_id)
        if asked is not None and asked != self._closed:
            return stream.of(asked)
        if opened is not None:
            return stream.of(opened.stream_id)
        stream_id = self._new_id()
        if stream.stream_id is not None:
            self._renamed = {stream.stream_id: stream_id}
        return stream.of(stream_id)
