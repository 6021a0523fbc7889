"""Adapter for channels written for other agents, whose base class is built from `(config, bus)`."""

import inspect
from collections.abc import Mapping
from typing import Protocol

from thinkaloud.channels.host import Exchange, InboundMessage
from thinkaloud.channels.message import OutboundMessage
from thinkaloud.channels.settings import ChannelSettings
from thinkaloud.errors import InternalError


class _Inbound(Protocol):
    @property
    def channel(self) -> str: ...
    @property
    def chat_id(self) -> str: ...
    @property
    def content(self) -> str: ...


class _Outbound(_Inbound, Protocol):
    @property
    def metadata(self) -> Mapping[str, object] | None: ...


class ChannelConfig(dict[str, object]):
    """A channel's options, as keys and attributes, and what else the base class needs."""

    def __init__(self, name: str, settings: ChannelSettings, exchange: Exchange | None) -> None:
        super().__init__(
            settings.options, enabled=settings.enabled, show_reasoning=settings.allows_reasoning
        )
        self.made_of = (name, settings, exchange)
        """The constructor arguments of a regular channel: name, settings and exchange."""

    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"[channels] has no {name!r} for this channel.") from None

    def allows(self, sender_id: str) -> bool:
        """Whether `allow_from` lists this sender or `*`. Without the option nobody is allowed."""
        allowed: object = self.get("allow_from") or self.get("allowFrom")
        return isinstance(allowed, list) and bool({"*", sender_id} & {*map(str, allowed)})  # pyright: ignore[reportUnknownArgumentType]


class MessageBus:
    """Forwards the messages that a channel publishes."""

    def __init__(self, exchange: Exchange | None) -> None:
        self._exchange = exchange

    async def publish_inbound(self, msg: _Inbound) -> None:
        """Answer a message from a chat. See `BaseChannel.receive`."""
        await self._outside().receive(InboundMessage(msg.channel, msg.chat_id, msg.content))

    async def publish_outbound(self, msg: _Outbound) -> None:
        """Send a message, or reasoning if its metadata says so. See `BaseChannel.dispatch`."""
        sent = OutboundMessage(msg.channel, msg.chat_id, msg.content, msg.metadata or {})
        self._outside().dispatch(sent)

    def _outside(self) -> Exchange:
        if self._exchange is None:
            raise InternalError("This channel is not connected to a server.")
        return self._exchange


def takes_bus(channel: type) -> bool:
    """Whether a channel class is built from `(config, bus)`."""
    names = [*inspect.signature(channel).parameters]
    return names[:2] == ["config", "bus"]
