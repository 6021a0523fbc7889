"""The channel `websocket`: messages from plugins, outside of a conversation's log.

Events of runs reach the sockets through the log, with a `seq`, and can be replayed. Messages that
plugins send to a chat have no `seq`: only the sockets subscribed at that moment receive them.
"""

from typing import Protocol

from typing_extensions import override

from thinkaloud.channels.channel import BaseChannel
from thinkaloud.channels.message import OutboundMessage, StreamMetadata
from thinkaloud.channels.settings import ChannelSettings, WebSocketSettings
from thinkaloud.ports.clock import Clock
from thinkaloud.server.wires.page.encode import encode_frame
from thinkaloud.server.wires.page.frames import (
    ChatDelta,
    ChatMessage,
    ChatReasoningDelta,
    ChatReasoningEnd,
    ChatStreamEnd,
    Place,
)

NAME = "websocket"

_Sent = ChatMessage | ChatDelta | ChatStreamEnd | ChatReasoningDelta | ChatReasoningEnd


class _SegmentPlace(Place):
    stream_id: str


class Receiver(Protocol):
    """A socket that follows a chat."""

    def offer(self, frame: bytes, /) -> None:
        """Queue a frame without blocking; a slow socket may drop its oldest queued frames."""
        ...


class WebSocketChannel(BaseChannel):
    """Broadcasts to the sockets subscribed to a chat; without subscribers, does nothing."""

    def __init__(self, settings: WebSocketSettings, clock: Clock) -> None:
        shared = ChannelSettings(settings.enabled, settings.allows_reasoning)
        # Messages from sockets start runs directly, without going through the channel.
        super().__init__(NAME, shared)
        self.socket_settings = settings
        self._clock = clock
        self._receivers: dict[str, dict[Receiver, bool]] = {}

    def subscribe(self, chat_id: str, receiver: Receiver, *, reasoning: bool) -> None:
        """Subscribe a socket to a chat, with or without reasoning."""
        self._receivers.setdefault(chat_id, {})[receiver] = reasoning

    def unsubscribe(self, chat_id: str, receiver: Receiver) -> None:
        """Remove the subscription, if any."""
        receivers = self._receivers.get(chat_id, {})
        receivers.pop(receiver, None)
        if not receivers:
            self._receivers.pop(chat_id, None)

    @override
    async def start(self) -> None:
        """Nothing to do: the server opens the sockets."""

    @override
    async def stop(self) -> None:
        """Nothing to do: the server closes the sockets."""

    @override
    async def send(self, msg: OutboundMessage) -> None:
        """Send a complete assistant message."""
        place = self._place(msg.chat_id, msg.stream)
        self._broadcast(ChatMessage(**place, role="assistant", text=msg.content))

    @override
    async def send_delta(self, chat_id: str, delta: str, metadata: StreamMetadata) -> None:
        """Send an answer delta; an empty one is ignored."""
        if delta:
            self._broadcast(ChatDelta(**self._segment(chat_id, metadata), text=delta))

    @override
    async def send_stream_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        """Announce the end of an answer segment."""
        self._broadcast(
            ChatStreamEnd(
                **self._segment(chat_id, metadata),
                resuming=metadata.resuming,
                interrupted=metadata.interrupted,
            )
        )

    @override
    async def send_reasoning_delta(
        self, chat_id: str, delta: str, metadata: StreamMetadata
    ) -> None:
        """Send a reasoning delta to subscribers with reasoning; an empty one is ignored."""
        if delta:
            segment = self._segment(chat_id, metadata)
            self._broadcast(ChatReasoningDelta(**segment, text=delta, part=metadata.part))

    @override
    async def send_reasoning_end(self, chat_id: str, metadata: StreamMetadata) -> None:
        """Announce the end of a reasoning segment to subscribers with reasoning."""
        self._broadcast(
            ChatReasoningEnd(
                **self._segment(chat_id, metadata),
                duration_ms=metadata.duration_ms or 0,
                interrupted=metadata.interrupted,
            )
        )

    def _place(self, chat_id: str, metadata: StreamMetadata) -> Place:
        return {
            "chat_id": chat_id,
            "run_id": metadata.run_id,
            "seq": metadata.seq,
            "at_ms": self._clock.unix_ms(),
        }

    def _segment(self, chat_id: str, metadata: StreamMetadata) -> _SegmentPlace:
        return {
            **self._place(chat_id, metadata),
            "stream_id": metadata.stream_id or "stream",
        }

    def _broadcast(self, frame: _Sent) -> None:
        thought = isinstance(frame, ChatReasoningDelta | ChatReasoningEnd)
        data = encode_frame(frame)
        for receiver, reasoning in list(self._receivers.get(frame.chat_id, {}).items()):
            if reasoning or not thought:
                receiver.offer(data)
