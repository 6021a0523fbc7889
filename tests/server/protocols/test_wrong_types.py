"""Each field of a request with a value of each other type is rejected or ignored, and never an internal error."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server.api.test_upload import open_server
from tests.server.serving import Json
from thinkaloud.testing import ScriptedModel, say

DEEP: Any = 0
for _ in range(50):
    DEEP = [DEEP]
VALUES = [
    None,
    True,
    -1,
    2**70,
    1e300,
    "",
    "\u2028\ud83d\ude00" * 200,
    [],
    [None],
    {},
    {"a": 1},
    DEEP,
]
FILE = "data:text/plain,Hello"
BODIES: dict[str, Json] = {
    "/ai-sdk/chat": {
        "id": "chat-1",
        "trigger": "regenerate-message",
        "messageId": "a1",
        "model": "scripted/model",
        "reasoningEffort": "high",
        "maxIterations": 3,
        "sendReasoning": True,
        "resumable": True,
        "system": "Be brief.",
        "tools": {"locate": {"description": "Where", "parameters": {"type": "object"}}},
        "messages": [
            {"id": "s1", "role": "system", "parts": [{"type": "text", "text": "Be kind."}]},
            {
                "id": "a1",
                "role": "assistant",
                "metadata": {"runId": "r1"},
                "parts": [
                    {"type": "reasoning", "text": "Hm"},
                    {
                        "type": "tool-locate",
                        "toolCallId": "c1",
                        "state": "output-error",
                        "input": {},
                        "errorText": "no",
                    },
                ],
            },
            {
                "id": "u1",
                "role": "user",
                "parts": [
                    {"type": "text", "text": "Hello"},
                    {"type": "file", "mediaType": "text/plain", "filename": "a", "url": FILE},
                ],
            },
        ],
    },
    "/ag-ui": {
        "threadId": "chat-1",
        "runId": "run-1",
        "parentRunId": "run-0",
        "protocolVersion": "1.0",
        "state": {"a": 1},
        "resume": [{"interruptId": "i", "status": "resolved"}],
        "context": [{"description": "page", "value": "/"}],
        "forwardedProps": {
            "model": "scripted/model",
            "reasoningEffort": "high",
            "maxIterations": 3,
            "sendReasoning": True,
            "resumable": False,
        },
        "tools": [{"name": "locate", "description": "Where", "parameters": {"type": "object"}}],
        "messages": [
            {"id": "s1", "role": "system", "content": "Be kind."},
            {
                "id": "a1",
                "role": "assistant",
                "toolCalls": [{"id": "c1", "function": {"name": "locate", "arguments": "{}"}}],
            },
            {"id": "t1", "role": "tool", "toolCallId": "c1", "content": "Rome", "error": "no"},
            {
                "id": "u1",
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hello"},
                    {
                        "type": "document",
                        "source": {"type": "url", "value": FILE, "mimeType": "text/plain"},
                        "metadata": {"filename": "a"},
                    },
                ],
            },
        ],
    },
}


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside this one."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(body: Json, path: tuple[Any, ...], value: object) -> Json:
    found = copy.deepcopy(body)
    inner: Any = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return found


@pytest.mark.parametrize("path", BODIES)
async def test_a_value_of_a_wrong_type_is_no_error_of_the_server(path: str) -> None:
    wrong: list[object] = []
    counts: dict[int, int] = {}
    async with open_server(ScriptedModel(*[[say("Yes.")]] * 2_000)) as served:
        for place in places(BODIES[path]):
            for value in VALUES:
                sent = changed(BODIES[path], place, value)
                if path == "/ag-ui" and place != ("runId",):
                    sent["runId"] = f"run-{len(counts)}-{sum(counts.values())}"
                async with served.session.post(served.api + path, json=sent) as response:
                    text = await response.text()
                counts[response.status] = counts.get(response.status, 0) + 1
                if response.status >= 500 or "internal" in text.lower():
                    wrong.append((place, value, response.status, text))
    assert wrong == []
    assert counts[200] > 50
    assert counts[422] > 50
