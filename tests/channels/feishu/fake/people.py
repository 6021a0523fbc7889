"""What people do in Feishu: they write, reply, mention, attach files and press buttons."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.channels.feishu.fake.chats import Message
from tests.channels.feishu.fake.server import APP_ID, BOT, FakeFeishu
from tests.channels.feishu.fake.visible import buttons


class People:
    """Everybody in the tenant."""

    def __init__(self, server: FakeFeishu) -> None:
        self._server = server
        self._events = 0

    async def writes(
        self,
        open_id: str,
        text: str,
        *,
        group: str | None = None,
        mention: bool = False,
        is_bot: bool = False,
        kind: str = "text",
        content: Mapping[str, Any] | None = None,
        reply_to: str | None = None,
        thread_id: str | None = None,
    ) -> Mapping[str, Any]:
        """Send a message to the bot or to a group, and return the event."""
        chats = self._server.chats
        chat_id = group or chats.open_direct(open_id)
        if group:
            chats.groups.add(group)
        mentions: Sequence[Mapping[str, Any]] = ()
        if mention:
            text = f"@_user_1 {text}"
            mentions = [{"key": "@_user_1", "id": {"open_id": BOT}, "name": "Aloud"}]
        body = dict(content or {"text": text})
        sender = {"type": "app" if is_bot else "user", "id": open_id}
        message = chats.add(Message(chats.next_id(), chat_id, sender, kind, body))
        message.thread_id = thread_id
        event = {
            "sender": {"sender_id": {"open_id": open_id}, "sender_type": sender["type"]},
            "message": {
                "message_id": message.message_id,
                "chat_id": chat_id,
                "chat_type": "group" if group else "p2p",
                "message_type": kind,
                "create_time": "1790000000000",
                "content": json.dumps(body),
                "mentions": list(mentions),
                **({"parent_id": reply_to, "root_id": reply_to} if reply_to else {}),
                **({"thread_id": thread_id} if thread_id else {}),
            },
        }
        found = self.event("im.message.receive_v1", event)
        await self.push(found)
        return found

    async def presses(self, open_id: str, message: Message, label: str) -> tuple[int, Any]:
        """Press a button of a card."""
        assert message.card_id is not None
        card = self._server.cards.entities[message.card_id].card
        event = {
            "operator": {"open_id": open_id},
            "action": {"value": buttons(card)[label], "tag": "button"},
            "host": "im_message",
            "context": {"open_message_id": message.message_id, "open_chat_id": message.chat_id},
        }
        return await self.push(self.event("card.action.trigger", event))

    async def chooses(self, open_id: str, key: str) -> None:
        """Choose an entry of the bot's menu."""
        operator = {"operator_name": "Ada", "operator_id": {"open_id": open_id}}
        event = {"operator": operator, "event_key": key, "timestamp": 1_790_000_000}
        await self.push(self.event("application.bot.menu_v6", event))

    async def push(self, event: Mapping[str, Any]) -> tuple[int, Any]:
        """Deliver an event, also once more."""
        return await self._server.sockets.push(event["header"]["event_id"], event)

    def event(self, kind: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        self._events += 1
        header = {
            "event_id": f"event-{self._events}",
            "event_type": kind,
            "create_time": "1790000000000",
            "app_id": APP_ID,
            "tenant_key": "tenant",
        }
        return {"schema": "2.0", "header": header, "event": event}
