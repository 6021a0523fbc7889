"""OpenAI's own library for Node.js against the Responses API."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.node import NodeClient
from tests.server.serving import Json, Served, serving
from thinkaloud.events.model import Usage
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

ASKED: Json = {"model": "scripted/model", "input": "Hello", "reasoning": {"summary": "auto"}}
SUMMARY = "response.reasoning_summary_text.delta"
ANSWER = "response.output_text.delta"
OPEN = {"type": "function", "name": "open", "parameters": {"type": "object"}, "strict": False}


@pytest.fixture(scope="module")
def client() -> Iterator[NodeClient]:
    """A process for all tests of this module."""
    client = NodeClient("openai.mjs")
    yield client
    client.close()


async def respond(client: NodeClient, served: Served, **body: Any) -> Json:
    await client.do("open", baseURL=f"{served.url}/v1")
    found: Json = await client.do("respond", **{**ASKED, **body})
    return found


@pytest.mark.feature("reasoning", "usage")
async def test_reasoning_and_answer_stream_with_their_usage(client: NodeClient) -> None:
    usage = Usage(input_tokens=5, output_tokens=24, reasoning_tokens=18)
    script = [think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)]
    async with serving(ScriptedModel(script)) as served:
        found = await respond(client, served)
    assert found["texts"] == {SUMMARY: "Hm\u2028m.", ANSWER: "Grüß dich 👋"}
    assert found["last"]["type"] == "response.completed"
    usage_ = found["last"]["response"]["usage"]
    assert usage_["output_tokens_details"]["reasoning_tokens"] == 18


@pytest.mark.feature("client tools", "history")
async def test_the_clients_tools_are_called_by_it(client: NodeClient) -> None:
    model = ScriptedModel([call_tool("open", {"name": "a"}, "call_1")], [say("Read.")])
    async with serving(model) as served:
        await client.do("open", baseURL=f"{served.url}/v1")
        first = await client.do("collected", **ASKED, tools=[OPEN])
        (call,) = first["output"]
        assert call["arguments"] == '{"name":"a"}'
        result = {"type": "function_call_output", "call_id": call["call_id"], "output": "A"}
        body = {**ASKED, "input": [result], "previous_response_id": first["id"]}
        second = await client.do("collected", **body)
    assert second["output_text"] == "Read."


@pytest.mark.feature("resume")
async def test_a_background_response_is_resumed_where_the_client_left(client: NodeClient) -> None:
    model = ScriptedModel([think("One ", "two."), say("Three ", "four.")])
    async with serving(model) as served:
        seen = await respond(client, served, background=True, until=SUMMARY)
        name = seen["last"]["response"]["id"] if "response" in seen["last"] else None
        name = name or f"resp_{seen['last']['item_id'].split('_')[1]}"
        after = seen["numbers"][-1]
        rest = await client.do("respond", resume=name, starting_after=after)
    assert rest["numbers"][0] == after + 1
    texts = seen["texts"][SUMMARY] + rest["texts"].get(SUMMARY, "")
    assert texts == "One two."
    assert rest["texts"][ANSWER] == "Three four."
    assert rest["last"]["type"] == "response.completed"


@pytest.mark.feature("stop")
async def test_leaving_the_stream_while_the_model_thinks_stops_the_model(
    client: NodeClient,
) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        await respond(client, served, until=SUMMARY)
        while model.open_streams:
            await asyncio.sleep(0)


@pytest.mark.feature("errors")
async def test_errors_before_and_in_a_stream_are_the_librarys_own(client: NodeClient) -> None:
    slow = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    async with serving(ScriptedModel([slow], [say("Half"), [Cut()]])) as served:
        before = await respond(client, served)
        unknown = await respond(client, served, model="lab/none")
        during = await respond(client, served)
    assert before["error"]["name"] == "RateLimitError"
    assert unknown["error"]["name"] == "NotFoundError"
    assert during["texts"][ANSWER] == "Half"
    assert during["last"]["type"] == "response.failed"
