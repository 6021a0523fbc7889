"""What a channel is: the way out to one kind of place where people read and write."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping

from thinkaloud.channels.bus import ChannelConfig, MessageBus
from thinkaloud.channels.host import Exchange, InboundMessage
from thinkaloud.channels.message import OutboundMessage, StreamMetadata
from thinkaloud.channels.settings import ChannelSettings
from thinkaloud.errors import InternalError

_log = logging.getLogger(__name__)


class BaseChannel(ABC):
    """A channel. Plugins subclass it; the entry point names the class (`docs/reference/channels.md`).

    Calls for one chat come one after the other, in order; calls for different chats come side by
    side. A call may take its time and may raise: what it raises is logged, and the chat goes on.
    Without an exchange it stands alone: `receive`, `stop_run` and `dispatch` raise `InternalError`.
    """

    def __init__(
        self,
        name: str | ChannelConfig,
        settings: ChannelSettings | MessageBus,
        exchange: Exchange | None = None,
    ) -> None:
        self._by_bus = isinstance(name, ChannelConfig)
        if isinstance(name, ChannelConfig):
            name, settings, exchange = name.made_of
        assert isinstance(settings, ChannelSettings)
        self.name = name
        """As in `[channels.NAME]`."""
        self.settings = settings
        self.config = ChannelConfig(name, settings, exchange)
        """The options of `settings`, for channels made from `(config, bus)`; `bus` is theirs too."""
        self.bus = MessageBus(exchange)
        self._exchange = exchange

    @property
    def streams(self) -> bool:
        """Whether the answer goes out as it arrives. Without `send_delta` it goes out whole, by `send`."""
        return type(self).send_delta is not BaseChannel.send_delta

    async def receive(self, chat_id: str, text: str, *, message_id: str | None = None) -> None:
        """Answer what somebody said in a chat. Returns once the run has begun, or was refused there.

        With the platform's `message_id`, a message that is delivered twice is answered once.
        """
        await self._outside().receive(InboundMessage(self.name, chat_id, text, message_id))

    async def stop_run(self, chat_id: str) -> None:
        """Stop the run that goes on in a chat, and return when it has ended. Idempotent."""
        await self._outside().stop(self.name, chat_id)

    def dispatch(self, message: OutboundMessage) -> None:
        """Send a message, or reasoning by its metadata, to any chat of any channel. Never waits.

        Raises `NotFound` where there is no such channel, and `Conflict` where too much waits for
        the chat already; reasoning for a channel that is not there is dropped.
        """
        self._outside().dispatch(message)

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

    async def send_stream_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        """Say that a stretch of the answer is whole. `resuming`: the run goes on.

        By default nothing; a channel made from `(config, bus)` is told by an empty `send_delta`
        whose metadata has `_stream_end`.
        """
        if self._by_bus and self.streams:
            await self.send_delta(chat_id, "", metadata)

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
            metadata = metadata.of("reasoning")
        await self.send_reasoning_delta(msg.chat_id, msg.content, metadata)
        await self.send_reasoning_end(msg.chat_id, metadata)

    async def _handle_message(
        self,
        sender_id: str,
        chat_id: str,
        content: str,
        media: object = None,
        metadata: Mapping[str, object] | None = None,
        **others: object,
    ) -> None:
        """Answer somebody whom the option `allow_from` lets in: for channels made from a bus."""
        if not self.config.allows(str(sender_id)):
            _log.warning(
                "channel %s: %r is not in allow_from; the message is not answered",
                self.name,
                str(sender_id)[:100],
            )
            return
        if media:
            _log.warning("channel %s: files that come with a message are not read", self.name)
        found = (metadata or {}).get("message_id")
        message_id = str(found) if isinstance(found, str | int) else None
        await self.receive(str(chat_id), content, message_id=message_id)

    def _outside(self) -> Exchange:
        if self._exchange is None:
            raise InternalError(f"Channel {self.name!r} stands alone.")
        return self._exchange
