"""OpenAI's own library for Node.js against the server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.node import NodeClient
from tests.server.protocols.openai_chat.asking import HELLO, MODEL
from tests.server.serving import Json, Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolResult, ToolTurn
from thinkaloud.testing import (
    Cut,
    ModelFailed,
    ScriptedModel,
    Silence,
    call_tool,
    finish,
    say,
    think,
)

ASKED: Json = {"model": MODEL, "messages": [HELLO], "include_reasoning": True}
OPEN = {"type": "function", "function": {"name": "open", "parameters": {"type": "object"}}}


@pytest.fixture(scope="module")
def client() -> Iterator[NodeClient]:
    """A process for all tests of this module."""
    client = NodeClient("openai.mjs")
    yield client
    client.close()


async def chat(client: NodeClient, served: Served, **body: Any) -> Json:
    await client.do("open", baseURL=f"{served.url}/v1")
    found: Json = await client.do("chat", **{**ASKED, **body})
    return found


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage(client: NodeClient) -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    script = [think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)]
    async with serving(ScriptedModel(script)) as served:
        found = await chat(client, served)
    assert found["texts"]["reasoning_content"] == "Hm\u2028m."
    assert found["texts"]["content"] == "Grüß dich 👋"
    assert found["finish"] == "stop"
    assert found["usage"]["completion_tokens_details"]["reasoning_tokens"] == 18


@pytest.mark.feature("client tools", "history")
async def test_the_clients_tools_are_called_by_it(client: NodeClient) -> None:
    model = ScriptedModel([call_tool("open", {"name": "a"}, "call_1")], [say("Read.")])
    async with serving(model) as served:
        first = await chat(client, served, tools=[OPEN])
        assert first["finish"] == "tool_calls"
        calls = [{"role": "assistant", "content": None, "tool_calls": first["calls"]}]
        results = [{"role": "tool", "tool_call_id": "call_1", "content": "A"}]
        second = await chat(client, served, tools=[OPEN], messages=[HELLO, *calls, *results])
    assert second["texts"]["content"] == "Read."
    assert model.requests[1].turns[-1] == ToolTurn((ToolResult("call_1", "open", "A"),))


@pytest.mark.feature("stop")
async def test_leaving_the_stream_while_the_model_thinks_stops_the_model(
    client: NodeClient,
) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        await client.do("open", baseURL=f"{served.url}/v1")
        await client.do("think", **ASKED)
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)


@pytest.mark.feature("errors")
async def test_errors_before_and_in_a_stream_are_the_librarys_own(client: NodeClient) -> None:
    slow = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    async with serving(ScriptedModel([slow], [say("Half"), [Cut()]])) as served:
        before = await chat(client, served)
        unknown = await chat(client, served, model="lab/none")
        during = await chat(client, served)
    assert before["error"] == {
        "name": "RateLimitError",
        "status": 429,
        "code": "rate_limit_exceeded",
    }
    assert unknown["error"]["name"] == "NotFoundError"
    assert during["texts"]["content"] == "Half"
    assert during["error"]["code"] == "provider_stream_cut"


async def test_the_models_are_listed_and_retrieved(client: NodeClient) -> None:
    async with serving(ScriptedModel(model_id="lab/org/model")) as served:
        await client.do("open", baseURL=f"{served.url}/v1")
        assert await client.do("models") == {"found": ["lab/org/model"], "one": "lab/org/model"}
