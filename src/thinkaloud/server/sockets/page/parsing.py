"""Parses a client's frame on `/ws` into a command. Errors name the invalid field."""

import re
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.runtime.runs.request import ID_PATTERN
from thinkaloud.server.http.parsing import NotJson, decode, has_lone_surrogate
from thinkaloud.server.http.problems import Refused
from thinkaloud.server.settings import ServerSettings
from thinkaloud.server.wires.page.commands import (
    COMMANDS,
    AnswerQuestion,
    Command,
    Decide,
    Envelope,
    Message,
    NewChat,
    Ping,
    Said,
)

_NAME: Final = re.compile(r"[!-~]{1,128}\Z")


class Address(msgspec.Struct, frozen=True):
    """The ids in a rejected frame, for the error response."""

    chat_id: str | None = None
    client_message_id: str | None = None


def read_frame(data: bytes, own_chat: str, settings: ServerSettings) -> Command:
    """Parse a frame. Anything but a JSON object is a plain text message to the socket's own chat.

    Raises `Refused` (400) if the frame is not UTF-8, is nested too deeply or contains a lone
    surrogate, and `InvalidRequest` with the field if a value is invalid.
    """
    if not data.lstrip().startswith(b"{"):
        return Message(own_chat, _text(data))
    try:
        kind = decode(data, Envelope, settings).type
    except NotJson:
        if has_lone_surrogate(data):
            raise
        return Message(own_chat, _text(data))
    if kind is None:
        return Message(own_chat, _message_text(decode(data, Said, settings)))
    command = COMMANDS.get(kind)
    if command is None:
        raise InvalidRequest(
            f"type must be one of {', '.join(COMMANDS)}.", field="type", valid=tuple(COMMANDS)
        )
    found = decode(data, command, settings)
    if not isinstance(found, NewChat | Decide | AnswerQuestion | Ping) and not ID_PATTERN.match(
        found.chat_id
    ):
        raise InvalidRequest(
            "chat_id must be 1 to 64 of the characters A-Z a-z 0-9 _ : and -.", field="chat_id"
        )
    return found


def address(data: bytes) -> Address:
    """Return the ids in a rejected frame; empty if it cannot be parsed."""
    try:
        found = msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Address()
    return Address(_name(found.chat_id), _name(found.client_message_id) or _name(found.turn_id))


def _message_text(frame: Said) -> str:
    for text in (frame.content, frame.text, frame.message):
        if text is not None:
            return text
    raise InvalidRequest(
        "The frame needs a type, or one of content, text and message.", field="type"
    )


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refused(400, "malformed_text", "This is not valid UTF-8.") from None


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and _NAME.match(value) else None
