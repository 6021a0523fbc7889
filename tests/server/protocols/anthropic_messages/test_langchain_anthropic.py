"""LangChain's ChatAnthropic against the server."""

import asyncio
from contextlib import aclosing
from typing import Any

import anthropic
import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool

from tests.server.protocols.anthropic_messages.asking import THINKING
from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolResult, ToolTurn, UserTurn
from thinkaloud.server.wire_settings import AnthropicSettings, WireSettings
from thinkaloud.testing import Cut, ScriptedModel, Silence, call_tool, finish, say, think
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@langchain_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


def chat(served: Served, **options: Any) -> ChatAnthropic:
    """A chat model of LangChain that uses the server."""
    given: Any = {
        "model": "scripted/model",
        "base_url": served.url,
        "api_key": "unused",
        "max_tokens": 4_000,
        "max_retries": 0,
        "thinking": THINKING,
        **options,
    }
    return ChatAnthropic(**given)


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage() -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    model = ScriptedModel([think("Hm", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)])
    async with serving(model) as served:
        chunks = [chunk async for chunk in chat(served).astream("Hello")]
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    thought, answer = whole.content_blocks
    assert thought["type"] == "reasoning"
    assert thought.get("reasoning") == "Hmm."
    assert answer["type"] == "text"
    assert answer["text"] == "Grüß dich 👋"
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["output_tokens"] == 24
    assert whole.usage_metadata["input_tokens"] == 5


@pytest.mark.feature("client tools", "history")
async def test_tools_of_the_application_are_called_by_it() -> None:
    model = ScriptedModel(
        [think("Sum."), call_tool("add", {"a": 1, "b": 2}, "call_1")],
        [think("Ask."), call_tool("weather", {"city": "Bern"}, "call_2")],
        [say("Sunny.")],
    )
    # Its message types don't have these blocks, so that each one would be a warning.
    wires = WireSettings(anthropic=AnthropicSettings(server_tools=False))
    async with serving(model, tools=[add], wires=wires) as served:
        bound = chat(served).bind_tools([weather])
        messages: list[Any] = [HumanMessage("How is it?")]
        answer = await bound.ainvoke(messages)
        (call,) = answer.tool_calls
        assert call["args"] == {"city": "Bern"}
        messages += [answer, ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])]
        final = await bound.ainvoke(messages)
    assert final.text == "Sunny."
    first, _, sums, asked, results = model.requests[2].turns
    assert first == UserTurn("How is it?")
    assert sums == ToolTurn((ToolResult("call_1", "add", "3"),))
    assert isinstance(asked, AssistantTurn)
    assert asked.parts[0] == ReasoningPart("Ask.")
    assert results == ToolTurn((ToolResult("call_2", "weather", "Sunny in Bern"),))


@pytest.mark.feature("tools")
async def test_calls_of_the_servers_tools_are_in_the_stream() -> None:
    model = ScriptedModel([call_tool("add", {"a": 1, "b": 2}, "call_1")], [say("3")])
    async with serving(model, tools=[add]) as served:
        chunks = [chunk async for chunk in chat(served).astream("1 + 2?")]
    assert "mcp_tool_use" in repr(chunks)
    assert "".join(chunk.text for chunk in chunks) == "3"


async def test_structured_output_asks_the_model_for_its_schema() -> None:
    model = ScriptedModel([say('{"city": "Bern"}')])
    schema = {"title": "Place", "type": "object", "properties": {"city": {"type": "string"}}}
    async with serving(model) as served:
        structured = chat(served, thinking=None).with_structured_output(
            schema, method="json_schema"
        )
        found = await structured.ainvoke("Where?")
    assert found == {"city": "Bern"}
    form = model.requests[0].options.response_format
    assert form is not None
    assert form.schema is not None
    assert "city" in repr(form.schema)


@pytest.mark.feature("errors")
async def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    async with serving(ScriptedModel([say("Half"), [Cut()]])) as served:
        with pytest.raises(anthropic.APIStatusError):
            _ = [chunk async for chunk in chat(served).astream("Hello")]


@pytest.mark.feature("stop")
async def test_leaving_the_stream_while_the_model_thinks_stops_the_model() -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        async with aclosing(chat(served).astream("Hello")) as stream:  # type: ignore[type-var]
            async for chunk in stream:
                if "thinking" in repr(chunk.content):
                    break
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)
