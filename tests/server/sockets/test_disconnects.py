"""A client that disconnects before the first response: its message counts, and nothing stays open."""

from collections.abc import MutableMapping
from typing import Any

import pytest

from tests.server.serving import serving
from thinkaloud.server.app import create_app
from thinkaloud.testing import ScriptedModel, say


@pytest.mark.promise("P9", "P14")
@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/ws", '{"type": "message", "chat_id": "room", "content": "Hello"}'),
        ("/api/v1/chat/stream", '{"conversation_id": "room", "text": "Hello"}'),
    ],
)
async def test_a_message_whose_sender_disconnects_at_once_is_answered_and_its_socket_released(
    path: str, sent: str
) -> None:
    model = ScriptedModel([say("Hi.")])
    # A socket that were kept would be given up as one that takes nothing.
    async with serving(model, send_timeout_seconds=0.2) as served:
        app = create_app(served.services)
        waiting: list[MutableMapping[str, Any]] = [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": "{}"},
            {"type": "websocket.receive", "text": sent},
            {"type": "websocket.disconnect", "code": 1006},
        ]
        given: list[str] = []

        async def receive() -> MutableMapping[str, Any]:
            return waiting.pop(0)

        async def send(message: MutableMapping[str, Any]) -> None:
            given.append(message["type"])
            if message["type"] != "websocket.accept":
                raise OSError("the client is gone")

        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", served.url.partition("//")[2].encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 1),
            "subprotocols": [],
            "state": {},
        }
        await app(scope, receive, send)
        await served.runs.active.wait_for_all(5)
        _, status = await served.get("/conversations/room/messages")
    assert "websocket.close" not in given
    assert [each["text"] for each in status["messages"]] == ["Hello", "Hi."]
