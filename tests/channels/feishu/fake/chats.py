"""Chats and their messages: https://open.feishu.cn/document/server-docs/im-v1/message/create."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.channels.feishu.fake.cards import Cards, check_card
from tests.channels.feishu.fake.rates import Rates
from tests.channels.feishu.fake.refusals import Refused

MAX_BYTES: Final = 30 * 1024
REPEAT_SECONDS: Final = 3_600.0


@dataclass
class Message:
    """A message in a chat."""

    message_id: str
    chat_id: str
    sender: Mapping[str, str]
    kind: str
    content: dict[str, Any]
    card_id: str | None = None
    thread_id: str | None = None
    reply_to: str | None = None
    reader: str | None = None
    deleted: bool = False
    reactions: dict[str, str] = field(default_factory=dict)
    notifies: bool = True


class Chats:
    """The direct chats and groups of a tenant."""

    def __init__(self, app_id: str, cards: Cards, rates: Rates, now: Callable[[], float]) -> None:
        self._app_id = app_id
        self._cards = cards
        self._rates = rates
        self._now = now
        self._once: dict[str, tuple[float, str]] = {}
        self.messages: dict[str, Message] = {}
        self.uploads: dict[str, tuple[str, bytes]] = {}
        """Uploaded files by their keys: name and content."""
        self.groups: set[str] = set()
        self.direct: dict[str, str] = {}
        """The ids of direct chats by the person's open_id."""

    def open_direct(self, open_id: str) -> str:
        return self.direct.setdefault(open_id, f"oc_direct_{open_id[3:]}")

    def by_bot(self, chat_id: str) -> list[Message]:
        """What the bot has sent to a chat and isn't deleted."""
        return [
            each
            for each in self.messages.values()
            if each.chat_id == chat_id and each.sender["type"] == "app" and not each.deleted
        ]

    def add(self, message: Message) -> Message:
        self.messages[message.message_id] = message
        return message

    def next_id(self) -> str:
        return f"om_{len(self.messages):08x}"

    def create(self, kind: str, body: Mapping[str, Any]) -> Message:
        receiver = str(body.get("receive_id"))
        if kind == "open_id":
            chat_id = self.direct.get(receiver)
            if chat_id is None:
                raise Refused(230013, "Bot has NO availability to this user.")
        elif kind == "chat_id":
            chat_id = receiver
            if chat_id not in self.groups and chat_id not in self.direct.values():
                raise Refused(230002, "The bot can not be outside the group.")
        else:
            raise Refused(99992402, "receive_id_type is not valid")
        return self._post(chat_id, receiver, body)

    def reply(self, message_id: str, body: Mapping[str, Any]) -> Message:
        target = self.message(message_id)
        message = self._post(target.chat_id, target.chat_id, body)
        message.reply_to = message_id
        if body.get("reply_in_thread"):
            message.thread_id = target.thread_id or f"omt_{message_id[3:]}"
        return message

    def message(self, message_id: str) -> Message:
        found = self.messages.get(message_id)
        if found is None:
            raise Refused(230110, "message does not exist")
        if found.deleted:
            raise Refused(230011, "The message was withdrawn.")
        return found

    def whisper(self, body: Mapping[str, Any]) -> Message:
        """Send a card that one member of a group sees."""
        chat_id, card = str(body.get("chat_id")), body.get("card")
        if chat_id not in self.groups:
            raise Refused(18053, "only for groups")
        if body.get("msg_type") != "interactive" or not isinstance(card, dict) or "schema" in card:
            raise Refused(18054, "card is not valid")
        return self.add(
            Message(
                self.next_id(),
                chat_id,
                {"type": "app", "id": self._app_id},
                "interactive",
                card,
                reader=str(body["open_id"]),
                notifies=False,
            )
        )

    def _post(self, chat_id: str, receiver: str, body: Mapping[str, Any]) -> Message:
        once = str(body.get("uuid") or "")
        if len(once) > 50:
            raise Refused(230001, "uuid is too long")
        at, known = self._once.get(once, (0.0, ""))
        if once and known and self._now() - at < REPEAT_SECONDS:
            return self.messages[known]
        text = body.get("content")
        kind = str(body.get("msg_type"))
        if kind not in {"interactive", "file"} or not isinstance(text, str):
            raise Refused(230001, "Your request contains an invalid request parameter")
        if len(text.encode()) > MAX_BYTES:
            raise Refused(230025, "The length of the message content reaches its limit")
        self._rates.chat(receiver)
        content = json.loads(text)
        card_id = None
        message_id = self.next_id()
        if kind == "file":
            if content.get("file_key") not in self.uploads:
                raise Refused(230055, "The type of file upload does not match the type of message")
        elif content.get("type") == "card":
            card_id = content["data"]["card_id"]
            entity = self._cards.entity(card_id)
            if entity.sent_as is not None:
                raise Refused(230099, "Failed to create card content: the card was sent before")
            entity.sent_as = message_id
        else:
            check_card(content)
        sender = {"type": "app", "id": self._app_id}
        message = Message(message_id, chat_id, sender, kind, content, card_id)
        if once:
            self._once[once] = (self._now(), message_id)
        return self.add(message)
