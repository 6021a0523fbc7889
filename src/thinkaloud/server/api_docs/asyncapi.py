"""Generates the AsyncAPI 3.0 document of the WebSockets from the types of their messages."""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.server.api_docs.json_schema import FRAMES, Schema, schemas_of
from thinkaloud.server.schema.requests import ChatRequest, ResumeCommand, StopCommand
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.sockets.chat.socket import PATH, TOO_SLOW
from thinkaloud.server.sockets.page.socket import CHANNEL_PATH
from thinkaloud.server.wires.page.commands import COMMANDS, Said
from thinkaloud.server.wires.page.frames import Frame as ChannelFrame

_CHAT_FRAMES: Final[Sequence[type[msgspec.Struct]]] = ChannelFrame.__args__
_CHAT_COMMANDS: Final[Sequence[type[msgspec.Struct]]] = (*COMMANDS.values(), Said)
_CHATS: Final = "chats"
_COMMANDS: Final[Sequence[type[msgspec.Struct]]] = (ChatRequest, StopCommand, ResumeCommand)
_CHANNEL: Final = "chatStream"
_PLAIN: Final[Schema] = {
    "name": "text",
    "title": "PlainText",
    "summary": "A message to the connection's own chat: any text that is not a JSON object.",
    "contentType": "text/plain",
    "payload": {"type": "string"},
}
_STREAM_RULES: Final = (
    "A chat request starts a run (its `type` may be `message`). Further requests are queued and"
    " answered in order; requests that are still queued when the socket closes are discarded. A run"
    " ends with one `complete`, or with one `error` that has its `run_id`. An `error` whose"
    " `run_id` is null refuses a message and affects no run. `seq` increases within a conversation;"
    " missing numbers belong to events that this stream does not include. A run continues when its"
    " socket closes: reconnect and resume after the last `seq`. A conversation followed with"
    " `resume` includes the runs that this socket starts in it. Close code"
    f" {TOO_SLOW} means that the client read too slowly."
)
_CHATS_RULES: Final = (
    "One socket can follow many chats, and many sockets one chat. The first frame, `ready`, names"
    " the connection's own chat; text that is not a JSON object, and an object without `type`, is a"
    " message to that chat. The response to `attach` is `attached`, then every event after `after`,"
    " once and in order, or a `snapshot`; then live events. A `message` to a chat that is not"
    " attached also attaches it. A run ends with one `turn_end`. Every frame of a chat has"
    " `chat_id`, `run_id`, `seq` and `at_ms`. Adjacent deltas of one `stream_id` may be coalesced;"
    " they then have the last `seq`. `seq` and `run_id` are null in what a plugin sends outside of"
    " runs. An `error` refuses a frame of the client and affects nothing else. A run continues when"
    " its socket closes: reconnect and attach after the last `seq`. Close code"
    f" {TOO_SLOW} means that the client read too slowly."
)


def asyncapi_document(settings: ServerSettings, version: str, *, chats: bool) -> Schema:
    """Return the document of `/api/v1/chat/stream` and, if enabled, of `/ws`."""
    channels: Schema = {
        _CHANNEL: _channel(PATH, "Chat stream", _STREAM_RULES, _names((*FRAMES, *_COMMANDS)))
    }
    operations: Schema = {
        "take": _operation(_CHANNEL, "receive", "Messages from the client", _names(_COMMANDS)),
        "give": _operation(_CHANNEL, "send", "Messages from the server", _names(FRAMES)),
    }
    kinds = (*FRAMES, *_COMMANDS)
    messages: Schema = {}
    if chats:
        frames, commands = _names(_CHAT_FRAMES), [*_names(_CHAT_COMMANDS), str(_PLAIN["title"])]
        summaries = ("Commands from a chat page", "Frames for a chat page")
        channels[_CHATS] = _channel(CHANNEL_PATH, "Chat pages", _CHATS_RULES, [*frames, *commands])
        operations["takeChats"] = _operation(_CHATS, "receive", summaries[0], commands)
        operations["giveChats"] = _operation(_CHATS, "send", summaries[1], frames)
        kinds = (*kinds, *_CHAT_FRAMES, *_CHAT_COMMANDS)
        messages[str(_PLAIN["title"])] = _PLAIN
    _, components = schemas_of(kinds, (*_COMMANDS, *_CHAT_COMMANDS))
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "thinkaloud sockets",
            "version": version,
            "description": (
                "The events of a model's reasoning, answers and tool calls, as they happen."
            ),
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": _server(settings)},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": {**{kind.__name__: _message(kind) for kind in kinds}, **messages},
            "schemas": components,
        },
    }


def _server(settings: ServerSettings) -> Schema:
    server: Schema = {"host": f"{settings.host}:{settings.port}", "protocol": "ws"}
    return {**server, "pathname": settings.base_path} if settings.base_path else server


def _names(kinds: Sequence[type[msgspec.Struct]]) -> list[str]:
    return [kind.__name__ for kind in kinds]


def _channel(path: str, title: str, description: str, names: Sequence[str]) -> Schema:
    return {
        "address": path,
        "title": title,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(channel: str, action: str, summary: str, names: Sequence[str]) -> Schema:
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(kind: type[msgspec.Struct]) -> Schema:
    tag = kind.__struct_config__.tag
    return {
        "name": str(tag or "message"),
        "title": kind.__name__,
        "summary": (kind.__doc__ or "").partition("\n")[0],
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }
