"""What a channel is: the way out to one kind of place where people read and write."""

from abc import ABC, abstractmethod

import msgspec

from thinkaloud.channels.inbox import Inbox
from thinkaloud.channels.message import OutboundMessage, StreamMetadata
from thinkaloud.channels.settings import ChannelSettings


class BaseChannel(ABC):
    """A channel. Plugins subclass it; the entry point names the class (`docs/reference/channels.md`).

    Calls for one chat come one after the other, in order; calls for different chats come side by
    side. A call may take its time and may raise: what it raises is logged, and the chat goes on.
    """

    def __init__(self, name: str, settings: ChannelSettings, inbox: Inbox) -> None:
        self.name = name
        """As in `[channels.NAME]`."""
        self.settings = settings
        self.inbox = inbox
        """Where to put what people say: `await self.inbox(InboundMessage(...))`."""

    @property
    def streams(self) -> bool:
        """Whether the answer goes out as it arrives. Without `send_delta` it goes out whole, by `send`."""
        return type(self).send_delta is not BaseChannel.send_delta

    @abstractmethod
    async def start(self) -> None:
        """Begin to listen. Runs as a task of its own; may return, or go on until it is cancelled."""

    @abstractmethod
    async def stop(self) -> None:
        """Let go of everything. Called once, after the last message."""

    @abstractmethod
    async def send(self, msg: OutboundMessage) -> None:
        """Send a whole message."""

    async def send_delta(self, chat_id: str, delta: str, metadata: StreamMetadata) -> None:
        """Send more of an answer; never empty. The first of a `stream_id` begins it."""
        raise NotImplementedError(f"{self.name} does not stream")

    async def send_stream_end(  # noqa: B027 - a channel may do without
        self, chat_id: str, metadata: StreamMetadata
    ) -> None:
        """Say that a stretch of the answer is whole. `resuming`: the run goes on."""

    async def send_reasoning_delta(  # noqa: B027 - a channel may do without
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        """Send more reasoning; never empty. By default reasoning is not shown."""

    async def send_reasoning_end(  # noqa: B027 - a channel may do without
        self, chat_id: str, metadata: StreamMetadata
    ) -> None:
        """Say that a stretch of reasoning is over: once for each that began."""

    async def send_reasoning(self, msg: OutboundMessage) -> None:
        """Send a whole stretch of reasoning: one delta and one end. An empty one is nothing."""
        if not msg.content:
            return
        metadata = msg.stream
        if metadata.stream_id is None:
            metadata = msgspec.structs.replace(metadata, stream_id="reasoning")
        await self.send_reasoning_delta(msg.chat_id, msg.content, metadata)
        await self.send_reasoning_end(msg.chat_id, metadata)
