"""Client messages on `/ws` are accepted exactly as the published document says."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.channels.sockets import client, hosting
from thinkaloud.channels.settings import WebSocketSettings
from thinkaloud.providers.scripted import Script
from thinkaloud.testing import ScriptedModel, say

ROOM: dict[str, Any] = {"chat_id": "room"}
SAID: dict[str, Any] = {"type": "message", "content": "Hello", **ROOM}
FRAMES: list[dict[str, Any]] = [
    {"type": "new_chat"},
    {"type": "new_chat", "temporary": True, "color": "blue"},
    {"type": "new_chat", "temporary": 1},
    {"type": "attach", **ROOM},
    {"type": "attach", "after": 0, "include_reasoning": False, **ROOM},
    {"type": "attach", "after": None, **ROOM},
    {"type": "attach", "after": -1, **ROOM},
    {"type": "attach", "after": "0", **ROOM},
    {"type": "attach", "chat_id": "a b"},
    {"type": "attach", "chat_id": "x" * 65},
    {"type": "attach"},
    {"type": "attach", "include_reasoning": None, **ROOM},
    {"type": "detach", **ROOM},
    {"type": "detach", "chat_id": 5},
    {"type": "attach", "last": 0, **ROOM},
    {"type": "earlier", "limit": 0, "before": "run_x", **ROOM},
    {"type": "earlier", **ROOM},
    {"type": "stop"},
    {"type": "ping"},
    {"type": "ping", "chat_id": "a b"},
    SAID,
    {**SAID, "reasoning_effort": "high", "max_iterations": 1000, "context": {"a": [1, None]}},
    {**SAID, "reasoning_effort": 512, "on_disconnect": "stop", "client_message_id": "m-1"},
    {**SAID, "reasoning_effort": "huge"},
    {**SAID, "reasoning_effort": 0},
    {**SAID, "max_iterations": 0},
    {**SAID, "max_iterations": 1001},
    {**SAID, "context": []},
    {**SAID, "context_files": ["a"] * 65},
    {**SAID, "context_files": "a"},
    {**SAID, "on_disconnect": "dance"},
    {**SAID, "client_message_id": "a b"},
    {**SAID, "client_message_id": "x" * 129},
    {**SAID, "content": None},
    {"type": "message", **ROOM},
    {"content": "Hello"},
    {"text": "Hello", "color": "blue"},
    {"content": None, "message": "Hello"},
    {"content": 5},
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: json.dumps(frame)[:90])
async def test_a_frame_is_refused_exactly_where_the_document_does_not_allow_it(
    frame: dict[str, Any],
) -> None:
    answer: Script = [say("Hi.")]
    async with hosting(ScriptedModel(answer)) as served, client(served) as one:
        document = await served.document("asyncapi")
        taken = document["operations"]["takeChats"]["messages"]
        messages = document["components"]["messages"]
        found = [messages[each["$ref"].rpartition("/")[2]] for each in taken]
        (kind,) = [
            each["payload"]
            for each in found
            if (each["name"] if "$ref" in each["payload"] else "") == frame.get("type", "message")
            and each["title"].startswith("Said") is ("type" not in frame)
        ]
        schema = {**kind, "components": document["components"]}
        await one.send(frame)
        await one.send({"type": "attach", "chat_id": "fence"})
        frames = await one.until("attached", lambda found: found["chat_id"] == "fence")
    refused = any(each["event"] == "error" for each in frames)
    assert refused is not Draft202012Validator(schema).is_valid(frame)


async def test_text_messages_are_described_and_disabled_sockets_are_not() -> None:
    async with hosting(ScriptedModel()) as served:
        document = await served.document("asyncapi")
        plain = document["components"]["messages"]["PlainText"]
        assert (plain["contentType"], plain["payload"]) == ("text/plain", {"type": "string"})
    async with hosting(ScriptedModel(), channel=WebSocketSettings(enabled=False)) as served:
        document = await served.document("asyncapi")
        addresses = [each["address"] for each in document["channels"].values()]
        async with served.session.get(f"{served.url}/api/docs/stream") as page:
            assert "/ws" not in (await page.text()).replace("/api/docs", "")
    assert addresses == ["/api/v1/chat/stream"]
    assert "ChatReady" not in document["components"]["messages"]
