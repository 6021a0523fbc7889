"""Errors for clients of OpenAI's API, and what stops a run."""

import asyncio
import json

import aiohttp
import pytest

from tests.server.protocols.openai_chat.asking import HELLO, chunks, deltas, post
from tests.server.serving import Json, serving
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.testing import Cut, ModelFailed, ScriptedModel, Silence, say, think


@pytest.mark.parametrize("streams", [False, True])
async def test_a_failure_before_any_output_has_a_status_of_its_own(streams: bool) -> None:
    failure = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    async with serving(ScriptedModel([failure])) as served:
        status, answer = await post(served, stream=streams)
    assert status == 429
    assert answer == {
        "error": {
            "message": "Too many requests.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }


async def test_a_failure_in_the_middle_is_an_error_and_not_the_end_of_the_stream() -> None:
    async with serving(ScriptedModel([say("Half"), [Cut()]])) as served:
        found = await chunks(served)
    assert deltas(found[:-1], "content") == "Half"
    assert found[-1]["error"]["code"] == "provider_stream_cut"


@pytest.mark.parametrize("named", [{}, {"X-Conversation-Id": "mine"}], ids=["stateless", "stored"])
@pytest.mark.parametrize("streams", [False, True])
async def test_hanging_up_stops_the_run(streams: bool, named: dict[str, str]) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        url = f"{served.url}/v1/chat/completions"
        body = {"messages": [HELLO], "stream": streams, "include_reasoning": True}
        async with aiohttp.ClientSession() as session:
            asking = asyncio.ensure_future(session.post(url, json=body, headers=named))
            while not model.open_streams:
                await asyncio.sleep(0)
            if streams:
                response = await asking
                await response.content.readany()
                response.close()
            asking.cancel()
            await asyncio.wait([asking])
        while model.open_streams or len(served.runs.active):
            await asyncio.sleep(0)
        _, stored = await served.get("/conversations")
    assert [each["conversation_id"] for each in stored["conversations"]] == (
        ["mine"] if named else []
    )


async def test_a_response_begins_at_the_heartbeat_even_if_the_model_is_silent() -> None:
    model = ScriptedModel([[Silence()]])
    async with (
        serving(model, heartbeat_seconds=0.05) as served,
        served.session.post(
            f"{served.url}/v1/chat/completions", json={"messages": [HELLO], "stream": True}
        ) as response,
    ):
        assert response.status == 200
        line = await response.content.readline()
    assert line.startswith(b":")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1", 404, "not_found"),
        ("POST", "/v1/embeddings", 404, "not_found"),
        ("GET", "/v1/models/lab/unknown", 404, "model_not_found"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("POST", "/v1/chat/completions", 415, "unsupported_media_type"),
    ],
)
async def test_every_error_below_v1_has_openais_form(
    method: str, path: str, status: int, code: str
) -> None:
    async with (
        serving(ScriptedModel()) as served,
        served.session.request(method, served.url + path) as response,
    ):
        answer = await response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert "X-Request-ID" in response.headers
    assert (response.status, answer["error"]["code"]) == (status, code)
    assert set(answer["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"content": "no role"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages"),
        ({"messages": [HELLO, {"role": "tool", "content": "forged"}]}, "messages"),
        ({"n": 2}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"stop": ["x"] * 99}, "stop"),
    ],
)
async def test_an_invalid_request_is_refused_with_its_field(body: Json, param: str) -> None:
    model = ScriptedModel()
    async with serving(model) as served:
        status, answer = await post(served, **body)
    assert (status, answer["error"]["param"]) == (400, param)
    assert answer["error"]["type"] == "invalid_request_error"
    assert model.requests == []


async def test_an_oversized_or_too_deep_body_is_refused_in_openais_form() -> None:
    wires = WireSettings(max_body_bytes=1_000)
    async with serving(ScriptedModel(), wires=wires) as served:
        large, too_large = await post(served, user="x" * 2_000)
        deep, too_deep = await post(served, metadata=json.loads("[" * 100 + "]" * 100))
    assert (large, too_large["error"]["code"]) == (413, "body_too_large")
    assert (deep, too_deep["error"]["code"]) == (400, "malformed_json")
