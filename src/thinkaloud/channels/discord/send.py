"""Sends and edits messages. A message that is sent again after a lost response isn't doubled."""

import hashlib
from typing import Final, cast

import msgspec

from thinkaloud.channels.discord.api import Api, Json
from thinkaloud.channels.discord.render import NO_MENTIONS, SILENT, SUPPRESS_EMBEDS, Draft
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.message import ChatAddress

_NONCE_CHARS: Final = 25


class Place(msgspec.Struct, frozen=True):
    """Where a message is sent."""

    channel: str
    """The id of the channel or thread."""
    reply_to: str | None = None

    @staticmethod
    def of(chat: ChatAddress) -> "Place":
        """Return the place of a chat: its thread, if it is one."""
        return Place(chat.thread_id or chat.chat_id)


class Made(msgspec.Struct, frozen=True):
    """A message that Discord has."""

    message_id: str
    is_as_sent: bool
    """False if it is an earlier one with the same key and other content."""


async def post(api: Api, place: Place, draft: Draft, key: str, *, final: bool = False) -> Made:
    """Send a message.

    `key` identifies it: for some minutes, Discord answers a second one with the first. Raises as
    `Api.call`.
    """
    body: Json = {
        **draft.body,
        "flags": draft.flags | (SILENT if draft.silent else 0),
        "allowed_mentions": NO_MENTIONS,
        "nonce": hashlib.sha256(key.encode()).hexdigest()[:_NONCE_CHARS],
        "enforce_nonce": True,
    }
    if place.reply_to is not None:
        body["message_reference"] = {"message_id": place.reply_to, "fail_if_not_exists": False}
    made = await api.call("POST", f"/channels/{place.channel}/messages", body, final=final)
    return Made(str(made["id"]), _texts(made) in ([], _texts(body)))


async def attach(api: Api, place: Place, document: Document) -> None:
    """Send a file with its caption, silently. It isn't doubled, as with `post`."""
    body: Json = {
        "content": document.caption,
        "attachments": [{"id": 0, "filename": document.name}],
        "flags": SUPPRESS_EMBEDS | SILENT,
        "allowed_mentions": NO_MENTIONS,
        "nonce": hashlib.sha256(document.key.encode()).hexdigest()[:_NONCE_CHARS],
        "enforce_nonce": True,
    }
    path = f"/channels/{place.channel}/messages"
    await api.call("POST", path, body, file=document, final=True)


async def edit(
    api: Api, place: Place, message_id: str, draft: Draft, *, final: bool = False
) -> None:
    """Give a message its new content. Raises `MessageGone`, and as `Api.call`."""
    body: Json = {**draft.body, "flags": draft.flags, "allowed_mentions": NO_MENTIONS}
    await api.call("PATCH", f"/channels/{place.channel}/messages/{message_id}", body, final=final)


async def delete(api: Api, place: Place, message_id: str, *, final: bool = False) -> None:
    """Delete a message. Raises `MessageGone`, and as `Api.call`."""
    await api.call("DELETE", f"/channels/{place.channel}/messages/{message_id}", final=final)


def _texts(message: Json) -> list[str]:
    """Return all text of a message, and of its components."""
    content = message.get("content")
    found = [content.strip()] if isinstance(content, str) and content.strip() else []
    return found + [
        text
        for component in cast("list[Json]", message.get("components") or [])
        for text in _texts(component)
    ]
