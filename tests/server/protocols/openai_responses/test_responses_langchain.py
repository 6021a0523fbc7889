"""LangChain's ChatOpenAI against the Responses API."""

from typing import Any

import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolResult, ToolTurn
from thinkaloud.testing import ScriptedModel, call_tool, finish, say, think


@langchain_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


def chat(served: Served, **options: Any) -> ChatOpenAI:
    """A chat model of LangChain that uses the Responses API."""
    return ChatOpenAI(
        model="scripted/model",
        base_url=f"{served.url}/v1",
        api_key=SecretStr("unused"),
        max_retries=0,
        use_responses_api=True,
        reasoning={"summary": "auto"},
        **options,
    )


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage() -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    model = ScriptedModel([think("Hm."), say("Grüß ", "dich 👋"), finish("stop", usage)])
    async with serving(model) as served:
        chunks = [chunk async for chunk in chat(served).astream("Hello")]
    assert "".join(chunk.text for chunk in chunks) == "Grüß dich 👋"
    assert "Hm." in repr([chunk.content for chunk in chunks])
    counted = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert counted[-1].get("output_token_details", {}).get("reasoning") == 18


@pytest.mark.feature("client tools", "history")
async def test_tools_of_the_application_are_called_by_it() -> None:
    model = ScriptedModel(
        [think("Where?"), call_tool("weather", {"city": "Bern"}, "call_1")], [say("Sunny.")]
    )
    async with serving(model) as served:
        bound = chat(served).bind_tools([weather])
        messages: list[Any] = [HumanMessage("How is it?")]
        answer = await bound.ainvoke(messages)
        (call,) = answer.tool_calls
        messages += [answer, ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"])]
        final = await bound.ainvoke(messages)
    assert final.text == "Sunny."
    _, called, answered = model.requests[1].turns
    assert isinstance(called, AssistantTurn)
    assert called.parts[0] == ReasoningPart("Where?")
    assert answered == ToolTurn((ToolResult("call_1", "weather", "Sunny in Bern"),))
