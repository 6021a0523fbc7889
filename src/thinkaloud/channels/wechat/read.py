"""Converts WeChat's messages to the layer's. Pure."""

from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Final

from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Sender,
)
from thinkaloud.channels.wechat.protocol import (
    FROM_BOT,
    GENERATING,
    TEXT,
    VOICE,
    Item,
    Media,
    Message,
)

Download = Callable[[Media, str], Fetch]
"""Makes the function that downloads a file with this key in hexadecimal digits, or its own."""

_MAX_ID: Final = 200
_MAX_DEPTH: Final = 2


def read_message(
    channel: str, message: Message, account: str, download: Download
) -> ChatMessage | None:
    """Return a message; None if there is nothing to handle.

    Bots can't be in groups, so messages of groups are ignored rather than answered to one person.
    """
    sender = message.from_user_id
    if not sender or len(sender) > _MAX_ID or sender == account:
        return None
    if message.group_id or message.delete_time_ms or message.message_state == GENERATING:
        return None
    is_bot = message.message_type == FROM_BOT or sender.endswith("@im.bot")
    return ChatMessage(
        chat=ChatAddress(channel, sender),
        sender=Sender(sender, is_bot=is_bot),
        message_id=_message_id(message),
        text="\n".join([text for item in message.item_list if (text := _text(item))]),
        is_group=False,
        files=[file for item in message.item_list for file in _files(item, download)],
        quoted="\n".join([text for item in message.item_list if (text := _quoted(item))]),
        sent_at_ms=message.create_time_ms,
        token=message.context_token,
    )


def _message_id(message: Message) -> str:
    """Return the id of a message; without one, what it consists of identifies it."""
    for each in (message.message_id, message.client_id, message.seq):
        if each:
            return str(each)[:_MAX_ID]
    texts = [_text(item) for item in message.item_list]
    return sha256(repr((message.create_time_ms, texts)).encode()).hexdigest()[:32]


def _text(item: Item) -> str:
    if item.type == TEXT and item.text_item is not None:
        return item.text_item.text
    if item.type == VOICE and item.voice_item is not None:
        return item.voice_item.text
    return ""


def _quoted(item: Item, depth: int = 0) -> str:
    quoted = item.ref_msg
    if quoted is None or depth >= _MAX_DEPTH:
        return ""
    text = _text(quoted.message_item) if quoted.message_item is not None else ""
    return "\n".join([part for part in (quoted.title, text) if part])


def _files(item: Item, download: Download) -> Iterator[InboundFile]:
    if item.image_item is not None and (media := _usable(item.image_item.media)):
        fetch = download(media, item.image_item.aeskey)
        yield InboundFile("image.jpg", "image/jpeg", None, fetch)
    elif item.file_item is not None and (media := _usable(item.file_item.media)):
        digits = str(item.file_item.len)
        size = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None
        name = item.file_item.file_name or "file"
        yield InboundFile(name, "application/octet-stream", size, download(media, ""))
    elif item.video_item is not None and (media := _usable(item.video_item.media)):
        yield InboundFile("video.mp4", "video/mp4", None, download(media, ""))
    elif (
        item.voice_item is not None
        and not item.voice_item.text
        and (media := _usable(item.voice_item.media))
    ):
        yield InboundFile("voice.silk", "audio/silk", None, download(media, ""))


def _usable(media: Media | None) -> Media | None:
    return media if media and (media.encrypt_query_param or media.full_url) else None
