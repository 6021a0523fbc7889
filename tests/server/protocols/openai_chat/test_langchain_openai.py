"""LangChain's ChatOpenAI against the server."""

import asyncio
from contextlib import aclosing
from typing import Any

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolResult, ToolTurn, UserTurn
from thinkaloud.testing import Cut, ScriptedModel, Silence, call_tool, finish, say, think


@langchain_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


def chat(served: Served, **options: Any) -> ChatOpenAI:
    """A chat model of LangChain that uses the server."""
    return ChatOpenAI(
        model="scripted/model",
        base_url=f"{served.url}/v1",
        api_key=SecretStr("unused"),
        max_retries=0,
        stream_usage=True,
        **options,
    )


@pytest.mark.feature("usage")
async def test_an_answer_streams_with_its_usage() -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    model = ScriptedModel([think("Hm."), say("Grüß ", "dich 👋"), finish("stop", usage)])
    async with serving(model) as served:
        chunks = [chunk async for chunk in chat(served, temperature=0.5).astream("Hello")]
    assert "".join(str(chunk.content) for chunk in chunks) == "Grüß dich 👋"
    counted = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert counted[-1].get("output_token_details", {}).get("reasoning") == 18
    assert model.requests[0].options.temperature == 0.5


@pytest.mark.feature("client tools", "history")
async def test_tools_of_the_application_are_called_by_it() -> None:
    model = ScriptedModel([call_tool("weather", {"city": "Bern"}, "call_1")], [say("Sunny.")])
    async with serving(model) as served:
        bound = chat(served).bind_tools([weather])
        messages: list[Any] = [HumanMessage("How is it?")]
        answer = await bound.ainvoke(messages)
        (call,) = answer.tool_calls
        assert call["args"] == {"city": "Bern"}
        messages += [answer, ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])]
        final = await bound.ainvoke(messages)
    assert final.content == "Sunny."
    first, _, results = model.requests[1].turns
    assert first == UserTurn("How is it?")
    assert results == ToolTurn((ToolResult("call_1", "weather", "Sunny in Bern"),))


async def test_structured_output_asks_the_model_for_its_schema() -> None:
    model = ScriptedModel([say('{"city": "Bern"}')])
    schema = {"title": "Place", "type": "object", "properties": {"city": {"type": "string"}}}
    async with serving(model) as served:
        structured = chat(served).with_structured_output(schema, method="json_schema")
        found = await structured.ainvoke("Where?")
    assert found == {"city": "Bern"}
    form = model.requests[0].options.response_format
    assert form is not None
    assert form.name == "Place"


@pytest.mark.feature("errors")
async def test_an_error_in_the_middle_of_a_stream_is_raised() -> None:
    async with serving(ScriptedModel([say("Half"), [Cut()]])) as served:
        with pytest.raises(openai.APIError):
            _ = [chunk async for chunk in chat(served).astream("Hello")]


@pytest.mark.feature("stop")
async def test_leaving_the_stream_stops_the_model() -> None:
    model = ScriptedModel([say("Well"), [Silence()]])
    async with serving(model) as served:
        async with aclosing(chat(served).astream("Hello")) as stream:  # type: ignore[type-var]
            async for chunk in stream:
                if chunk.content:
                    break
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)
