"""Anthropic's own Python library against the server."""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic

from tests.server.protocols.anthropic_messages.asking import HELLO, MODEL, THINKING, WEATHER
from tests.server.serving import Served, serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolTurn, UserTurn
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

ASK: Any = {"model": MODEL, "max_tokens": 4_000, "messages": [HELLO]}
THINK: Any = {**ASK, "thinking": THINKING}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@asynccontextmanager
async def asking(
    model: ScriptedModel, **options: Any
) -> AsyncGenerator[tuple[AsyncAnthropic, Served]]:
    """Serve a model and open a client of it."""
    async with (
        serving(model, **options) as served,
        AsyncAnthropic(base_url=served.url, api_key="unused", max_retries=0) as client,
    ):
        yield client, served


async def read(client: AsyncAnthropic, found: list[str]) -> None:
    """Collect the answer of a stream until it ends or fails."""
    async with client.messages.stream(**THINK) as stream:
        async for text in stream.text_stream:
            found += [text]


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_streams_with_a_signature_before_the_answer() -> None:
    usage = Usage(input_tokens=9, output_tokens=24, reasoning_tokens=18, cache_read_tokens=4)
    script = [think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)]
    async with asking(ScriptedModel(script)) as (client, _):
        async with client.messages.stream(**THINK) as stream:
            kinds = [event.type async for event in stream]
        message = await stream.get_final_message()
    thought, answer = message.content
    assert thought.type == "thinking"
    assert thought.thinking == "Hm\u2028m."
    assert thought.signature.startswith("ta1_")
    assert answer.type == "text"
    assert answer.text == "Grüß dich 👋"
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("text")
    assert message.stop_reason == "end_turn"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (5, 4)
    assert message.usage.output_tokens == 24
    details = message.usage.output_tokens_details
    assert details is not None
    assert details.thinking_tokens == 18


async def test_a_complete_message_has_the_reasoning_only_if_asked() -> None:
    script = [think("Hm."), say("Hi.")]
    async with asking(ScriptedModel(script, script)) as (client, _):
        plain = await client.messages.create(**ASK)
        whole = await client.messages.create(**THINK)
    assert [block.type for block in plain.content] == ["text"]
    assert [block.type for block in whole.content] == ["thinking", "text"]
    assert whole._request_id


@pytest.mark.feature("client tools", "tools", "history")
async def test_the_clients_tools_are_called_between_the_servers_own() -> None:
    model = ScriptedModel(
        [think("Sum."), call_tool("add", {"a": 1, "b": 2}, "call_1")],
        [think("Ask."), say("Wait."), call_tool("weather", {"city": "Bern"}, "call_2")],
        [say("Sunny.")],
    )
    async with asking(model, tools=[add]) as (client, _):
        async with client.messages.stream(**THINK, tools=[WEATHER]) as stream:
            first = await stream.get_final_message()
        assert first.stop_reason == "tool_use"
        assert [block.type for block in first.content] == [
            "thinking",
            "mcp_tool_use",
            "mcp_tool_result",
            "thinking",
            "text",
            "tool_use",
        ]
        call = first.content[-1]
        assert call.type == "tool_use"
        assert (call.id, call.name, call.input) == ("call_2", "weather", {"city": "Bern"})
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}
        history: Any = [
            HELLO,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = await client.messages.create(**{**THINK, "messages": history}, tools=[WEATHER])
    assert [block.type for block in second.content] == ["text"]
    turns = model.requests[2].turns
    assert [type(turn) for turn in turns] == [
        UserTurn,
        AssistantTurn,
        ToolTurn,
        AssistantTurn,
        ToolTurn,
    ]
    assert turns[3].parts[0] == ReasoningPart("Ask.")  # type: ignore[union-attr]


async def test_images_are_seen_by_the_model_also_those_of_tools() -> None:
    model = ScriptedModel([call_tool("weather", {}, "call_1")], [say("Pixels.")])
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
    }
    asked: Any = {"role": "user", "content": [{"type": "text", "text": "What?"}, image]}
    async with asking(model) as (client, _):
        first = await client.messages.create(**{**ASK, "messages": [asked]}, tools=[WEATHER])
        result = {"type": "tool_result", "tool_use_id": "call_1", "content": [image]}
        history: Any = [
            asked,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        await client.messages.create(**{**ASK, "messages": history}, tools=[WEATHER])
    for request in model.requests:
        last = request.turns[-1]
        assert isinstance(last, UserTurn)
        assert last.images[0].base64 == PIXEL


@pytest.mark.feature("stop")
async def test_closing_the_stream_while_the_model_thinks_stops_the_model() -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with asking(model) as (client, served):
        async with client.messages.stream(**THINK) as stream:
            async for event in stream:
                if event.type == "thinking":
                    break
            assert model.open_streams == 1
        while model.open_streams or served.runs.hub.open_logs:
            await asyncio.sleep(0)


@pytest.mark.feature("errors")
async def test_errors_before_a_stream_are_the_librarys_own_exceptions() -> None:
    slow = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    full = ModelFailed("provider_overloaded", "Overloaded.", retryable=False)
    async with asking(ScriptedModel([slow], [full])) as (client, _):
        with pytest.raises(anthropic.RateLimitError, match="Too many requests"):
            await client.messages.create(**ASK, stream=True)
        with pytest.raises(anthropic.APIStatusError) as overloaded:
            await client.messages.create(**ASK)
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.create(**{**ASK, "model": "lab/none"})
        with pytest.raises(anthropic.BadRequestError) as invalid:
            await client.messages.create(**{**ASK, "messages": []})
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("lab/none")
    assert overloaded.value.status_code == 529
    assert invalid.value.body["error"]["type"] == "invalid_request_error"  # type: ignore[index]
    assert invalid.value.request_id


async def test_an_error_in_the_middle_of_a_stream_is_raised_and_a_complete_message_is_next() -> (
    None
):
    model = ScriptedModel([think("Hm."), say("Half"), [Cut()]], [think("Hm."), say("Whole")])
    async with asking(model) as (client, _):
        found: list[str] = []
        with pytest.raises(anthropic.APIStatusError, match="cut off"):
            await read(client, found)
        again = await client.messages.create(**THINK)
    assert found == ["Half"]
    assert again.content[-1].type == "text"
    assert again.content[-1].text == "Whole"


async def test_tokens_are_counted_without_calling_a_model() -> None:
    model = ScriptedModel()
    async with asking(model) as (client, _):
        short = await client.messages.count_tokens(model=MODEL, messages=ASK["messages"])
        long = await client.messages.count_tokens(
            model=MODEL,
            messages=[{"role": "user", "content": "word " * 300}],
            tools=[WEATHER],  # type: ignore[list-item]
        )
    assert 1 <= short.input_tokens <= 20
    assert 300 <= long.input_tokens <= 700
    assert model.requests == []


async def test_the_models_are_listed_and_retrieved() -> None:
    async with asking(ScriptedModel(model_id="lab/org/model")) as (client, served):
        listed = [model.id async for model in client.models.list()]
        found = await client.models.retrieve("lab/org/model")
        async with served.session.get(f"{served.url}/v1/models") as response:
            openai = await response.json()
    assert listed == ["lab/org/model"]
    assert (found.id, found.type) == ("lab/org/model", "model")
    assert openai["object"] == "list"


async def test_a_key_may_be_in_either_header() -> None:
    async with (
        serving(ScriptedModel([say("Hi.")])) as served,
        AsyncAnthropic(base_url=served.url, auth_token="unused") as client,
    ):
        message = await client.messages.create(**ASK)
    assert message.content[0].type == "text"
