"""A channel that records its calls, and blocks where a test asks for it."""

import asyncio
from typing import Any

from typing_extensions import override

from thinkaloud.channels import BaseChannel, ChannelSettings, Exchange
from thinkaloud.channels.message import OutboundMessage, StreamMetadata


class Recorder(BaseChannel):
    """Streams. `calls` has every call as (method, chat, text, stream id)."""

    def __init__(
        self,
        name: str = "rec",
        settings: ChannelSettings | None = None,
        exchange: Exchange | None = None,
    ) -> None:
        super().__init__(name, settings or ChannelSettings(), exchange)
        self.calls: list[tuple[str, str, str, str | None]] = []
        self.metadata: list[StreamMetadata] = []
        self.gates: dict[str, asyncio.Event] = {}
        """By chat: deliveries wait until it is set."""
        self.entered: dict[str, asyncio.Event] = {}
        """By chat: set once a delivery waits."""
        self.arrived = asyncio.Event()

    def hold(self, chat_id: str) -> None:
        self.gates[chat_id] = asyncio.Event()
        self.entered[chat_id] = asyncio.Event()

    async def until(self, count: int, chat_id: str | None = None) -> list[tuple[str, str]]:
        """Wait for this many calls of a chat and return their methods and texts."""
        while len(found := self.of(chat_id)) < count:
            self.arrived.clear()
            await self.arrived.wait()
        return found

    def of(self, chat_id: str | None = None) -> list[tuple[str, str]]:
        return [(call[0], call[2]) for call in self.calls if chat_id in {None, call[1]}]

    def ended(self) -> list[str | None]:
        """The stretches that are over, in order."""
        return [call[3] for call in self.calls if call[0] in {"reasoning_end", "stream_end"}]

    async def _take(
        self, method: str, chat_id: str, text: str, metadata: StreamMetadata | None = None
    ) -> None:
        if chat_id in self.gates:
            self.entered[chat_id].set()
            await self.gates[chat_id].wait()
        self.calls.append((method, chat_id, text, metadata.stream_id if metadata else None))
        if metadata is not None:
            self.metadata.append(metadata)
        self.arrived.set()

    @override
    async def start(self) -> None:
        await self._take("start", "", "")

    @override
    async def stop(self) -> None:
        await self._take("stop", "", "")

    @override
    async def send(self, msg: OutboundMessage) -> None:
        await self._take("send", msg.chat_id, msg.content)

    @override
    async def send_delta(self, chat_id: str, delta: str, metadata: StreamMetadata) -> None:
        await self._take("delta", chat_id, delta, metadata)

    @override
    async def send_stream_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        await self._take("stream_end", chat_id, "", metadata)

    @override
    async def send_reasoning_delta(
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        await self._take("reasoning_delta", chat_id, delta, metadata)

    @override
    async def send_reasoning_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        await self._take("reasoning_end", chat_id, "", metadata)


class Whole(BaseChannel):
    """Implements no more than it must."""

    def __init__(self, name: str = "whole") -> None:
        super().__init__(name, ChannelSettings())
        self.sent: list[str] = []
        self.arrived = asyncio.Event()

    @override
    async def start(self) -> None:
        """Nothing."""

    @override
    async def stop(self) -> None:
        """Nothing."""

    @override
    async def send(self, msg: OutboundMessage) -> None:
        self.sent.append(msg.content)
        self.arrived.set()


def message(content: str, chat_id: str = "c", channel: str = "rec", **metadata: Any) -> Any:
    return OutboundMessage(channel, chat_id, content, metadata)
