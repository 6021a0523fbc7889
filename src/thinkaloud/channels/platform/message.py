"""What a person sends: the same for every platform."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

Fetch = Callable[[int], Awaitable[bytes]]
"""Downloads a file. The argument is the most bytes to read; raises `Rejected` if it has more."""


class ChatAddress(msgspec.Struct, frozen=True, gc=False):
    """A place in a platform where a conversation happens. Each address is one conversation."""

    channel: str
    """The name of the channel: the section of the configuration."""
    chat_id: str
    """The platform's stable id of the chat: a person's, a room's, a group's."""
    thread_id: str | None = None
    """The platform's id of a thread in the chat, if conversations are held in threads."""


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Who sent a message."""

    id: str
    """The platform's stable id: never a display name or a user name that can change hands."""
    name: str = ""
    """The display name, for lists of people only."""
    is_bot: bool = False
    """Whether a program sent it. The layer ignores those."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The message that something answers. Persisted with the answer's delivery."""

    sender: Sender
    message_id: str
    """The platform's id of the message, unique within its chat."""
    is_group: bool = False
    token: str = ""
    """Whatever the platform needs to answer (a context token, a request id, a team). Opaque."""
    community: str = ""
    """The platform's id of what the group belongs to (a Discord server), if it has one."""


class InboundFile(msgspec.Struct, frozen=True, gc=False):
    """A file that a person attached."""

    name: str
    media_type: str
    """As the platform says; the layer determines the type by the content."""
    size: int | None
    """In bytes, if the platform says; it may be wrong."""
    fetch: Fetch


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message from a person, as a platform's `read.py` returns it."""

    chat: ChatAddress
    sender: Sender
    message_id: str
    """Unique within the chat. A message that arrives twice has the same id both times."""
    text: str
    """Plain text, without the mention of the bot. Commands (`/new`) stay in it."""
    is_group: bool
    """Whether more people than the sender can read the chat."""
    mentioned: bool = False
    """Whether it mentions the bot or replies to one of its messages, by ids and not by names."""
    files: Sequence[InboundFile] = ()
    reply_to: str | None = None
    """The id of the message that it replies to."""
    quoted: str = ""
    """The text of that message, if the platform says."""
    edited: bool = False
    """Whether it is a new version of an earlier message, under that message's id."""
    sent_at_ms: int | None = None
    """Unix milliseconds, by the platform's clock."""
    token: str = ""
    """See `Origin.token`."""
    community: str = ""
    """See `Origin.community`."""

    @property
    def origin(self) -> Origin:
        """What an answer to this message refers to."""
        return Origin(self.sender, self.message_id, self.is_group, self.token, self.community)
