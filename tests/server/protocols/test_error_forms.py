"""Every error below a protocol's paths has the protocol's own form, and stops before the model."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.server.credentials import Named, credential, limited_to
from tests.server.protocols.test_gate import NobodyIsKnown
from tests.server.serving import Json, Served, serving
from tests.thoroughness import cut_interval
from thinkaloud.server.wire_settings import WireSettings
from thinkaloud.testing import ModelFailed, ScriptedModel, say

HELLO = [{"role": "user", "content": "Hello"}]
MESSAGE = {"id": "u1", "role": "user"}
READER = credential("reader")
JSON = {"Content-Type": "application/json"}


class Protocol(NamedTuple):
    """A protocol: where its requests go, and the form of its errors."""

    path: str
    body: Json
    has_form: Callable[[aiohttp.ClientResponse, str], bool]
    waits: bool = True
    """Whether the response begins with the first output, so that a failed run has a status."""


def is_openai(response: aiohttp.ClientResponse, text: str) -> bool:
    error = json.loads(text)["error"]
    return set(error) == {"message", "type", "param", "code"} and bool(error["message"])


def is_anthropic(response: aiohttp.ClientResponse, text: str) -> bool:
    found = json.loads(text)
    named = found["type"] == "error" and bool(found["request_id"])
    return named and set(found["error"]) == {"type", "message"}


def is_ollama(response: aiohttp.ClientResponse, text: str) -> bool:
    return isinstance(json.loads(text)["error"], str)


def is_text(response: aiohttp.ClientResponse, text: str) -> bool:
    return response.content_type == "text/plain" and text.endswith((".", "?")) and "{" not in text


PROTOCOLS = {
    "chat": Protocol("/v1/chat/completions", {"messages": HELLO}, is_openai),
    "responses": Protocol("/v1/responses", {"input": "Hello"}, is_openai),
    "messages": Protocol(
        "/v1/messages",
        {"model": "scripted/model", "max_tokens": 9, "messages": HELLO},
        is_anthropic,
    ),
    "ollama": Protocol(
        "/api/chat", {"model": "scripted/model", "messages": HELLO, "stream": False}, is_ollama
    ),
    "ai-sdk": Protocol(
        "/api/v1/ai-sdk/chat",
        {"messages": [{**MESSAGE, "parts": [{"type": "text", "text": "Hello"}]}]},
        is_text,
        waits=False,
    ),
    "ag-ui": Protocol(
        "/api/v1/ag-ui",
        {"threadId": "t", "runId": "r", "messages": [{**MESSAGE, "content": "Hello"}]},
        is_text,
        waits=False,
    ),
}


async def refused(
    served: Served, protocol: Protocol, method: str = "POST", path: str = "", **request: Any
) -> int:
    """Send a request whose answer is an error of the protocol, and return its status."""
    url = served.url + protocol.path + path
    given = {"json": protocol.body, **request}
    if "data" in given:
        del given["json"]
    async with served.session.request(method, url, **given) as response:
        text = await response.text()
        assert protocol.has_form(response, text), f"{response.status}: {text}"
        assert response.headers["Content-Type"] != "application/problem+json"
        return response.status


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_request_that_is_refused_before_it_is_read(name: str) -> None:
    protocol = PROTOCOLS[name]
    async with serving(ScriptedModel(), authenticator=NobodyIsKnown()) as served:
        assert await refused(served, protocol) == 401
        assert await refused(served, protocol, "GET", "/no/such/path") == 401
    known = Named(reader=limited_to("read", owner="ana"))
    async with serving(ScriptedModel(), authenticator=known) as served:
        assert await refused(served, protocol, headers=READER) == 403


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_request_that_cannot_be_read(name: str) -> None:
    protocol = PROTOCOLS[name]
    async with serving(ScriptedModel(), wires=WireSettings(max_body_bytes=1_000)) as served:
        assert await refused(served, protocol, path="/no/such/path") == 404
        assert await refused(served, protocol, "PATCH") == 405
        large = b'{"messages": "' + b"x" * 2_000 + b'"}'
        assert await refused(served, protocol, data=large, headers=JSON) == 413
        text = {"Content-Type": "text/plain"}
        assert await refused(served, protocol, data=b"{}", headers=text) == 415
        for data in (b"", b"{", b"\xff", b'"text"', b"[" * 500):
            assert await refused(served, protocol, data=data, headers=JSON) in {400, 422}
        wrong = {**protocol.body, "messages": 7, "input": 7}
        assert await refused(served, protocol, json=wrong) in {400, 422}


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_request_that_no_model_can_answer(name: str) -> None:
    protocol = PROTOCOLS[name]
    failures = [
        ModelFailed("provider_rate_limit", "Too many requests.", retry_after=300.0),
        ModelFailed("provider_overloaded", "Overloaded.", retry_after=300.0),
    ]
    model = ScriptedModel(*[[each] for each in failures])
    async with serving(model) as served:
        other = {**protocol.body, "model": "no/such"}
        if name == "ag-ui":
            other["forwardedProps"] = {"model": "no/such"}
        assert await refused(served, protocol, json=other) == 404
        if protocol.waits:
            assert await refused(served, protocol) == 429
            assert await refused(served, protocol) in {503, 529}
        served.runs.draining = True
        assert await refused(served, protocol) in {503, 529}


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_a_request_whose_connection_breaks_at_any_byte_runs_nothing(name: str) -> None:
    protocol = PROTOCOLS[name]
    model = ScriptedModel([say("Hi.")])
    body = json.dumps(protocol.body).encode()
    async with serving(model) as served:
        address = served.url.removeprefix("http://")
        head = (
            f"POST {protocol.path} HTTP/1.1\r\nHost: {address}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        host, port = address.split(":")
        for cut in range(1, len(request), cut_interval(len(request)) * 3):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(request[:cut])
            writer.close()
            await writer.wait_closed()
        async with served.session.post(served.url + protocol.path, json=protocol.body) as response:
            assert response.status == 200
            assert "Hi." in await response.text()
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/responses", "/v1/responses"),
        ("/v1/chat/chat/completions", "/v1/chat/completions"),
    ],
)
async def test_a_wrong_base_url_is_refused_with_the_path_that_was_meant(
    path: str, meant: str
) -> None:
    async with (
        serving(ScriptedModel()) as served,
        served.session.post(served.url + path, json={"messages": HELLO}) as response,
    ):
        text = await response.text()
        assert (response.status, is_openai(response, text)) == (404, True)
        assert f"it should lead to {meant}." in json.loads(text)["error"]["message"]


async def test_a_client_of_anthropics_api_with_v1_in_its_base_url_is_told_the_path() -> None:
    headers = {"anthropic-version": "2023-06-01"}
    async with (
        serving(ScriptedModel()) as served,
        served.session.post(f"{served.url}/v1/v1/messages", json={}, headers=headers) as response,
    ):
        text = await response.text()
        assert (response.status, is_anthropic(response, text)) == (404, True)
        assert "it should lead to /v1/messages." in json.loads(text)["error"]["message"]
