"""What comes in through channels."""

from typing import Protocol

import msgspec


class InboundMessage(msgspec.Struct, frozen=True):
    """Something that a person said in a chat of a channel."""

    channel: str
    chat_id: str
    """The platform's own name of the chat, whatever its form."""
    text: str
    message_id: str | None = None
    """The platform's own name of the message: delivered twice, it is answered once."""


class Inbox(Protocol):
    """Takes what people say."""

    async def __call__(self, message: InboundMessage, /) -> None:
        """Answer a message in its chat. Returns once the run has begun, or was refused in words."""
        ...
