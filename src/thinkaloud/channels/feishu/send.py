"""Sends messages, within Feishu's limits."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from thinkaloud.channels.feishu.api import FeishuApi, Refusal
from thinkaloud.channels.platform.documents import Document
from thinkaloud.channels.platform.message import ChatAddress, Origin
from thinkaloud.channels.platform.platform import Budget, Limits, Pace

LIMITS: Final = Limits(
    edit_seconds=1.0,
    group_edit_seconds=2.0,
    budgets=(
        Budget("second", 45, 1.0),
        Budget("minute", 900, 60.0),
        Budget("chat", 4, 1.05, "chat", reserve=0),
        Budget("reaction", 40, 1.05, reserve=20),
    ),
    show_spends=("second", "minute"),
)
"""Feishu's limits, with a margin: 50 calls a second and 1,000 a minute for each method of an app, 5 messages a second for
each person and each group, 10 changes a second for each card.

Source: https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control
"""
_NO_TARGET: Final = {230011, 230110, 230019, 230050, 231003}
"""The message to reply to, or its thread, is gone."""


class Sending:
    """The calls that send messages."""

    def __init__(self, api: FeishuApi, pace: Pace) -> None:
        self._api = api
        self._pace = pace

    async def send(
        self,
        chat: ChatAddress,
        origin: Origin | None,
        content: Mapping[str, Any],
        *,
        kind: str = "interactive",
        once: str | None = None,
    ) -> str:
        """Send a card, or a message of another kind, and return the message's id. With `once`, the same message isn't sent twice within an hour.

        In groups and threads it is a reply to the message of `origin`, if that is still there.
        """
        message: dict[str, Any] = {
            "msg_type": kind,
            "content": json.dumps(content, ensure_ascii=False),
        }
        if once is not None:
            message["uuid"] = once
        await self._pace.spend("chat", chat, final=True)
        replies = not is_direct(chat) or chat.thread_id is not None
        if replies and origin is not None and origin.message_id.startswith("om_"):
            path = f"/open-apis/im/v1/messages/{origin.message_id}/reply"
            in_thread = {"reply_in_thread": True} if chat.thread_id is not None else {}
            try:
                answer = await self._api.call("POST", path, {**message, **in_thread})
                return str(answer["data"]["message_id"])
            except Refusal as refusal:
                if refusal.code not in _NO_TARGET:
                    raise
        receiver = "open_id" if is_direct(chat) else "chat_id"
        body = {"receive_id": chat.chat_id, **message}
        answer = await self._api.call(
            "POST", "/open-apis/im/v1/messages", body, receive_id_type=receiver
        )
        return str(answer["data"]["message_id"])

    async def attach(self, chat: ChatAddress, origin: Origin, document: Document) -> None:
        """Send a file. Within an hour, the same document isn't sent twice. Files have no caption."""
        file_key = await self._api.upload(document.name, document.data)
        once = hashlib.sha256(document.key.encode()).hexdigest()[:32]
        await self.send(chat, origin, {"file_key": file_key}, kind="file", once=once)

    async def whisper(self, chat: ChatAddress, reader: str, card: Mapping[str, Any]) -> None:
        """Send a card that only one member of a group sees, without a notification."""
        body = {"chat_id": chat.chat_id, "open_id": reader, "msg_type": "interactive", "card": card}
        await self._pace.spend("chat", chat, final=True)
        await self._api.call("POST", "/open-apis/ephemeral/v1/send", body)


def is_direct(chat: ChatAddress) -> bool:
    """Return whether a chat is with one person: its id is then the person's open_id."""
    return chat.chat_id.startswith("ou_")
