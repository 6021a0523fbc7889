"""The chats of the fake Bot API: what people see in them, and what the bot may do to it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tests.channels.telegram.fake.markup import MENTION, Parsed
from tests.channels.telegram.fake.refusals import Refusal, bad_request
from tests.channels.telegram.fake.rich import Rich

DRAFT_MS = 30_000
FILE_BYTES = 50_000_000
CAPTION_CHARS = 1_024
BOT: dict[str, Any] = {
    "id": 999,
    "is_bot": True,
    "first_name": "Ada",
    "username": "ada_test_bot",
    "can_read_all_group_messages": True,
}


class Bubble(msgspec.Struct):
    """A message or a draft of the bot, as people see it."""

    chat_id: int
    message_id: int
    visible: str
    folded: str
    thread_id: int | None = None
    thinking: str = ""
    silent: bool = False
    buttons: tuple[str, ...] = ()
    edits: int = 0
    reply_to: int | None = None
    reader: int | None = None
    """Who sees an ephemeral message; None if everybody does."""
    notified: tuple[str, ...] = ()
    """The names that the server has linked in the text, whose owners were notified."""
    expires_ms: int = 0
    draft_id: int = 0
    can_stop: bool = False
    files: dict[str, bytes] = {}


class Chats:
    """Messages and drafts by chat."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._next_id = 100
        self.kinds: dict[int, str] = {}
        self.bubbles: list[Bubble] = []
        self._drafts: dict[tuple[int, int | None], Bubble] = {}
        self.all_drafts: list[Bubble] = []
        self.blocked: set[int] = set()

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def draft_in(self, chat_id: int, thread_id: int | None = None) -> Bubble | None:
        """Return the draft that a chat shows at this moment."""
        found = self._drafts.get((chat_id, thread_id))
        return found if found and found.expires_ms > self._now_ms() else None

    def messages_in(self, chat_id: int) -> list[Bubble]:
        return [bubble for bubble in self.bubbles if bubble.chat_id == chat_id]

    def send(self, parameters: Mapping[str, str], *, rich: bool) -> dict[str, Any]:
        bubble = self._bubble(parameters, rich=rich, draft=False)
        receiver = _object(parameters, "ephemeral_message_parameters")
        if receiver:
            if bubble.chat_id > 0:
                raise bad_request("ephemeral messages can be sent to groups only")
            bubble.reader = int(receiver["receiver_user_id"])
        else:
            bubble.message_id = self.new_id()
            # A message replaces the draft of its chat.
            self._drafts.pop((bubble.chat_id, bubble.thread_id), None)
        reply = _object(parameters, "reply_parameters")
        bubble.reply_to = int(reply["message_id"]) if reply else None
        bubble.silent = parameters.get("disable_notification") == "true"
        self.bubbles.append(bubble)
        return self._json(bubble)

    def send_document(
        self, parameters: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]
    ) -> dict[str, Any]:
        name, content = files[parameters["document"].removeprefix("attach://")]
        if len(content) > FILE_BYTES:
            raise Refusal(413, "Request Entity Too Large")
        if len(parameters.get("caption", "")) > CAPTION_CHARS:
            raise bad_request("message caption is too long")
        thread = parameters.get("message_thread_id")
        bubble = Bubble(
            self.chat_of(parameters),
            self.new_id(),
            parameters.get("caption", ""),
            "",
            thread_id=int(thread) if thread else None,
            silent=parameters.get("disable_notification") == "true",
            files={name: content},
        )
        self.bubbles.append(bubble)
        return self._json(bubble)

    def edit(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        message_id = int(parameters["message_id"])
        chat_id = self.chat_of(parameters)
        old = next(
            (each for each in self.messages_in(chat_id) if each.message_id == message_id), None
        )
        if old is None:
            raise bad_request("message to edit not found")
        new = self._bubble(parameters, rich="rich_message" in parameters, draft=False)
        if (new.visible, new.folded, new.buttons) == (old.visible, old.folded, old.buttons):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly"
                " the same as a current content and reply markup of the message"
            )
        new.message_id, new.edits, new.silent = message_id, old.edits + 1, old.silent
        new.reply_to, new.thread_id = old.reply_to, old.thread_id
        self.bubbles[self.bubbles.index(old)] = new
        return self._json(new)

    def draft(self, parameters: Mapping[str, str], *, rich: bool) -> bool:
        bubble = self._bubble(parameters, rich=rich, draft=True)
        if bubble.chat_id < 0:
            raise bad_request("TEXTDRAFT_PEER_INVALID")
        bubble.draft_id = int(parameters.get("draft_id", "0"))
        if not bubble.draft_id:
            raise bad_request("draft_id must be non-zero")
        bubble.can_stop = parameters.get("can_stop") == "true"
        bubble.expires_ms = self._now_ms() + DRAFT_MS
        self._drafts[bubble.chat_id, bubble.thread_id] = bubble
        self.all_drafts.append(bubble)
        return True

    def delete(self, chat_id: int, message_id: int) -> None:
        """Delete a message of the bot."""
        if not any(bubble.message_id == message_id for bubble in self.messages_in(chat_id)):
            raise bad_request("message to delete not found")
        self.bubbles = [
            bubble
            for bubble in self.bubbles
            if (bubble.chat_id, bubble.message_id) != (chat_id, message_id)
        ]

    def chat_of(self, parameters: Mapping[str, str]) -> int:
        chat_id = int(parameters.get("chat_id", "0"))
        if chat_id not in self.kinds:
            raise bad_request("chat not found")
        return chat_id

    def _bubble(self, parameters: Mapping[str, str], *, rich: bool, draft: bool) -> Bubble:
        chat_id = self.chat_of(parameters)
        thread = parameters.get("message_thread_id")
        notified: tuple[str, ...] = ()
        thinking = ""
        if rich:
            found = Rich(parameters.get("rich_message", ""), draft=draft)
            visible, folded = "\n".join(found.visible), "\n".join(found.folded)
            thinking = "\n".join(found.thinking)
            if found.detects:
                notified = tuple(MENTION.findall(visible + folded + thinking))
        elif draft and not parameters.get("text"):
            visible, folded, thinking = "", "", "Thinking…"
        else:
            parsed = Parsed(parameters.get("text", ""), parameters.get("parse_mode"))
            visible, folded = "".join(parsed.visible), "".join(parsed.folded)
            notified = tuple(parsed.mentions)
        return Bubble(
            chat_id,
            0,
            visible,
            folded,
            thread_id=int(thread) if thread else None,
            thinking=thinking,
            buttons=_buttons(parameters),
            notified=notified,
        )

    def _json(self, bubble: Bubble) -> dict[str, Any]:
        return {
            "message_id": bubble.message_id,
            "date": 1_790_000_000 + self._now_ms() // 1000,
            "chat": {"id": bubble.chat_id, "type": self.kinds[bubble.chat_id]},
            "from": BOT,
            "text": bubble.visible,
        }


def _object(parameters: Mapping[str, str], name: str) -> dict[str, Any]:
    return json.loads(parameters[name]) if name in parameters else {}


def _buttons(parameters: Mapping[str, str]) -> tuple[str, ...]:
    rows = _object(parameters, "reply_markup").get("inline_keyboard", [])
    actions = tuple(button["callback_data"] for row in rows for button in row)
    if any(len(action.encode()) > 64 for action in actions):
        raise bad_request("BUTTON_DATA_INVALID")
    return actions
