"""What Feishu sends, as messages and button presses. Pure, except for the downloads that a message offers.

Events: https://open.feishu.cn/document/server-docs/im-v1/message/events/receive
"""

import json
import mimetypes
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from thinkaloud.channels.platform.actions import COMMANDS
from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Origin,
    Sender,
)

Json = Mapping[str, Any]
FetchOf = Callable[[str, str, str], Fetch]
"""Message id, key, kind (`image` or `file`)."""

_MESSAGE: Final = "im.message.receive_v1"
_BUTTON: Final = "card.action.trigger"
_MENU: Final = "application.bot.menu_v6"
_MENTION: Final = re.compile(r"@_user_\d+|@_all")
_COMMANDS: Final = frozenset(command.name for command in COMMANDS)


class Press(msgspec.Struct, frozen=True):
    """Somebody pressed a button of a card."""

    chat: ChatAddress
    origin: Origin
    action: str


class Reader:
    """Reads the events of one bot."""

    def __init__(self, channel: str, open_id: str, fetch_of: FetchOf) -> None:
        self._channel = channel
        self._open_id = open_id
        self._fetch_of = fetch_of

    def read(self, body: Json) -> ChatMessage | Press | None:
        """Return what an event says; None if it says nothing to this channel."""
        event = _table(body, "event")
        match _table(body, "header").get("event_type"):
            case str(kind) if kind == _MESSAGE:
                return self._message(event)
            case str(kind) if kind == _BUTTON:
                return self._press(event)
            case str(kind) if kind == _MENU:
                return self._menu(event, _table(body, "header"))
            case _:
                return None

    def _message(self, event: Json) -> ChatMessage | None:
        message, sender = _table(event, "message"), _table(event, "sender")
        message_id, chat_id = _string(message, "message_id"), _string(message, "chat_id")
        open_id = _string(_table(sender, "sender_id"), "open_id")
        is_bot = sender.get("sender_type") != "user" or open_id == self._open_id
        if not message_id or not chat_id:
            return None
        is_group = message.get("chat_type") != "p2p"
        content = _decoded(message.get("content"))
        names, mentioned = self._mentions(message.get("mentions"))
        text = _MENTION.sub(lambda found: names.get(found.group(), found.group()), _text(content))
        return ChatMessage(
            chat=self._chat(message, open_id, is_group=is_group),
            sender=Sender(open_id, is_bot=is_bot),
            message_id=message_id,
            text=text.strip(),
            is_group=is_group,
            mentioned=mentioned,
            files=self._files(message_id, _string(message, "message_type"), content),
            reply_to=_string(message, "parent_id") or None,
            sent_at_ms=_milliseconds(message.get("create_time")),
        )

    def _chat(self, message: Json, open_id: str, *, is_group: bool) -> ChatAddress:
        """Return the conversation: in direct chats, the person's id, which menus and buttons know too."""
        thread = _string(message, "thread_id") or None
        chat_id = _string(message, "chat_id") if is_group else open_id
        return ChatAddress(self._channel, chat_id, thread)

    def _mentions(self, found: object) -> tuple[Mapping[str, str], bool]:
        """Return what replaces each mention in the text, and whether the bot is mentioned."""
        names: dict[str, str] = {"@_all": "@all"}
        mentioned = False
        for mention in _tables(found):
            key = _string(mention, "key")
            if _table(mention, "id").get("open_id") == self._open_id:
                names[key], mentioned = "", True
            else:
                names[key] = f"@{_string(mention, 'name')}"
        return names, mentioned

    def _files(self, message_id: str, kind: str, content: Json) -> Sequence[InboundFile]:
        if kind == "post":
            nodes = [node for line in _lines(content) for node in line]
            keys = [_string(node, "image_key") for node in nodes if node.get("tag") == "img"]
            return [self._image(message_id, key) for key in keys if key]
        key = _string(content, "image_key")
        if kind == "image" and key:
            return [self._image(message_id, key)]
        key = _string(content, "file_key")
        if kind not in {"file", "audio", "media"} or not key:
            return []
        name = _string(content, "file_name") or ("voice.opus" if kind == "audio" else "file")
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        fetch = self._fetch_of(message_id, key, "file")
        return [InboundFile(name, media_type, None, fetch)]

    def _image(self, message_id: str, key: str) -> InboundFile:
        fetch = self._fetch_of(message_id, key, "image")
        return InboundFile("image.png", "image/png", None, fetch)

    def _press(self, event: Json) -> Press | None:
        """Read a button. A card can be forwarded, so the button's own word about its chat isn't taken."""
        value = _table(_table(event, "action"), "value")
        context = _table(event, "context")
        open_id = _string(_table(event, "operator"), "open_id")
        action, chat_id = _string(value, "action"), _string(context, "open_chat_id")
        if not action or not open_id or not chat_id:
            return None
        is_group = value.get("group") is True
        thread = _string(value, "thread") or None
        chat = ChatAddress(self._channel, chat_id if is_group else open_id, thread)
        origin = Origin(Sender(open_id), _string(context, "open_message_id"), is_group)
        return Press(chat, origin, action)

    def _menu(self, event: Json, header: Json) -> ChatMessage | None:
        """Read an entry of the bot's menu whose event is named like a command."""
        name = _string(event, "event_key").removeprefix("/")
        open_id = _string(_table(_table(event, "operator"), "operator_id"), "open_id")
        if name not in _COMMANDS or not open_id:
            return None
        return ChatMessage(
            chat=ChatAddress(self._channel, open_id),
            sender=Sender(open_id),
            message_id=_string(header, "event_id"),
            text=f"/{name}",
            is_group=False,
        )


def read_parent(item: Json, app_id: str) -> tuple[str, bool]:
    """Return the text of a message that another replies to, and whether the app sent it."""
    sender = _table(item, "sender")
    is_own = sender.get("sender_type") == "app" and sender.get("id") == app_id
    if item.get("msg_type") not in {"text", "post"}:
        return "", is_own
    names = {
        _string(each, "key"): f"@{_string(each, 'name')}" for each in _tables(item.get("mentions"))
    }
    text = _text(_decoded(_table(item, "body").get("content")))
    return _MENTION.sub(lambda found: names.get(found.group(), found.group()), text), is_own


def _text(content: Json) -> str:
    """Return the text of a `text` or `post` message."""
    if isinstance(content.get("text"), str):
        return _string(content, "text")
    lines = ["".join([_node(node) for node in line]) for line in _lines(content)]
    title = _string(content, "title")
    return "\n".join([*([title] if title else []), *lines])


def _node(node: Json) -> str:
    match node.get("tag"):
        case "at":
            return _string(node, "user_id") or "@all"
        case "a":
            text, address = _string(node, "text"), _string(node, "href")
            return address if text in {"", address} else f"{text} ({address})"
        case "code_block":
            return f"\n```{_string(node, 'language').lower()}\n{_string(node, 'text')}\n```\n"
        case "emotion":
            return f":{_string(node, 'emoji_type')}:"
        case "hr":
            return "\n---\n"
        case _:
            return _string(node, "text")


def _lines(content: Json) -> Sequence[Sequence[Json]]:
    """Return the paragraphs of a `post`, which may be wrapped in a language."""
    found = content.get("content")
    if not isinstance(found, list):
        languages = _tables(list(content.values()))
        found = languages[0].get("content") if languages else None
    lines = cast("list[object]", found) if isinstance(found, list) else []
    return [_tables(line) for line in lines]


def _decoded(content: object) -> Json:
    if not isinstance(content, str):
        return {}
    try:
        found: object = json.loads(content)
    except ValueError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}


def _table(table: Json, key: str) -> Json:
    found = table.get(key)
    return cast("Json", found) if isinstance(found, dict) else {}


def _tables(found: object) -> list[Json]:
    items = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Json", item) for item in items if isinstance(item, dict)]


def _string(table: Json, key: str) -> str:
    found = table.get(key)
    return found if isinstance(found, str) else ""


def _milliseconds(found: object) -> int | None:
    return int(found) if isinstance(found, str) and found.isdecimal() else None
