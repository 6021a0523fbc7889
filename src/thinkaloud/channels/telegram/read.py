"""Converts a message of Telegram into a `ChatMessage`. Pure."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Origin,
    Sender,
)
from thinkaloud.channels.telegram.updates import CallbackQuery, Chat, Entity, File, Message, User

Download = Callable[[str], Fetch]
"""Returns the function that downloads a file by its id."""

_FILES: Final = (
    ("document", "file", "application/octet-stream"),
    ("audio", "audio.mp3", "audio/mpeg"),
    ("voice", "voice.ogg", "audio/ogg"),
    ("video", "video.mp4", "video/mp4"),
    ("video_note", "video.mp4", "video/mp4"),
    ("animation", "animation.mp4", "video/mp4"),
)
"""The fields of a message with a file, and what a file without name and type is."""


def read_message(
    channel: str, message: Message, me: User, download: Download, *, edited: bool = False
) -> ChatMessage | None:
    """Convert a message; None if it has neither text nor a file, or addresses another bot."""
    text, entities = message.text or message.caption, message.entities or message.caption_entities
    mentioned, text, other = _addressed(text, entities, me)
    if text.partition(" ")[0] == "/start":
        text = "/help"  # The button that everybody has to press first.
    files = _files(message, download)
    if other or message.sender is None or not (text or files):
        return None
    replied = message.reply_to_message
    to_me = replied is not None and replied.sender is not None and replied.sender.id == me.id
    if replied is not None and replied.message_id == message.message_thread_id:
        to_me = False  # In a topic, every message refers to the one that opened it.
    return ChatMessage(
        chat=address_of(channel, message),
        sender=_sender(message),
        message_id=str(message.message_id),
        text=text,
        is_group=message.chat.type != "private",
        mentioned=mentioned or to_me,
        files=files,
        reply_to=str(replied.message_id) if replied else None,
        quoted=_quoted(message, to_me=to_me),
        edited=edited,
        sent_at_ms=(message.edit_date or message.date) * 1000,
    )


def read_album(messages: Sequence[ChatMessage]) -> ChatMessage:
    """Join the messages of an album, of which one has the text, into one message."""
    first = messages[0]
    return msgspec.structs.replace(
        first,
        text="\n".join(message.text for message in messages if message.text),
        mentioned=any(message.mentioned for message in messages),
        files=tuple(file for message in messages for file in message.files),
    )


def read_choice(channel: str, query: CallbackQuery) -> tuple[ChatAddress, Origin] | None:
    """Return where a button was pressed and by whom; None if the message is too old to tell."""
    if query.message is None:
        return None
    message = query.message
    origin = Origin(
        person(query.sender),
        str(message.message_id),
        is_group=message.chat.type != "private",
        token=query.id,
    )
    return address_of(channel, message), origin


def address_of(channel: str, message: Message) -> ChatAddress:
    """Return the conversation of a message: the chat, or a topic in it."""
    topic = message.message_thread_id if message.is_topic_message else None
    return chat_address(channel, message.chat, topic)


def chat_address(channel: str, chat: Chat, topic: int | None) -> ChatAddress:
    """Return the address of a chat or of a topic in it."""
    return ChatAddress(channel, str(chat.id), None if topic is None else str(topic))


def person(user: User) -> Sender:
    """Return a user as a sender."""
    name = f"{user.first_name} {user.last_name}".strip() or user.username
    return Sender(str(user.id), name, user.is_bot)


def _sender(message: Message) -> Sender:
    """Return who wrote a message. Anonymous administrators and channels are no persons."""
    assert message.sender is not None
    sender = person(message.sender)
    if message.sender_chat is not None or message.is_automatic_forward:
        return msgspec.structs.replace(sender, is_bot=True)
    return sender


def _addressed(text: str, entities: Sequence[Entity], me: User) -> tuple[bool, str, bool]:
    """Return whether a text mentions the bot, the text without the mention, and whether it is for another bot."""
    data = text.encode("utf-16-le", "surrogatepass")
    name = f"@{me.username}".lower()
    mentioned = False
    for entity in sorted(entities, key=lambda entity: -entity.offset):
        start, end = entity.offset * 2, (entity.offset + entity.length) * 2
        marked = data[start:end].decode("utf-16-le", "replace")
        if entity.type == "bot_command" and "@" in marked:
            command, _, bot = marked.partition("@")
            if f"@{bot}".lower() != name:
                if start == 0:
                    return False, text, True
                continue
            data = data[:start] + command.encode("utf-16-le") + data[end:]
            mentioned = True
        elif (entity.type == "mention" and marked.lower() == name) or (
            entity.type == "text_mention" and entity.user is not None and entity.user.id == me.id
        ):
            space = " ".encode("utf-16-le")
            if data[end : end + 2] == space and data[max(start - 2, 0) : start] in {b"", space}:
                end += 2
            data = data[:start] + data[end:]
            mentioned = True
    return mentioned, data.decode("utf-16-le", "replace").strip(), False


def _files(message: Message, download: Download) -> Sequence[InboundFile]:
    if message.photo:
        largest = max(message.photo, key=lambda file: file.file_size or 0)
        return (_file(largest, "photo.jpg", "image/jpeg", download),)
    for field, name, media_type in _FILES:
        found: File | None = getattr(message, field)
        if found is not None:
            return (_file(found, name, media_type, download),)
    return ()


def _file(file: File, name: str, media_type: str, download: Download) -> InboundFile:
    return InboundFile(
        file.file_name or name,
        file.mime_type or media_type,
        file.file_size,
        download(file.file_id),
    )


def _quoted(message: Message, *, to_me: bool) -> str:
    """Return what a message replies to. The bot's own messages are part of the conversation already."""
    if message.quote is not None:
        return message.quote.text
    replied = message.reply_to_message
    if replied is None or to_me:
        return ""
    return replied.text or replied.caption
