"""What the Bot API sends, as far as this channel reads it.

Fields that are not listed are ignored, so that a newer version of the API can't stop the channel from receiving.
Source: Telegram, "Update" and "Message"; https://core.telegram.org/bots/api.
"""

from collections.abc import Sequence

import msgspec


class User(msgspec.Struct, frozen=True):
    """A person or a bot."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""


class Chat(msgspec.Struct, frozen=True):
    """A chat. The id of a private chat is the person's, that of a group is negative."""

    id: int
    type: str


class Entity(msgspec.Struct, frozen=True):
    """A marked part of a text; positions are in UTF-16 code units."""

    type: str
    offset: int
    length: int
    user: User | None = None


class File(msgspec.Struct, frozen=True):
    """A file of any kind."""

    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: int | None = None


class Quote(msgspec.Struct, frozen=True):
    """The part of a message that somebody chose to reply to."""

    text: str


class Message(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """A message."""

    message_id: int
    date: int
    chat: Chat
    sender: User | None = None
    sender_chat: Chat | None = None
    is_automatic_forward: bool = False
    message_thread_id: int | None = None
    is_topic_message: bool = False
    edit_date: int | None = None
    media_group_id: str | None = None
    text: str = ""
    caption: str = ""
    entities: Sequence[Entity] = ()
    caption_entities: Sequence[Entity] = ()
    reply_to_message: "Message | None" = None
    quote: Quote | None = None
    photo: Sequence[File] = ()
    document: File | None = None
    audio: File | None = None
    voice: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None


class CallbackQuery(msgspec.Struct, frozen=True, rename={"sender": "from"}):
    """Somebody pressed a button under a message. `message` is None if that is too old."""

    id: str
    sender: User
    message: Message | None = None
    data: str = ""


class Stopped(msgspec.Struct, frozen=True):
    """Somebody pressed the stop button of a draft. Only in private chats, so the chat is the person."""

    chat: Chat
    draft_id: int
    message_thread_id: int | None = None


class Update(msgspec.Struct, frozen=True):
    """Something that happened: exactly one of the fields."""

    update_id: int
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: CallbackQuery | None = None
    stopped_message_generation: Stopped | None = None


KINDS = ("message", "edited_message", "callback_query", "stopped_message_generation")
"""The kinds of updates to ask for: others are never sent, these not without being asked for."""
