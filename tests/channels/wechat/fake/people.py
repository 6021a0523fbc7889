"""The people of the fake iLink API: what they write, and what they see."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tests.channels.wechat.fake.refusals import Refusal
from tests.channels.wechat.fake.storage import Storage

TEXT, FILE = 1, 4
MAX_CHARACTERS = 1_800
MESSAGES_PER_TOKEN = 10
BURST = 2
BURST_MS = 1_000
FIRST_ID = 2**53 + 1
"""Ids don't fit into a double."""


class Bubble(msgspec.Struct):
    """A message of the bot, as its reader sees it."""

    reader: str
    text: str
    at_ms: int
    client_id: str
    file: tuple[str, bytes] | None = None
    """Name and content."""


class People:
    """All chats. The messages of the bot are refused beyond what WeChat allows."""

    def __init__(self, now_ms: Callable[[], int], bot: str, storage: Storage) -> None:
        self._now_ms = now_ms
        self._storage = storage
        self._bot = bot
        self.bubbles: list[Bubble] = []
        self.typing: list[tuple[str, int]] = []
        self.log: list[dict[str, Any]] = []
        """All messages of people: a cursor is a place in it."""
        self.written = asyncio.Event()
        self.hurry = False
        """Whether a poll returns at once, as behind a proxy that ends long requests."""
        self.checks_tokens = True
        """Whether a context token that is not the newest is refused."""
        self._next = FIRST_ID
        self._tokens: dict[str, str] = {}
        self._used: dict[str, int] = {}
        self._times: dict[str, list[int]] = {}

    def says(self, text: str, *, user: str, is_bot: bool = False, **fields: Any) -> dict[str, Any]:
        """Write a message and return it."""
        number, self._next = self._next, self._next + 1
        token = f"context-{number}"
        if not is_bot:
            self._tokens[user], self._used[user] = token, 0
        message = {
            "seq": number,
            "message_id": number,
            "from_user_id": user,
            "to_user_id": self._bot,
            "client_id": f"client-{number}",
            "create_time_ms": 1_790_000_000_000 + self._now_ms(),
            "message_type": 2 if is_bot else 1,
            "message_state": 2,
            "item_list": [{"type": 1, "text_item": {"text": text}}] if text else [],
            "context_token": token,
            "field_of_a_newer_version": {"x": 1},
        } | fields
        self.repeats(message)
        return message

    def repeats(self, message: dict[str, Any]) -> None:
        """Deliver a message, or deliver it once more."""
        self.log.append(message)
        self.written.set()

    def forget_tokens(self) -> None:
        """Let all context tokens become too old."""
        self._tokens = dict.fromkeys(self._tokens, "")

    def seen(self, user: str) -> list[Bubble]:
        return [bubble for bubble in self.bubbles if bubble.reader == user]

    def receive(self, message: dict[str, Any]) -> None:
        """Accept a message of the bot. Raises a `Refusal`."""
        user, item = message.get("to_user_id", ""), _item(message)
        text = "" if item["type"] == FILE else _text(item)
        file = self._storage.file_of(item) if item["type"] == FILE else None
        self._check_quota(user, message.get("context_token"))
        client_id = message.get("client_id")
        if not client_id:
            raise Refusal(-3, "client_id is missing")
        if any(bubble.client_id == client_id for bubble in self.bubbles):
            return
        shown = text.partition("<")[0]
        self.bubbles.append(Bubble(user, shown, self._now_ms(), client_id, file))

    def _check_quota(self, user: str, token: str | None) -> None:
        if user not in self._used:
            raise Refusal(-3, "unknown user")
        now = self._now_ms()
        times = [at for at in self._times.get(user, []) if now - at < BURST_MS]
        stale = self.checks_tokens and token is not None and token != self._tokens[user]
        if stale or self._used[user] >= MESSAGES_PER_TOKEN or len(times) >= BURST:
            raise Refusal(-2, "prepare failed")
        self._used[user] += 1
        self._times[user] = [*times, now]


def _item(message: dict[str, Any]) -> dict[str, Any]:
    """Return what a message consists of. Raises a `Refusal` if WeChat would not take it."""
    if message.get("message_type") != 2 or message.get("message_state") != 2:
        raise Refusal(-3, "invalid message type or state")
    items: list[dict[str, Any]] = message.get("item_list") or []
    if len(items) != 1 or items[0].get("type") not in {TEXT, FILE}:
        raise Refusal(-3, "there must be one item")
    return items[0]


def _text(item: dict[str, Any]) -> str:
    """Return the text of an item. Raises a `Refusal` if WeChat would not take it."""
    text = str(item.get("text_item", {}).get("text", ""))
    if not text.strip():
        raise Refusal(-3, "empty text")
    if len(text.encode("utf-16-le")) // 2 > MAX_CHARACTERS:
        raise Refusal(-3, "text too long")
    return text
