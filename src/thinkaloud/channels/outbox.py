"""The bounded queue of one chat of one channel, and its delivery in order."""

import asyncio
import itertools
import logging
from collections import deque
from typing import Final, assert_never

from thinkaloud.channels.channel import BaseChannel
from thinkaloud.channels.message import (
    Delta,
    Outbound,
    OutboundMessage,
    StreamEnd,
    StreamMetadata,
    ThoughtDelta,
    ThoughtEnd,
)
from thinkaloud.channels.segment_normalizer import SegmentNormalizer
from thinkaloud.errors import Conflict

MAX_WAITING: Final = 1_000
"""Maximum number of items queued for one chat; merged deltas count once."""
MAX_CHARS: Final = 1_000_000
"""Maximum number of characters queued for one chat."""
_EASY_CHARS: Final = 65_536
_EASY_WAITING: Final = 64

_numbers: Final = itertools.count(1)
_log = logging.getLogger(__name__)


class _Piece:
    """A queued item, with the text of the deltas merged into it."""

    __slots__ = ("item", "size", "texts")

    def __init__(self, item: Outbound) -> None:
        self.item = item
        self.texts = [item.text] if isinstance(item, Delta | ThoughtDelta) else []
        self.size = len(item.content) if isinstance(item, OutboundMessage) else 0
        self.size += sum(map(len, self.texts))

    def take(self, item: Outbound) -> bool:
        """Merge a delta that continues this one. The result has the metadata of the last delta."""
        mine = self.item
        if not isinstance(mine, Delta | ThoughtDelta) or type(item) is not type(mine):
            return False
        assert isinstance(item, Delta | ThoughtDelta)
        if (item.stream.stream_id, item.stream.part) != (mine.stream.stream_id, mine.stream.part):
            return False
        self.item = item
        self.texts.append(item.text)
        self.size += len(item.text)
        return True


class Outbox:
    """The queue of one chat. `put` never waits; `deliver` runs as a task while items are queued.

    While delivery is slow, deltas of the same segment are coalesced. When the queue is full, queued
    reasoning is dropped, but never an answer. Reasoning does not delay an answer either: a call
    that takes longer than `reasoning_seconds` is cancelled, and the rest of its segment is dropped.
    """

    def __init__(self, channel: BaseChannel, chat_id: str, reasoning_seconds: float) -> None:
        self.delivering = False
        """Whether a delivery task is running."""
        self._channel = channel
        self._chat_id = chat_id
        self._reasoning_seconds = reasoning_seconds
        self._stretches = SegmentNormalizer(
            channel.name, chat_id, lambda: f"stream-{next(_numbers)}"
        )
        self._waiting: deque[_Piece] = deque()
        self._chars = 0
        self._started: str | None = None
        self._given_up: str | None = None
        self._whole: list[str] = []
        self._eased = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is queued, open or being delivered."""
        return not (self._waiting or self.delivering or self._whole or self._stretches.is_open)

    def put(self, item: Outbound) -> None:
        """Queue an item for delivery. Raises `Conflict` if the queue is full."""
        if self._is_full():
            self._drop_reasoning()
        if self._is_full():
            raise Conflict(
                f"Too many messages are queued for chat {self._chat_id!r} of channel"
                f" {self._channel.name!r}."
            )
        for each in self._stretches.order(item):
            self._append(each)

    def cut(self) -> None:
        """End all open segments: no more items will follow."""
        for each in self._stretches.cut():
            self._append(each)

    async def room(self) -> None:
        """Wait until the queue is short: backpressure for sources that can wait."""
        while self._chars > _EASY_CHARS or len(self._waiting) > _EASY_WAITING:
            self._eased.clear()
            await self._eased.wait()

    async def deliver(self) -> None:
        """Deliver all queued items in order. Exceptions of the channel are logged."""
        try:
            while self._waiting:
                piece = self._waiting.popleft()
                self._chars -= piece.size
                self._eased.set()
                try:
                    await self._call(piece)
                except Exception:  # noqa: BLE001 - a plugin may raise anything; its chat continues
                    _log.exception("channel %s: could not deliver a message", self._channel.name)
        finally:
            self.delivering = False

    def _is_full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING or self._chars >= MAX_CHARS

    def _append(self, item: Outbound) -> None:
        before = self._waiting[-1] if self._waiting else None
        size = before.size if before is not None else 0
        if before is not None and before.take(item):
            self._chars += before.size - size
            return
        piece = _Piece(item)
        self._waiting.append(piece)
        self._chars += piece.size

    def _drop_reasoning(self) -> None:
        kept = [piece for piece in self._waiting if not isinstance(piece.item, ThoughtDelta)]
        dropped = len(self._waiting) - len(kept)
        if dropped:
            _log.warning(
                "channel %s is slow: dropped %d reasoning updates", self._channel.name, dropped
            )
        self._waiting = deque(kept)
        self._chars = sum(piece.size for piece in kept)

    async def _call(self, piece: _Piece) -> None:
        item, channel, chat_id = piece.item, self._channel, self._chat_id
        match item:
            case OutboundMessage():
                await channel.send(item)
            case Delta():
                item.stream["_stream_delta"] = True
                await self._answer("".join(piece.texts), item.stream)
            case StreamEnd():
                item.stream["_stream_end"] = True
                await self._end_answer(item)
            case ThoughtDelta():
                item.stream["_reasoning_delta"] = True
                await self._think("".join(piece.texts), item.stream)
            case ThoughtEnd():
                # If all deltas of a segment were dropped, the channel never saw it start.
                started, self._started = self._started, None
                if started == item.stream.stream_id:
                    item.stream["_reasoning_end"] = True
                    async with asyncio.timeout(self._reasoning_seconds):
                        await channel.send_reasoning_end(chat_id, item.stream)
            case _:
                assert_never(item)

    async def _think(self, text: str, stream: StreamMetadata) -> None:
        if stream.stream_id == self._given_up:
            return
        self._started = stream.stream_id
        limit = asyncio.timeout(self._reasoning_seconds)
        try:
            async with limit:
                await self._channel.send_reasoning_delta(self._chat_id, text, stream)
        finally:
            if limit.expired():
                self._given_up = stream.stream_id

    async def _answer(self, text: str, stream: StreamMetadata) -> None:
        if self._channel.streams:
            await self._channel.send_delta(self._chat_id, text, stream)
        else:
            self._whole.append(text)

    async def _end_answer(self, item: StreamEnd) -> None:
        if self._channel.streams:
            await self._channel.send_stream_end(self._chat_id, item.stream)
            return
        # Later segments start with a blank line, which only streamed text needs.
        text, self._whole = "".join(self._whole).removeprefix("\n\n"), []
        await self._channel.send(
            OutboundMessage(item.channel, item.chat_id, text, stream=item.stream)
        )
