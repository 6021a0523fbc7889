"""Errors for clients of Anthropic's API, and what stops a run."""

import asyncio
import io
import json

import aiohttp
import pytest

from tests.server.credentials import Named, credential, limited_to
from tests.server.protocols.anthropic_messages.asking import (
    HELLO,
    MODEL,
    THINKING,
    VERSION,
    events,
    outline,
    post,
)
from tests.server.serving import Json, serving
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.testing import Cut, ModelFailed, ScriptedModel, Silence, say, think


@pytest.mark.parametrize("streams", [False, True])
async def test_a_failure_before_any_output_has_a_status_of_its_own(streams: bool) -> None:
    failure = ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0)
    async with serving(ScriptedModel([failure])) as served:
        status, answer = await post(served, {"x-request-id": "mine"}, stream=streams)
    assert status == 429
    assert answer == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Too many requests."},
        "request_id": "mine",
    }


async def test_a_failure_in_the_middle_is_an_error_and_not_the_end_of_the_stream() -> None:
    async with serving(ScriptedModel([say("Half"), [Cut()]])) as served:
        found = await events(served)
    assert outline(found) == ["message_start", "0 text", "0 text_delta", "0 stop", "error"]
    assert found[-1]["error"] == {"type": "api_error", "message": "The stream was cut off."}


@pytest.mark.parametrize("streams", [False, True])
async def test_hanging_up_stops_the_run(streams: bool) -> None:
    model = ScriptedModel([think("Hm."), [Silence()]])
    async with serving(model) as served:
        body = {
            "model": MODEL,
            "max_tokens": 100,
            "messages": [HELLO],
            "stream": streams,
            "thinking": THINKING,
        }
        async with aiohttp.ClientSession() as session:
            asking = asyncio.ensure_future(session.post(f"{served.url}/v1/messages", json=body))
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
    assert stored["conversations"] == []


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/v1/files", 404, "not_found_error"),
        ("POST", "/v1/messages/batches", 404, "not_found_error"),
        ("GET", "/v1/models/lab/unknown", 404, "not_found_error"),
        ("GET", "/v1/models?limit=0", 400, "invalid_request_error"),
        ("GET", "/v1/models?after_id=lab/unknown", 400, "invalid_request_error"),
        ("GET", "/v1/messages", 405, "invalid_request_error"),
        ("POST", "/v1/messages", 415, "invalid_request_error"),
    ],
)
async def test_every_error_has_anthropics_form(
    method: str, path: str, status: int, kind: str
) -> None:
    async with (
        serving(ScriptedModel()) as served,
        served.session.request(method, served.url + path, headers=VERSION) as response,
    ):
        answer = await response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["request-id"] == response.headers["X-Request-ID"]
    assert (response.status, answer["error"]["type"]) == (status, kind)
    assert answer["request_id"] == response.headers["request-id"]


@pytest.mark.promise("P12")
@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [("stranger", 401, "authentication_error"), ("reader", 403, "permission_error")],
)
async def test_a_message_needs_a_key_with_the_scope_to_chat(
    name: str, status: int, kind: str
) -> None:
    owners = Named(reader=limited_to("read"))
    async with serving(ScriptedModel(), authenticator=owners) as served:
        got, answer = await post(served, credential(name))
    assert (got, answer["error"]["type"]) == (status, kind)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": "Hello"},
        {"messages": [{"content": "no role"}]},
        {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": 5}]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "source": {"type": "base64", "data": "JVBERi0="}}
                    ],
                }
            ]
        },
        {"max_tokens": 0},
        {"max_tokens": None},
        {"model": None},
        {"temperature": "hot"},
        {"thinking": {"type": "enabled", "budget_tokens": -1}},
        {"output_config": {"effort": "enormous"}},
        {"stop_sequences": ["x"] * 99},
        {"tools": [{"name": "x"}] * 1_001},
    ],
)
async def test_an_invalid_request_is_refused(body: Json) -> None:
    model = ScriptedModel()
    async with serving(model) as served:
        status, answer = await post(served, **body)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert model.requests == []


@pytest.mark.parametrize(
    "messages",
    [[HELLO] * 100_001, [{"role": "user", "content": [{"type": "text", "text": "x"}] * 100_001}]],
    ids=["messages", "blocks"],
)
async def test_a_request_has_at_most_a_hundred_thousand_messages_and_blocks(
    messages: list[Json],
) -> None:
    body = json.dumps({"model": MODEL, "max_tokens": 9, "messages": messages}).encode()
    headers = {"Content-Type": "application/json"}
    async with serving(ScriptedModel()) as served:
        url = f"{served.url}/v1/messages"
        async with served.session.post(url, data=io.BytesIO(body), headers=headers) as response:
            answer = await response.json()
    assert (response.status, answer["error"]["type"]) == (400, "invalid_request_error")
    assert "100,000" in answer["error"]["message"]


async def test_an_oversized_or_too_deep_body_is_refused_in_anthropics_form() -> None:
    wires = WireSettings(max_body_bytes=1_000)
    async with serving(ScriptedModel(), wires=wires) as served:
        large, too_large = await post(served, metadata={"user_id": "x" * 2_000})
        deep, too_deep = await post(served, metadata=json.loads("[" * 100 + "]" * 100))
    assert (large, too_large["error"]["type"]) == (413, "request_too_large")
    assert (deep, too_deep["error"]["type"]) == (400, "invalid_request_error")
