"""The OpenAI Agents SDK against the server, through the Responses API."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)
from agents.exceptions import ModelBehaviorError
from openai import AsyncOpenAI
from openai.types import Reasoning

from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolTurn
from thinkaloud.testing import Cut, ScriptedModel, Silence, call_tool, finish, say, think
from thinkaloud.tools.function import tool

CONFIG = RunConfig(tracing_disabled=True)


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@function_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


@asynccontextmanager
async def agent_of(model: ScriptedModel, **options: Any) -> AsyncGenerator[tuple[Agent, Served]]:
    """Serve a model and return an agent that uses it."""
    async with (
        serving(model, tools=[add]) as served,
        AsyncOpenAI(base_url=f"{served.url}/v1", api_key="unused", max_retries=0) as client,
    ):
        settings = ModelSettings(reasoning=Reasoning(effort="low", summary="auto"))
        responses = OpenAIResponsesModel("scripted/model", client)
        yield Agent("Tester", model=responses, model_settings=settings, **options), served


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_streams_as_a_summary_once() -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    script = [think("Hm", "m."), say("Hi ", "there."), finish("stop", usage)]
    async with agent_of(ScriptedModel(script)) as (agent, _):
        result = Runner.run_streamed(agent, "Hello", run_config=CONFIG)
        events = [
            event.data
            async for event in result.stream_events()
            if event.type == "raw_response_event"
        ]
    thoughts = [e.delta for e in events if e.type == "response.reasoning_summary_text.delta"]
    assert "".join(thoughts) == "Hmm."
    assert not [event for event in events if event.type == "response.reasoning_text.delta"]
    assert result.final_output == "Hi there."
    counted = result.context_wrapper.usage
    assert counted.output_tokens_details.reasoning_tokens == 18


@pytest.mark.feature("tools", "client tools", "history")
@pytest.mark.parametrize("by_id", [False, True])
async def test_the_agents_tools_run_in_the_agent_and_the_servers_on_the_server(
    by_id: bool,
) -> None:
    model = ScriptedModel(
        [think("First."), call_tool("add", {"a": 1, "b": 2}, "call_1")],
        [call_tool("weather", {"city": "Bern"}, "call_2")],
        [say("Three, and sunny.")],
    )
    async with agent_of(model, tools=[weather]) as (agent, _):
        result = await Runner.run(
            agent, "Hello", run_config=CONFIG, auto_previous_response_id=by_id
        )
    assert result.final_output == "Three, and sunny."
    assert len(model.requests) == 3
    turns = model.requests[2].turns
    results = [
        each.content for turn in turns if isinstance(turn, ToolTurn) for each in turn.results
    ]
    assert results == ["3", "Sunny in Bern"]


@pytest.mark.feature("errors")
async def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    async with agent_of(ScriptedModel([say("Half"), [Cut()]])) as (agent, _):
        result = Runner.run_streamed(agent, "Hello", run_config=CONFIG)
        with pytest.raises(ModelBehaviorError):
            async for _ in result.stream_events():
                pass


@pytest.mark.feature("stop")
async def test_cancelling_the_run_stops_the_model() -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with agent_of(model) as (agent, _):
        result = Runner.run_streamed(agent, "Hello", run_config=CONFIG)
        async for event in result.stream_events():
            if event.type == "raw_response_event" and "reasoning" in event.data.type:
                result.cancel()
        while model.open_streams:
            await asyncio.sleep(0)
