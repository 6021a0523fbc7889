"""A stream that fails never looks complete, and one that its client leaves stops the model."""

import asyncio
from typing import NamedTuple

import pytest

from tests.server.protocols.test_error_forms import PROTOCOLS
from tests.server.serving import Json, Served, serving
from thinkaloud.testing import Cut, ScriptedModel, Silence, say, think

ASKING: dict[str, Json] = {
    "chat": {"stream": True, "include_reasoning": True},
    "responses": {"stream": True, "reasoning": {"summary": "auto"}},
    "messages": {"stream": True, "thinking": {"type": "enabled", "budget_tokens": 2_000}},
    "ollama": {"stream": True, "think": True},
    "ai-sdk": {},
    "ag-ui": {},
}
"""What asks for a stream with reasoning."""


class Ends(NamedTuple):
    """How a stream ends."""

    complete: str
    failed: str


ENDS = {
    "chat": Ends("[DONE]", '"error":{'),
    "responses": Ends("response.completed", "event: response.failed"),
    "messages": Ends("message_stop", "event: error"),
    "ollama": Ends('"done":true', '{"error":"'),
    "ai-sdk": Ends('"type":"finish"', '"type":"error"'),
    "ag-ui": Ends("RUN_FINISHED", "RUN_ERROR"),
}


async def streamed(served: Served, name: str) -> str:
    protocol = PROTOCOLS[name]
    body = {**protocol.body, **ASKING[name]}
    async with served.session.post(served.url + protocol.path, json=body) as response:
        assert response.status == 200, await response.text()
        return await response.text()


@pytest.mark.parametrize("name", ENDS)
async def test_a_failure_in_the_middle_is_an_error_and_never_a_normal_end(name: str) -> None:
    model = ScriptedModel([think("Hm."), say("Half"), [Cut()]])
    async with serving(model) as served:
        text = await streamed(served, name)
    assert "Hm." in text
    assert "Half" in text
    assert ENDS[name].complete not in text
    # The AI SDK terminates every stream in the same way.
    last = text.rstrip().removesuffix("data: [DONE]").rstrip().splitlines()[-2:]
    assert ENDS[name].failed in "\n".join(last)


@pytest.mark.parametrize("name", ENDS)
async def test_a_complete_stream_ends_as_such(name: str) -> None:
    async with serving(ScriptedModel([think("Hm."), say("Hi.")])) as served:
        text = await streamed(served, name)
    assert ENDS[name].complete in text
    assert ENDS[name].failed not in text


@pytest.mark.parametrize("name", ENDS)
async def test_leaving_during_the_reasoning_stops_the_model(name: str) -> None:
    protocol = PROTOCOLS[name]
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        body = {**protocol.body, **ASKING[name]}
        async with served.session.post(served.url + protocol.path, json=body) as response:
            text = b""
            while b"Hm." not in text:
                text += await response.content.readany()
            assert model.open_streams == 1
            response.close()
        async with asyncio.timeout(30):
            while model.open_streams:
                await asyncio.sleep(0)
