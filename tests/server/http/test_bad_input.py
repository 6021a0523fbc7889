"""Invalid requests over HTTP: a problem document that names the field, and no side effects."""

import io
import json
from typing import Any

import pytest

from tests.server.serving import serving, valid
from thinkaloud.testing import ScriptedModel, say

MESSAGE = "/chat/message"
PLACES = [MESSAGE, "/chat/stream-sse", "/conversations", "/models/switch"]
NOT_JSON = {
    "cut off": '{"text": "x"',
    "empty": "",
    "a comment": '{"text": "x"} // hi',
    "NaN": '{"text": "x", "context": {"a": NaN}}',
    "Infinity": '{"text": "x", "context": {"a": -Infinity}}',
    "half a surrogate": '{"text": "\\ud800 and more text"}',
    "the other half": '{"text": "\\udc00"}',
    "half a surrogate as a key": '{"\\ud800": 1, "text": "and some more text"}',
    "no UTF-8": b'{"text": "\xff"}',
    "a byte order mark": b'\xef\xbb\xbf{"text": "x"}',
    "10,000 arrays": '{"text": "x", "context": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}",
    "10,000 open arrays": "[" * 10_000,
    "deep behind a string": '{"text": "[[\\"", "context": ' + '{"a":' * 100 + "1" + "}" * 101,
}
UNREAD_ELSEWHERE = {"a comment", "half a surrogate", "the other half", "no UTF-8"}
"""Wrong where only a chat request reads on: others miss a member, or skip one, before that."""
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"text": 7}, "text"),
    ({"text": None}, "text"),
    ({"text": ["x"]}, "text"),
    ({"text": ""}, "text"),
    ({"text": " \n "}, "text"),
    ({"text": "a\x00b"}, "text"),
    ({"text": "x" * 401}, "text"),
    ({"conversation_id": 7}, "conversation_id"),
    ({"conversation_id": ""}, "conversation_id"),
    ({"conversation_id": "a b"}, "conversation_id"),
    ({"conversation_id": "ä"}, "conversation_id"),
    ({"conversation_id": "a\n"}, "conversation_id"),
    ({"conversation_id": "x" * 65}, "conversation_id"),
    ({"conversation_id": "../x"}, "conversation_id"),
    ({"streaming": "true"}, "streaming"),
    ({"streaming": 1}, "streaming"),
    ({"include_reasoning": "true"}, "include_reasoning"),
    ({"include_reasoning": 1}, "include_reasoning"),
    ({"max_iterations": 0}, "max_iterations"),
    ({"max_iterations": -1}, "max_iterations"),
    ({"max_iterations": 1_000_000}, "max_iterations"),
    ({"max_iterations": 10**30}, "max_iterations"),
    ({"max_iterations": "5"}, "max_iterations"),
    ({"max_iterations": 1.5}, "max_iterations"),
    ({"max_iterations": True}, "max_iterations"),
    ({"context": []}, "context"),
    ({"context": "x"}, "context"),
    ({"context_files": "x"}, "context_files"),
    ({"context_files": [1]}, "context_files[0]"),
    ({"context_files": ["/etc/passwd"]}, "context_files"),
    ({"context_files": ["x"] * 65}, "context_files"),
    ({"image_path": 7}, "image_path"),
    ({"image_path": "../../secret.png"}, "image_path"),
    ({"model": 7}, "model"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"reasoning_effort": 0}, "reasoning_effort"),
    ({"reasoning_effort": 1.5}, "reasoning_effort"),
    ({"reasoning_effort": True}, "reasoning_effort"),
]


@pytest.mark.parametrize("place", PLACES)
async def test_invalid_json_is_rejected_and_the_server_keeps_working(place: str) -> None:
    async with serving(ScriptedModel([say("Fine.")])) as served:
        for name, body in NOT_JSON.items():
            if name in UNREAD_ELSEWHERE and "chat" not in place:
                continue
            status, problem = await served.post(
                place, data=body, headers={"Content-Type": "application/json"}
            )
            assert (status, problem["code"]) == (400, "malformed_json"), name
        assert (await served.post(MESSAGE, {"text": "Hi"}))[1]["response"] == "Fine."


@pytest.mark.parametrize("place", [MESSAGE, "/chat/stream-sse"])
async def test_every_field_of_a_wrong_type_or_value_is_named(place: str) -> None:
    model = ScriptedModel([say("Fine.")])
    async with serving(model, max_text_chars=400) as served:
        document = await served.document("openapi")
        for change, field in WRONG:
            status, problem = await served.post(place, {"text": "Hi", **change})
            assert (status, problem.get("field")) == (422, field), change
            assert problem["title"] == "Unprocessable Content" or problem["title"]
            valid(problem, {"$ref": "#/components/schemas/Problem"}, document)
        assert model.requests == []
        _, listed = await served.get("/conversations")
        assert listed["conversations"] == []


@pytest.mark.parametrize("body", ["[]", '"x"', "7", "null", "true"])
async def test_a_body_that_is_not_an_object_is_refused(body: str) -> None:
    async with serving(ScriptedModel()) as served:
        for place in PLACES:
            status, problem = await served.post(
                place, data=body, headers={"Content-Type": "application/json"}
            )
            assert (status, problem["field"]) == (422, "body")


@pytest.mark.parametrize(
    ("place", "body", "field"),
    [
        ("/conversations", {"title": 7}, "title"),
        ("/conversations", {"title": "x" * 201}, "title"),
        ("/conversations", {"conversation_id": "a b"}, "conversation_id"),
        ("/models/switch", {}, "model_id"),
        ("/models/switch", {"model_id": 7}, "model_id"),
        (
            "/models/switch",
            {"model_id": "scripted/model", "reasoning_effort": "huge"},
            "reasoning_effort",
        ),
    ],
)
async def test_the_fields_of_the_other_bodies_are_named_too(
    place: str, body: dict[str, Any], field: str
) -> None:
    async with serving(ScriptedModel()) as served:
        status, problem = await served.post(place, body)
    assert (status, problem["field"]) == (422, field)


async def test_an_unknown_model_is_reported_with_similar_names() -> None:
    async with serving(ScriptedModel()) as served:
        for place, body in (
            (MESSAGE, {"text": "Hi", "model": "scripted/modle"}),
            ("/models/switch", {"model_id": "scripted/modle"}),
        ):
            status, problem = await served.post(place, body)
            assert (status, problem["code"]) == (404, "unknown_model")
            assert problem["nearest"] == ["scripted/model"]


async def test_an_invalid_effort_is_reported_with_the_valid_ones() -> None:
    async with serving(ScriptedModel()) as served:
        _, problem = await served.post(MESSAGE, {"text": "Hi", "reasoning_effort": "huge"})
    assert problem["code"] == "unsupported_effort"
    assert {"low", "high"} <= set(problem["valid"])


async def test_an_invalid_enum_value_is_reported_with_the_valid_ones() -> None:
    async with serving(ScriptedModel()) as served:
        _, body = await served.post(MESSAGE, {"text": "Hi", "on_disconnect": "dance"})
        _, query = await served.get("/conversations/c/export?format=dance")
        async with served.socket() as socket:
            await socket.send({"text": "Hi", "on_disconnect": "dance"})
            socket_error = (await socket.receive())["data"]
            await socket.send({"type": "dance"})
            kind = (await socket.receive())["data"]
    for refused in (body, socket_error):
        assert (refused["field"], refused["valid"]) == ("on_disconnect", ["continue", "stop"])
    assert body["detail"] == "on_disconnect: Invalid enum value 'dance'. Valid: continue, stop."
    assert (query["field"], query["valid"]) == ("format", ["json", "markdown"])
    assert (kind["field"], kind["valid"]) == (
        "type",
        ["message", "stop", "resume", "decide", "answer"],
    )


async def test_any_other_invalid_value_is_reported_without_a_list() -> None:
    async with serving(ScriptedModel()) as served:
        _, problem = await served.post(MESSAGE, {"text": "Hi", "on_disconnect": 7})
    assert problem["field"] == "on_disconnect"
    assert "valid" not in problem


async def test_unknown_fields_are_ignored_and_the_last_duplicate_wins() -> None:
    async with serving(ScriptedModel([say("A")])) as served:
        body = '{"text": "first", "unheard_of": {"a": [1]}, "text": "second"}'
        status, reply = await served.post(
            MESSAGE, data=body, headers={"Content-Type": "application/json; charset=utf-8"}
        )
        _, page = await served.get(f"/conversations/{reply['conversation_id']}/messages")
    assert status == 200
    assert page["messages"][0]["text"] == "second"


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_fifty_megabytes_are_refused_without_being_kept(chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(800):
            yield b"x" * 65_536

    async with serving(ScriptedModel([say("Fine.")]), max_body_bytes=100_000) as served:
        body = pieces() if chunked else io.BytesIO(b"x" * 50_000_000)
        status, problem = await served.post(
            MESSAGE, data=body, headers={"Content-Type": "application/json"}
        )
        assert (status, problem["code"]) == (413, "body_too_large")
        assert (await served.post(MESSAGE, {"text": "Hi"}))[1]["response"] == "Fine."


async def test_a_missing_body_times_out() -> None:
    async def pieces() -> Any:
        yield b'{"text"'
        await served.session.get(f"{served.url}/healthz")
        while True:
            yield b" "

    async with serving(ScriptedModel(), body_timeout_seconds=0.05, max_body_bytes=10**9) as served:
        status, problem = await served.post(
            MESSAGE, data=pieces(), headers={"Content-Type": "application/json"}
        )
    assert (status, problem["code"]) == (408, "body_timeout")


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin-1",
        "application/jsonp",
        "text/json",
    ],
)
async def test_only_json_is_taken(media_type: str) -> None:
    body = json.dumps({"text": "Hi"})
    model = ScriptedModel()
    async with serving(model) as served:
        for place in PLACES:
            status, problem = await served.post(
                place, data=body, headers={"Content-Type": media_type}
            )
            assert (status, problem["code"]) == (415, "unsupported_media_type")
    assert model.requests == []


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä"])
async def test_an_invalid_idempotency_key_is_refused(key: str) -> None:
    async with serving(ScriptedModel()) as served:
        status, problem = await served.post(
            MESSAGE, {"text": "Hi"}, headers={"Idempotency-Key": key}
        )
    assert (status, problem["field"]) == (422, "Idempotency-Key")


async def test_a_wrong_method_gets_the_allowed_ones_and_a_wrong_path_nothing() -> None:
    async with serving(ScriptedModel()) as served:
        for method, path, allowed in (
            ("GET", "/api/v1/chat/message", "POST"),
            ("PUT", "/api/v1/conversations", "GET, HEAD, POST"),
            ("POST", "/api/v1/conversations/c1", "DELETE, GET, HEAD, PATCH"),
            ("HEAD", "/api/v1/runs/r/events", "GET"),
            ("TRACE", "/", "GET, HEAD"),
        ):
            async with served.session.request(method, served.url + path) as response:
                assert (response.status, response.headers["Allow"]) == (405, allowed)
        for path in ("/api/v1/nothing", "/api/v1/conversations//", "/api/v1/runs//stop", "/docs"):
            async with served.session.get(served.url + path) as response:
                assert response.status == 404
                assert response.content_type == "application/problem+json"
                problem = await response.json()
                assert problem["code"] == "not_found"
                assert problem["request_id"] == response.headers["X-Request-ID"]
