"""The people who write to the bot of the fake Bot API."""

from typing import Any

from tests.channels.telegram.fake.chats import BOT
from tests.channels.telegram.fake.server import FakeTelegram


class People:
    """What people do in chats. A private chat has the id of its person, a group a negative one."""

    def __init__(self, server: FakeTelegram) -> None:
        self._server = server

    def says(
        self,
        text: str,
        *,
        user: int = 1,
        chat: int | None = None,
        is_bot: bool = False,
        **fields: Any,
    ) -> dict[str, Any]:
        """Send a message and return it. `@ada_test_bot` in it is a mention."""
        chat_id = user if chat is None else chat
        kind = "private" if chat_id > 0 else "supergroup"
        self._server.chats.kinds[chat_id] = kind
        message = {
            "message_id": self._server.chats.new_id(),
            "date": 1_790_000_000 + self._server.now_ms() // 1000,
            "chat": {"id": chat_id, "type": kind},
            "from": {"id": user, "is_bot": is_bot, "first_name": f"Person {user}"},
        }
        if text:
            message |= {"text": text, "entities": entities_of(text)}
        message |= fields
        self._server.updates.add("message", message)
        return message

    def edits(self, message: dict[str, Any], text: str) -> None:
        changed = message | {"text": text, "entities": entities_of(text), "edit_date": 1}
        changed["edit_date"] = message["date"] + 5
        self._server.updates.add("edited_message", changed)

    def presses(self, action: str, *, chat: int, user: int, message_id: int = 1) -> str:
        """Press a button under a message and return the id of the query."""
        query_id = f"query-{self._server.chats.new_id()}"
        kind = self._server.chats.kinds[chat]
        message = {
            "message_id": message_id,
            "date": 1_790_000_000,
            "chat": {"id": chat, "type": kind},
            "from": BOT,
        }
        person = {"id": user, "is_bot": False, "first_name": f"Person {user}"}
        self._server.updates.add(
            "callback_query",
            {
                "id": query_id,
                "from": person,
                "message": message,
                "data": action,
                "chat_instance": "1",
            },
        )
        return query_id

    def stops(self, user: int) -> None:
        """Press the stop button of the draft in a private chat."""
        draft = self._server.chats.draft_in(user)
        assert draft is not None
        assert draft.can_stop
        chat = {"id": user, "type": "private"}
        self._server.updates.add(
            "stopped_message_generation", {"chat": chat, "draft_id": draft.draft_id}
        )


def entities_of(text: str) -> list[dict[str, Any]]:
    """Return what the server recognizes in a text: a command at its start, and mentions of the bot."""
    found: list[dict[str, Any]] = []
    if text.startswith("/"):
        length = len(text.split()[0].encode("utf-16-le")) // 2
        found.append({"type": "bot_command", "offset": 0, "length": length})
    name = f"@{BOT['username']}"
    start = text.find(name)
    if start >= 0 and not (found and start < found[0]["length"]):
        offset = len(text[:start].encode("utf-16-le")) // 2
        found.append({"type": "mention", "offset": offset, "length": len(name)})
    return found
