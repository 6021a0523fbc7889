"""Anthropic's own library for Node.js against the server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.node import NodeClient
from tests.server.protocols.anthropic_messages.asking import HELLO, MODEL, THINKING, WEATHER
from tests.server.serving import Json, Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolResult, ToolTurn
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
from thinkaloud.tools.function import tool

ASKED: Json = {"model": MODEL, "max_tokens": 4_000, "messages": [HELLO], "thinking": THINKING}


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@pytest.fixture(scope="module")
def client() -> Iterator[NodeClient]:
    """A process for all tests of this module."""
    client = NodeClient("anthropic.mjs")
    yield client
    client.close()


async def do(client: NodeClient, served: Served, command: str, **body: Any) -> Json:
    await client.do("open", baseURL=served.url)
    found: Json = await client.do(command, **{**ASKED, **body})
    return found


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage(client: NodeClient) -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    script = [think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)]
    async with serving(ScriptedModel(script)) as served:
        found = await do(client, served, "message")
    assert (found["thinking"], found["text"]) == ("Hm\u2028m.", "Grüß dich 👋")
    thought, answer = found["message"]["content"]
    assert thought["signature"].startswith("ta1_")
    assert answer["text"] == "Grüß dich 👋"
    assert found["message"]["stop_reason"] == "end_turn"
    assert found["message"]["usage"]["output_tokens_details"]["thinking_tokens"] == 18


@pytest.mark.feature("client tools", "tools", "history")
async def test_the_clients_tools_are_called_by_it(client: NodeClient) -> None:
    model = ScriptedModel(
        [call_tool("add", {"a": 1, "b": 2}, "call_1")],
        [think("Ask."), call_tool("weather", {"city": "Bern"}, "call_2")],
        [say("Sunny.")],
    )
    async with serving(model, tools=[add]) as served:
        first = (await do(client, served, "message", tools=[WEATHER]))["message"]
        assert [block["type"] for block in first["content"]] == [
            "mcp_tool_use",
            "mcp_tool_result",
            "thinking",
            "tool_use",
        ]
        assert first["content"][-1]["input"] == {"city": "Bern"}
        result = {"type": "tool_result", "tool_use_id": "call_2", "content": "Sunny"}
        history = [
            HELLO,
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": [result]},
        ]
        second = await do(client, served, "message", tools=[WEATHER], messages=history)
    assert second["text"] == "Sunny."
    asked, results = model.requests[2].turns[-2:]
    assert isinstance(asked, AssistantTurn)
    assert asked.parts[0] == ReasoningPart("Ask.")
    assert results == ToolTurn((ToolResult("call_2", "weather", "Sunny"),))


@pytest.mark.feature("stop")
async def test_leaving_the_stream_while_the_model_thinks_stops_the_model(
    client: NodeClient,
) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        await do(client, served, "think")
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)


@pytest.mark.feature("errors")
async def test_errors_before_and_in_a_stream_are_the_librarys_own(client: NodeClient) -> None:
    slow = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    model = ScriptedModel([slow], [say("Half"), [Cut()]], [say("Whole")])
    async with serving(model) as served:
        before = await do(client, served, "message")
        unknown = await do(client, served, "create", model="lab/none")
        during = await do(client, served, "message")
        again = await do(client, served, "create")
    assert before["error"] == {"name": "RateLimitError", "status": 429, "type": "rate_limit_error"}
    assert unknown["error"]["name"] == "NotFoundError"
    assert during["text"] == "Half"
    assert during["error"]["type"] == "api_error"
    assert again["message"]["content"] == [{"type": "text", "text": "Whole"}]


async def test_the_models_are_listed_and_tokens_counted(client: NodeClient) -> None:
    async with serving(ScriptedModel(model_id="lab/org/model")) as served:
        found = await do(client, served, "models")
        counted = await do(client, served, "count", model="lab/org/model")
    assert found == {"found": ["lab/org/model"], "one": "lab/org/model"}
    assert counted["input_tokens"] > 0
