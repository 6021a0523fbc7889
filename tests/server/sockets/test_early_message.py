"""A message that arrives before the socket's tasks have started."""

import asyncio
import json
from typing import Any

import pytest

from tests.server.serving import serving
from thinkaloud.server.app import create_app
from thinkaloud.testing import ScriptedModel, say


@pytest.mark.promise("P6")
async def test_a_message_sent_with_the_handshake_is_answered_once():
    model = ScriptedModel([say("Hi.")], [say("Hi again.")])
    async with serving(model) as served:
        sent: list[dict[str, Any]] = []
        over = asyncio.Event()
        waiting = [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": '{"text": "Hello"}'},
        ]

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop(0)
            await over.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if '"complete"' in message.get("text", ""):
                over.set()

        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/api/v1/chat/stream",
            "raw_path": b"/api/v1/chat/stream",
            "query_string": b"",
            "headers": [(b"host", served.url.partition("//")[2].encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", int(served.url.rpartition(":")[2])),
            "subprotocols": [],
            "state": {},
        }
        await create_app(served.services)(scope, receive, send)  # type: ignore[arg-type]
        frames = [json.loads(message["text"]) for message in sent if "text" in message]
        assert [frame["event"] for frame in frames].count("start") == 1
        assert len(model.requests) == 1
        assert frames[-1]["data"]["response"] == "Hi."
