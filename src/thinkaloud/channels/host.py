"""The interface between channels and the server."""

from typing import Protocol

import msgspec

from thinkaloud.channels.message import OutboundMessage


class InboundMessage(msgspec.Struct, frozen=True):
    """A message that a person sent in a chat."""

    channel: str
    chat_id: str
    """The platform's id of the chat, in any format."""
    text: str
    message_id: str | None = None
    """The platform's id of the message. A message that is delivered twice is answered once."""


class Exchange(Protocol):
    """Accepts messages from people and from plugins. Every channel gets one."""

    async def receive(self, message: InboundMessage, /) -> None:
        """Answer a message in its chat. Returns once the run has started or was refused there.

        Raises `NotFound` if the channel does not exist.
        """
        ...

    async def stop(self, channel: str, chat_id: str, /) -> None:
        """Stop the active run of a chat, if any, and return when it has ended."""
        ...

    def dispatch(self, message: OutboundMessage, /) -> None:
        """Route a message to its chat. Never waits. See `ChannelManager.dispatch`."""
        ...
