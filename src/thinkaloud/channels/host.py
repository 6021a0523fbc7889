"""Where channels meet the runs and each other."""

from typing import Protocol

import msgspec

from thinkaloud.channels.message import OutboundMessage


class InboundMessage(msgspec.Struct, frozen=True):
    """Something that a person said in a chat of a channel."""

    channel: str
    chat_id: str
    """The platform's own name of the chat, whatever its form."""
    text: str
    message_id: str | None = None
    """The platform's own name of the message: delivered twice, it is answered once."""


class Exchange(Protocol):
    """Takes what people say, and what plugins have to say. Every channel is given it."""

    async def receive(self, message: InboundMessage, /) -> None:
        """Answer a message in its chat. Returns once the run has begun, or was refused in words.

        Raises `NotFound` where there is no such channel.
        """
        ...

    async def stop(self, channel: str, chat_id: str, /) -> None:
        """Stop the run that goes on in a chat and return when it has ended; none: nothing."""
        ...

    def dispatch(self, message: OutboundMessage, /) -> None:
        """Route a message to its chat, as `ChannelManager.dispatch`. Never waits."""
        ...
