"""LiteLLM as a client of Chat Completions, Anthropic Messages and Responses."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from tests.clients.isolated.client import IsolatedClient
from tests.server.serving import serving
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolTurn
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

HELLO = [{"role": "user", "content": "Hello 👋"}]
USAGE = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
THOUGHT = [think("Hm", "m… 思"), say("Hi ", "there."), finish("stop", USAGE)]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.fixture(scope="module")
def client() -> Generator[IsolatedClient]:
    opened = IsolatedClient("litellm_client.py", "litellm.txt")
    yield opened
    opened.close()


@pytest.mark.feature("reasoning", "usage")
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_reasoning_and_usage_arrive_streamed_and_whole(
    client: IsolatedClient, protocol: str
) -> None:
    async with serving(ScriptedModel(THOUGHT, THOUGHT)) as served:
        streamed = await client.do("stream", url=served.url, messages=HELLO, protocol=protocol)
        whole = await client.do("complete", url=served.url, messages=HELLO, protocol=protocol)
    assert streamed["raised"] is None
    assert (streamed["reasoning"], streamed["content"]) == ("Hmm… 思", "Hi there.")
    assert whole["message"]["reasoning_content"] == "Hmm… 思"
    assert whole["message"]["content"] == "Hi there."
    assert streamed["usage"] == whole["usage"] == [24, 18]


@pytest.mark.feature("client tools", "history")
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_a_tool_runs_in_the_client_and_the_model_gets_its_reasoning_back(
    client: IsolatedClient, protocol: str
) -> None:
    call = call_tool("weather", {"city": "Bern"}, "call_1")
    model = ScriptedModel([think("Which city?"), call], [say("Sunny.")])
    async with serving(model) as served:
        asked = {"url": served.url, "protocol": protocol, "tools": [WEATHER]}
        first = await client.do("complete", messages=HELLO, **asked)
        (called,) = first["message"]["tool_calls"]
        result = {"role": "tool", "tool_call_id": called["id"], "content": "Sunny in Bern"}
        messages = [*HELLO, first["message"], result]
        second = await client.do("complete", messages=messages, **asked)
    assert first["finish_reason"] == "tool_calls"
    assert second["message"]["content"] == "Sunny."
    *_, response, results = model.requests[1].turns
    assert "Which city?" in repr(response)
    assert isinstance(results, ToolTurn)
    assert results.results[0].content == "Sunny in Bern"


@pytest.mark.feature("stop")
async def test_closing_the_stream_stops_the_model(client: IsolatedClient) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        assert await client.do("stop", url=served.url, messages=HELLO) == "Hm."
        async with asyncio.timeout(30):
            while model.open_streams or served.runs.hub.open_logs:
                await asyncio.sleep(0)


@pytest.mark.feature("errors")
@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
async def test_errors_before_and_during_a_stream_are_raised(
    client: IsolatedClient, protocol: str
) -> None:
    failed = ModelFailed("provider_rate_limit", "Too many requests.")
    model = ScriptedModel([failed], [say("Half"), [Cut()]])
    async with serving(model) as served:
        asked = {"url": served.url, "messages": HELLO, "protocol": protocol}
        before = await client.do("stream", **asked)
        during = await client.do("stream", **asked)
    assert before["error"] == "RateLimitError", before
    assert during["content"] == "Half"
    assert during["raised"] is not None


async def test_a_response_is_continued(client: IsolatedClient) -> None:
    async with serving(ScriptedModel(THOUGHT, [say("So.")])) as served:
        first = await client.do("respond", url=served.url, given="Hello")
        second = await client.do("respond", url=served.url, given="And?", previous=first["id"])
    assert (first["reasoning"], first["text"]) == ("Hmm… 思", "Hi there.")
    assert second["text"] == "So."
