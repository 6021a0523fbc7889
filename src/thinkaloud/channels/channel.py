"""The base class of channels: the connection to one chat platform."""

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
    """A channel. Plugins subclass it and register it by entry point (`docs/reference/channels.md`).

    Calls for one chat are sequential and in order; calls for different chats are concurrent. A call
    may be slow and may raise: exceptions are logged, and the chat continues.
    Without an exchange, `receive`, `stop_run` and `dispatch` raise `InternalError`.
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
        """The `NAME` in `[channels.NAME]`."""
        self.settings = settings
        self.config = ChannelConfig(name, settings, exchange)
        """The options of `settings`. Like `bus`, for channels built from `(config, bus)`."""
        self.bus = MessageBus(exchange)
        self._exchange = exchange

    @property
    def streams(self) -> bool:
        """Whether answers are streamed. Without `send_delta`, they are sent whole, with `send`."""
        return type(self).send_delta is not BaseChannel.send_delta

    async def receive(self, chat_id: str, text: str, *, message_id: str | None = None) -> None:
        """Answer a message from a chat. Returns once the run has started or was refused.

        With the platform's `message_id`, a message that is delivered twice is answered once.
        """
        await self._outside().receive(InboundMessage(self.name, chat_id, text, message_id))

    async def stop_run(self, chat_id: str) -> None:
        """Stop the active run of a chat and return when it has ended. Idempotent."""
        await self._outside().stop(self.name, chat_id)

    def dispatch(self, message: OutboundMessage) -> None:
        """Send a message, or reasoning if its metadata says so, to any chat. Never waits.

        Raises `NotFound` if the channel does not exist, and `Conflict` if the chat's queue is full.
        Reasoning for a channel that does not exist is dropped.
        """
        self._outside().dispatch(message)

    @abstractmethod
    async def start(self) -> None:
        """Start listening. Runs in its own task; may return, or run until it is cancelled."""

    @abstractmethod
    async def stop(self) -> None:
        """Release all resources. Called once, after the last message."""

    @abstractmethod
    async def send(self, msg: OutboundMessage) -> None:
        """Send a complete message."""

    async def send_delta(self, chat_id: str, delta: str, metadata: StreamMetadata) -> None:
        """Send the next piece of an answer, never empty. A new `stream_id` starts a new segment."""
        raise NotImplementedError(f"{self.name} does not stream")

    async def send_stream_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        """Mark the end of an answer segment. `resuming`: the run continues.

        Does nothing by default. A channel built from `(config, bus)` gets an empty `send_delta`
        with `_stream_end` in its metadata.
        """
        if self._by_bus and self.streams:
            await self.send_delta(chat_id, "", metadata)

    async def send_reasoning_delta(  # noqa: B027 - a channel may do without
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        """Send the next piece of reasoning, never empty. Does nothing by default."""

    async def send_reasoning_end(  # noqa: B027 - a channel may do without
        self, chat_id: str, metadata: StreamMetadata
    ) -> None:
        """Mark the end of a reasoning segment. Called once for each segment that was started."""

    async def send_reasoning(self, msg: OutboundMessage) -> None:
        """Send a complete reasoning segment: one delta and one end. Ignores empty reasoning."""
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
        """Answer a sender allowed by `allow_from`. For channels built from `(config, bus)`."""
        if not self.config.allows(str(sender_id)):
            _log.warning(
                "channel %s: ignored a message from %r, who is not in allow_from",
                self.name,
                str(sender_id)[:100],
            )
            return
        if media:
            _log.warning("channel %s: attachments are not supported and were ignored", self.name)
        found = (metadata or {}).get("message_id")
        message_id = str(found) if isinstance(found, str | int) else None
        await self.receive(str(chat_id), content, message_id=message_id)

    def _outside(self) -> Exchange:
        if self._exchange is None:
            raise InternalError(f"Channel {self.name!r} is not connected to a server.")
        return self._exchange
