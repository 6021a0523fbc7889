"""pydantic-ai as a client of Chat Completions and Responses."""

import asyncio
from collections.abc import Generator

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

USAGE = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
THOUGHT = [think("Hm", "m… 思"), say("Hi ", "there."), finish("stop", USAGE)]
PROTOCOLS = ["chat", "responses"]


@pytest.fixture(scope="module")
def client() -> Generator[IsolatedClient]:
    opened = IsolatedClient("pydantic_ai_client.py", "pydantic-ai.txt")
    yield opened
    opened.close()


@pytest.mark.feature("reasoning", "usage")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_reasoning_streams_as_a_part_of_its_own(
    client: IsolatedClient, protocol: str
) -> None:
    async with serving(ScriptedModel(THOUGHT)) as served:
        found = await client.do("ask", url=served.url, text="Hello 👋", protocol=protocol)
    assert (found["reasoning"], found["output"]) == ("Hmm… 思", "Hi there.")
    assert found["usage"] == [24, 18]


@pytest.mark.feature("client tools", "history")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_tool_runs_in_the_client_and_the_history_keeps_the_reasoning(
    client: IsolatedClient, protocol: str
) -> None:
    call = call_tool("weather", {"city": "Bern"}, "call_1")
    model = ScriptedModel([think("Which city?"), call], [say("Sunny.")], [say("Yes.")])
    async with serving(model) as served:
        asked = {"url": served.url, "protocol": protocol, "tools": True}
        first = await client.do("ask", text="Hello", **asked)
        second = await client.do("ask", text="Sure?", history=first["history"], **asked)
    assert (first["output"], second["output"]) == ("Sunny.", "Yes.")
    for request in model.requests[1:]:
        assert "Which city?" in repr(request.turns[1])
        assert isinstance(request.turns[2], ToolTurn)
        assert request.turns[2].results[0].content == "Sunny in Bern"


@pytest.mark.feature("stop")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_cancelling_stops_the_model(client: IsolatedClient, protocol: str) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        assert await client.do("stop", url=served.url, text="Hello", protocol=protocol) == "Hm."
        async with asyncio.timeout(30):
            while model.open_streams:
                await asyncio.sleep(0)


@pytest.mark.feature("errors")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_errors_before_and_during_a_stream_are_raised(
    client: IsolatedClient, protocol: str
) -> None:
    failed = ModelFailed("provider_rate_limit", "Too many requests.")
    model = ScriptedModel([failed], [say("Half"), [Cut()]])
    async with serving(model) as served:
        asked = {"url": served.url, "text": "Hello", "protocol": protocol}
        before = await client.do("ask", **asked)
        during = await client.do("ask", **asked)
    assert before["error"] == "ModelRateLimitError"
    assert during["error"] in {"ModelAPIError", "ModelServerError", "ModelHTTPError", "APIError"}
