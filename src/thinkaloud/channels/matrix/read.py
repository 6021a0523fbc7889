"""Converts an event of Matrix into a `ChatMessage`. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any, Final, cast

import msgspec

from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Sender,
)

Download = Callable[[str, Mapping[str, Any] | None], Fetch]
"""Returns the function that downloads a file by its `mxc:` address; with the keys of an encrypted one."""

_TEXTS: Final = frozenset({"m.text", "m.emote", "m.notice", "m.location"})
_FILES: Final = frozenset({"m.image", "m.file", "m.audio", "m.video"})
_ADDRESS: Final = re.compile(r"mxc://(?=[^/]*[0-9A-Za-z])[0-9A-Za-z.:\[\]-]+/[0-9A-Za-z_=~-]+")
"""What becomes part of the path of a request: nothing that leads out of the media."""
_QUOTE: Final = re.compile(r"\A(?:>[^\n]*\n)+\n")
"""How older clients repeat the message that a message replies to."""
_STOP: Final = frozenset({"🛑", "⏹", "✋"})
_WHY: Final = frozenset({"💭", "🤔"})


class Room(msgspec.Struct, frozen=True):
    """What a message is read with."""

    room_id: str
    is_group: bool
    me: str
    """The bot's user id."""
    my_name: str = ""
    """The bot's display name in the room."""


class Reference(msgspec.Struct, frozen=True):
    """The message that another one replies to."""

    event_id: str
    is_mine: bool
    text: str


def read_message(
    channel: str,
    event: Mapping[str, Any],
    sender_name: str,
    room: Room,
    download: Download,
    replied: Reference | None = None,
) -> ChatMessage | None:
    """Convert a message; None if it isn't one, is the bot's own, or is an edit of one."""
    content = content_of(event)
    sender, event_id = event.get("sender"), event.get("event_id")
    kind, relation = content.get("msgtype"), _mapping(content.get("m.relates_to"))
    if not isinstance(sender, str) or not isinstance(event_id, str) or sender == room.me:
        return None
    if kind not in _TEXTS | _FILES or relation.get("rel_type") == "m.replace":
        return None
    mentioned = _mentions(content, room.me)
    text = _text(content, is_reply=reply_to(content) is not None)
    sent_at = event.get("origin_server_ts")
    return ChatMessage(
        chat=ChatAddress(channel, room.room_id, _thread(relation)),
        sender=Sender(sender, sender_name, is_bot=kind == "m.notice"),
        message_id=event_id,
        text=_without_mention(text, content, room) if mentioned else text.strip(),
        is_group=room.is_group,
        mentioned=mentioned or (replied is not None and replied.is_mine),
        files=_files(content, download),
        reply_to=reply_to(content),
        quoted=replied.text if replied is not None and not replied.is_mine else "",
        sent_at_ms=sent_at if isinstance(sent_at, int) else None,
    )


def reply_to(content: Mapping[str, Any]) -> str | None:
    """Return the id of the message that a person replied to. In threads, most messages name one only for older clients."""
    relation = _mapping(content.get("m.relates_to"))
    if relation.get("rel_type") == "m.thread" and relation.get("is_falling_back"):
        return None
    found = _mapping(relation.get("m.in_reply_to")).get("event_id")
    return found if isinstance(found, str) else None


def content_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content of an event."""
    return _mapping(event.get("content"))


def text_of(content: Mapping[str, Any]) -> str:
    """Return the text of a message that is quoted."""
    return _text(content, is_reply=True).strip()


def read_reaction(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the message that somebody reacted to and the action that the reaction stands for."""
    relation = _mapping(content_of(event).get("m.relates_to"))
    target, key = relation.get("event_id"), relation.get("key")
    if relation.get("rel_type") != "m.annotation" or not isinstance(target, str):
        return None
    name = key.rstrip("\ufe0f") if isinstance(key, str) else ""
    action = "stop" if name in _STOP else "why" if name in _WHY else None
    return None if action is None else (target, action)


def redacted_by(event: Mapping[str, Any]) -> str | None:
    """Return the id of the message that a redaction removes. Newer room versions have it in the content."""
    found = event.get("redacts") or content_of(event).get("redacts")
    return found if isinstance(found, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _thread(relation: Mapping[str, Any]) -> str | None:
    if relation.get("rel_type") != "m.thread":
        return None
    return _string(relation.get("event_id")) or None


def _text(content: Mapping[str, Any], *, is_reply: bool) -> str:
    text = _string(content.get("body"))
    if content.get("msgtype") in _FILES and _string(content.get("filename")) in {"", text}:
        return ""  # Without a caption, the body is the name of the file.
    return _QUOTE.sub("", text) if is_reply else text


def _mentions(content: Mapping[str, Any], me: str) -> bool:
    """Whether a message mentions the bot, by its id. Older clients only link it."""
    if isinstance(content.get("m.mentions"), dict):
        named = _mapping(content["m.mentions"]).get("user_ids")
        return isinstance(named, list) and me in cast("list[object]", named)
    return bool(_pills(content, me))


def _pills(content: Mapping[str, Any], me: str) -> Sequence[str]:
    """Return the texts of the links to the bot."""
    address = rf"https://matrix\.to/#/(?:{re.escape(me)}|{re.escape(me.replace('@', '%40'))})"
    pill = re.compile(rf'<a href="{address}[^"]*">([^<]*)</a>')
    return [unescape(text) for text in pill.findall(_string(content.get("formatted_body")))]


def _without_mention(text: str, content: Mapping[str, Any], room: Room) -> str:
    """Remove the bot's name from the start or the end of a text."""
    local = room.me.partition(":")[0]
    names = {*_pills(content, room.me), room.me, local, local[1:], room.my_name} - {""}
    for name in sorted(names, key=len, reverse=True):
        pattern = (
            rf"\A\s*@?{re.escape(name)}(?![\w.-])[:,]?\s*|\s*@?(?<![\w.-]){re.escape(name)}\s*\Z"
        )
        shorter, count = re.subn(pattern, "", text, count=1)
        if count:
            return shorter.strip()
    return text.strip()


def _files(content: Mapping[str, Any], download: Download) -> Sequence[InboundFile]:
    if content.get("msgtype") not in _FILES:
        return ()
    encrypted = _mapping(content.get("file")) or None
    url = _string((encrypted or content).get("url"))
    if not _ADDRESS.fullmatch(url):
        return ()
    info = _mapping(content.get("info"))
    size = info.get("size")
    name = _string(content.get("filename")) or _string(content.get("body")) or "file"
    return (
        InboundFile(
            name=name,
            media_type=_string(info.get("mimetype")) or "application/octet-stream",
            size=size if isinstance(size, int) and size >= 0 else None,
            fetch=download(url, encrypted),
        ),
    )
