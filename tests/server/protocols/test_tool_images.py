"""Images in the results of a client's tools reach every model that accepts images."""

import base64
from typing import Any

import pytest

from tests.server.serving import Json, serving
from thinkaloud.events.prompt import Image, ToolTurn, UserTurn
from thinkaloud.testing import ScriptedModel, say

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()
URL = f"data:image/png;base64,{PIXEL}"
MODEL = "scripted/model"
HELLO = {"role": "user", "content": "Look"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "camera", "arguments": "{}"}}
OPENAI_PARTS = [
    {"type": "text", "text": "Seen."},
    {"type": "image_url", "image_url": {"url": URL}},
]
SOURCE = {"type": "base64", "media_type": "image/png", "data": PIXEL}
REQUESTS: dict[str, Json] = {
    "/v1/chat/completions": {
        "messages": [
            HELLO,
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": OPENAI_PARTS},
        ]
    },
    "/v1/responses": {
        "input": [
            HELLO,
            {"type": "function_call", "call_id": "call_1", "name": "camera", "arguments": "{}"},
            {
                "type": "function_call_output",
                "call_id": "call_1",
                "output": [
                    {"type": "input_text", "text": "Seen."},
                    {"type": "input_image", "image_url": URL},
                ],
            },
        ]
    },
    "/v1/messages": {
        "max_tokens": 100,
        "messages": [
            HELLO,
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "call_1", "name": "camera", "input": {}}],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "call_1",
                        "content": [
                            {"type": "text", "text": "Seen."},
                            {"type": "image", "source": SOURCE},
                        ],
                    }
                ],
            },
        ],
    },
    "/api/chat": {
        "messages": [
            HELLO,
            {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "camera"}}]},
            {"role": "tool", "tool_name": "camera", "content": "Seen.", "images": [PIXEL]},
        ]
    },
}


@pytest.mark.parametrize("path", REQUESTS)
async def test_an_image_of_a_tool_follows_its_result_and_the_next_message_joins_it(
    path: str,
) -> None:
    key = "input" if path == "/v1/responses" else "messages"
    asked: Json = {"model": MODEL, "stream": False, **REQUESTS[path]}
    more: list[Any] = [*asked[key], {"role": "user", "content": "Well?"}]
    model = ScriptedModel([say("A pixel.")], [say("A pixel.")])
    async with serving(model) as served:
        for body in (asked, {**asked, key: more}):
            async with served.session.post(served.url + path, json=body) as response:
                assert response.status == 200, await response.text()
    image = Image("image/png", PIXEL)
    for request, text in zip(model.requests, ("", "Well?"), strict=True):
        _, _, results, last = request.turns
        assert isinstance(results, ToolTurn)
        assert results.results[0].content == "Seen."
        assert last == UserTurn(text, (image,))
