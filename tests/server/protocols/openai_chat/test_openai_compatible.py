"""The AI SDK's provider for OpenAI-compatible servers, which opencode uses, against the server."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.clients.node import NodeClient
from tests.server.serving import Json, Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolTurn
from thinkaloud.testing import Cut, ScriptedModel, Silence, call_tool, finish, say, think
from thinkaloud.tools.function import tool

OPTIONS: Json = {"include_reasoning": True, "reasoningEffort": "low"}


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@pytest.fixture(scope="module")
def client() -> Iterator[NodeClient]:
    """A process for all tests of this module."""
    client = NodeClient("openai-compatible.mjs")
    yield client
    client.close()


async def chat(client: NodeClient, served: Served) -> Json:
    await client.do("open", baseURL=f"{served.url}/v1", id="scripted/model")
    found: Json = await client.do("chat", prompt="Hello", options=OPTIONS)
    return found


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage(client: NodeClient) -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    model = ScriptedModel([think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)])
    async with serving(model) as served:
        found = await chat(client, served)
    assert found["reasoning"] == "Hm\u2028m."
    assert found["text"] == "Grüß dich 👋"
    assert found["finish"] == "stop"
    assert found["usage"]["outputTokens"] == 24
    assert found["usage"]["outputTokenDetails"]["reasoningTokens"] == 18
    assert model.requests[0].effort == "low"


@pytest.mark.feature("tools", "client tools", "history")
async def test_the_agent_loop_runs_its_tools_and_the_server_its_own(client: NodeClient) -> None:
    model = ScriptedModel(
        [think("Both."), call_tool("weather", {"city": "Bern"}, "call_1")],
        [call_tool("add", {"a": 1, "b": 2}, "call_2")],
        [say("Sunny, and three.")],
    )
    async with serving(model, tools=[add]) as served:
        found = await chat(client, served)
    assert found["text"] == "Sunny, and three."
    results = [turn for turn in model.requests[2].turns if isinstance(turn, ToolTurn)]
    assert [each.content for turn in results for each in turn.results] == ["Sunny in Bern", "3"]


@pytest.mark.feature("errors")
async def test_an_error_in_the_middle_of_a_stream_is_reported(client: NodeClient) -> None:
    async with serving(ScriptedModel([say("Half"), [Cut()]])) as served:
        found = await chat(client, served)
        assert found["text"] == "Half"
        assert "cut off" in found["error"]


@pytest.mark.feature("stop")
async def test_aborting_while_the_model_thinks_stops_the_model(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        await client.do("open", baseURL=f"{served.url}/v1", id="scripted/model")
        await client.do("abort", prompt="Hello", options=OPTIONS)
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)
