"""Reads WeCom's frames. Pure.

https://developer.work.weixin.qq.com/document/path/100719
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from thinkaloud.channels.platform.message import (
    ChatAddress,
    ChatMessage,
    Fetch,
    InboundFile,
    Sender,
)

Json = Mapping[str, Any]
MakeFetch = Callable[[str, str], Fetch]
"""Makes what downloads a file, from its address and its key."""

_LEADING: Final = re.compile(r"\s*@(?:[^\u2005\n]{1,64}\u2005|\S{1,64}(?:\s|$))\s*")
_TRAILING: Final = re.compile(r"\s+@\S{1,64}\s*$")
_FILES: Final = {"image": "image/*", "file": "application/octet-stream", "video": "video/*"}


class Reader:
    """Reads the frames of one bot's connection."""

    def __init__(self, channel: str, fetch_of: MakeFetch) -> None:
        self._channel = channel
        self._fetch_of = fetch_of

    def read(self, frame: Json) -> ChatMessage | None:
        """Return the message of a frame; None if it is something else, or malformed."""
        body = _object(frame.get("body"))
        user, message_id = _text(_object(body.get("from")).get("userid")), _text(body.get("msgid"))
        req_id = _text(_object(frame.get("headers")).get("req_id"))
        is_group = body.get("chattype") == "group"
        chat_id = _text(body.get("chatid")) if is_group else user
        kind = body.get("msgtype")
        if not (user and message_id and chat_id) or kind == "event":
            return None
        text, files = self._content(body)
        return ChatMessage(
            chat=ChatAddress(self._channel, chat_id),
            # A bot may not answer itself; other bots' messages are not pushed.
            sender=Sender(user, is_bot=user == body.get("aibotid")),
            message_id=message_id,
            text=without_mention(text) if is_group else text.strip(),
            is_group=is_group,
            mentioned=is_group,  # In groups, only mentions are pushed.
            files=files,
            quoted="\n".join(_texts(_object(body.get("quote")))),
            sent_at_ms=_seconds(body.get("create_time")),
            token=req_id,
        )

    def _content(self, body: Json) -> tuple[str, list[InboundFile]]:
        return "\n".join(_texts(body)), [
            self._file(number, kind, found) for number, (kind, found) in enumerate(_files(body), 1)
        ]

    def _file(self, number: int, kind: str, found: Json) -> InboundFile:
        name = _text(found.get("filename")) or _text(found.get("name")) or f"{kind}-{number}"
        size = found.get("filesize")
        return InboundFile(
            name,
            _FILES[kind],
            size if isinstance(size, int) else None,
            self._fetch_of(_text(found.get("url")), _text(found.get("aeskey"))),
        )


def event_type(frame: Json) -> str:
    """Return the type of an event; empty for other frames."""
    return _text(_object(_object(frame.get("body")).get("event")).get("eventtype"))


def without_mention(text: str) -> str:
    """Return the text without the mention of the bot, which is part of it: `@name ` or ` @name`."""
    found = _LEADING.match(text)
    if found is not None:
        return text[found.end() :].strip()
    return _TRAILING.sub("", text).strip()


def _texts(body: Json) -> Iterator[str]:
    for part in _parts(body):
        kind = part.get("msgtype")
        if isinstance(kind, str) and kind in {"text", "voice", "markdown"}:
            yield _text(_object(part.get(kind)).get("content"))


def _files(body: Json) -> Iterator[tuple[str, Json]]:
    for part in _parts(body):
        kind = part.get("msgtype")
        if isinstance(kind, str) and kind in _FILES and _text(_object(part.get(kind)).get("url")):
            yield kind, _object(part.get(kind))


def _parts(body: Json) -> Iterator[Json]:
    if body.get("msgtype") != "mixed":
        yield body
        return
    items = _object(body.get("mixed")).get("msg_item")
    if isinstance(items, list):
        for item in cast("list[object]", items):
            yield _object(item)


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> int | None:
    return value * 1000 if isinstance(value, int) and value > 0 else None
