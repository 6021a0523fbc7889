"""Different spellings of the same input are accepted."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.channels.sockets import client, hosting
from tests.server.serving import Served, exchange_over, serving
from thinkaloud.events.prompt import UserTurn
from thinkaloud.server.schema.requests import (
    ChatRequest,
    NewConversation,
    ResumeCommand,
    StopCommand,
)
from thinkaloud.server.wires.page.commands import COMMANDS
from thinkaloud.testing import ScriptedModel, say, think

BREAKS = "a\u2028b\u2029c\u0085d\u2014e\x0bf\x0cg\x1ch"
SCRIPT = [think(BREAKS), say(BREAKS)]


def nulls(kind: type[msgspec.Struct]) -> dict[str, None]:
    """Every member that may be left out, as null."""
    return {field.encode_name: None for field in msgspec.structs.fields(kind) if not field.required}


@pytest.mark.parametrize("transport", ["rest", "sse", "socket"])
async def test_null_is_the_same_as_omitted_in_every_field_of_a_message(transport: str) -> None:
    async with serving(ScriptedModel(*[[say("Fine.")]] * 20)) as served:
        for name in nulls(ChatRequest):
            received = await exchange_over(transport, served, **{name: None})
            assert received.complete is not None, name
            assert received.complete["response"] == "Fine."
        received = await exchange_over(transport, served, **nulls(ChatRequest))
    assert received.complete is not None
    assert "reasoning" not in received.complete


async def test_null_is_the_same_as_left_out_in_other_bodies_and_commands() -> None:
    async with serving(ScriptedModel([say("Fine.")])) as served:
        status, made = await served.post("/conversations", nulls(NewConversation))
        assert (status, made["title"], made["temporary"]) == (201, "", False)
        body = {"model_id": "scripted/model", "reasoning_effort": None}
        assert (await served.post("/models/switch", body))[0] == 200
        received = await exchange_over("rest", served)
        assert received.complete is not None
        async with served.socket() as socket:
            await socket.send({"type": "stop", **nulls(StopCommand)})
            resume = {**nulls(ResumeCommand), "run_id": received.complete["run_id"]}
            await socket.send({"type": "resume", **resume})
            assert (await socket.until_end())[-1]["data"]["response"] == "Fine."


async def test_null_is_the_same_as_left_out_in_every_command_of_a_page() -> None:
    needed: dict[str, dict[str, Any]] = {
        "message": {"chat_id": "room", "content": "Hi"},
        "earlier": {"chat_id": "room", "before": "run_unknown"},
        "new_chat": {},
        "decide": {"approval_id": "apr_unknown", "decision": "approve"},
        "answer": {"run_id": "run_0", "question_id": "qst_unknown", "action": "accept"},
        "ping": {},
    }
    async with hosting(ScriptedModel([say("Hi.")], [say("Hi.")])) as served, client(served) as one:
        await one.send({"type": None, "content": "Hi", "text": None, "chat_id": None})
        await one.until("turn_end")
        for name, command in COMMANDS.items():
            body = {**nulls(command), **needed.get(name, {"chat_id": "room"})}
            await one.send({"type": name, **body})
        frames = await one.until("pong")
    assert [each["code"] for each in frames if each["event"] == "error"] == ["not_found"] * 3


async def test_null_in_a_required_field_is_refused_and_null_inside_a_context_is_kept() -> None:
    model = ScriptedModel([say("Fine.")])
    async with serving(model) as served:
        status, problem = await served.post("/chat/message", {"text": None, "streaming": None})
        assert (status, problem["field"]) == (422, "text")
        status, problem = await served.post("/chat/message", {"text": "Hi", "streaming": "no"})
        assert (status, problem["field"]) == (422, "streaming")
        body = {"text": "Hi", "context": {"spouse": None}, "streaming": None}
        assert (await served.post("/chat/message", body))[0] == 200
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert "spouse" in turn.text


@pytest.mark.parametrize("word", ["true", "True", "TRUE", "1", "yes", "on", "On"])
async def test_a_boolean_of_a_query_is_taken_in_every_usual_spelling(word: str) -> None:
    opposite = {"true": "false", "1": "0", "yes": "no", "on": "off"}[word.lower()]
    async with serving(ScriptedModel(SCRIPT)) as served:
        received = await exchange_over("rest", served)
        assert received.complete is not None
        run = f"/runs/{received.complete['run_id']}"
        conversation = f"/conversations/{received.complete['conversation_id']}"
        for path in (run, f"{conversation}/messages", f"{conversation}/export"):
            _, shown = await served.get(f"{path}?include_reasoning={word}")
            _, hidden = await served.get(f"{path}?include_reasoning={opposite.title()}")
            assert shown == (await served.get(f"{path}?include_reasoning=true"))[1]
            assert hidden == (await served.get(path))[1]
            assert shown != hidden


async def test_an_invalid_boolean_is_refused_by_name() -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        received = await exchange_over("rest", served)
        assert received.complete is not None
        for word in ("maybe", "", "2", "tru", "true "):
            status, problem = await served.get(
                f"/runs/{received.complete['run_id']}", params={"include_reasoning": word}
            )
            assert (status, problem["field"]) == (422, "include_reasoning")
            assert problem["detail"] == "include_reasoning must be true or false."


async def sse_text(served: Served) -> str:
    body = {"text": BREAKS, "include_reasoning": True}
    async with served.session.post(f"{served.api}/chat/stream-sse", json=body) as response:
        first = await response.text()
    run_id = json.loads(first.splitlines()[-2].partition(": ")[2])["run_id"]
    url = f"{served.api}/runs/{run_id}/events?include_reasoning=1"
    async with served.session.get(url) as response:
        return first + await response.text()


LINES: list[Callable[[str], list[str]]] = [str.splitlines, lambda text: text.split("\n")]


@pytest.mark.promise("P4")
@pytest.mark.parametrize("lines", LINES, ids=["by any line break", "by line feeds"])
async def test_a_client_that_splits_at_any_line_break_of_unicode_reads_every_event(
    lines: Callable[[str], list[str]],
) -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        text = await sse_text(served)
    found = [line for line in lines(text) if line]
    assert {line.partition(":")[0] for line in found} == {"", "id", "event", "data"}
    data = [json.loads(line[6:]) for line in found if line.startswith("data: ")]
    assert [each["token"] for each in data if "token" in each] == [BREAKS] * 4
    assert [each["response"] for each in data if "response" in each] == [BREAKS] * 2


@pytest.mark.parametrize("path", ["/api/v1/chat/message", "/api/v1/chat/stream-sse"])
async def test_a_trailing_slash_changes_nothing_for_a_post(path: str) -> None:
    async with (
        serving(ScriptedModel([say("Fine.")])) as served,
        served.session.post(
            f"{served.url}{path}/", json={"text": "Hi"}, allow_redirects=False
        ) as response,
    ):
        assert response.status == 200
        assert "Fine." in await response.text()


async def test_a_trailing_slash_changes_nothing_on_any_route() -> None:
    async with serving(ScriptedModel([say("Fine.")])) as served:
        document = await served.document("openapi")
        received = await exchange_over("rest", served, conversation_id="c")
        assert received.complete is not None
        places = {"run_id": received.complete["run_id"], "conversation_id": "c", "upload_id": "x"}
        asked = 0
        for path, operations in document["paths"].items():
            if "get" not in operations or path == "/" or path.endswith("/events"):
                continue
            url = served.url + path.format(**places, number="1")
            async with served.session.get(url) as one, served.session.get(url + "/") as two:
                assert (one.status, one.content_type) == (two.status, two.content_type), path
                asked += 1
        assert asked > 12
        async with served.session.get(f"{served.url}/api/v1/conversations//") as response:
            assert response.status == 404


@pytest.mark.parametrize("path", ["/ws", "/api/v1/chat/stream"])
async def test_a_trailing_slash_changes_nothing_for_a_socket(path: str) -> None:
    async with hosting(ScriptedModel([say("Fine.")])) as served:
        url = f"{served.url.replace('http', 'ws', 1)}{path}/"
        async with connect(url) as socket:
            await socket.send('{"text": "Hi"}')
            async for text in socket:
                if json.loads(text)["event"] in {"complete", "turn_end"}:
                    break


SAID = [
    "{not json",
    "{",
    "{}}",
    "{ return x; }",
    '{"content": "cut off',
    "{'content': 'single quotes'}",
    '{"a": 1} and more',
    "{{ template }}",
    '{"a": NaN}',
    '["content"]',
    '"a text"',
    "null",
]


@pytest.mark.parametrize("text", SAID)
async def test_text_on_ws_that_is_not_a_json_object_is_a_message(text: str) -> None:
    model = ScriptedModel([say("Hi.")])
    async with hosting(model) as served, client(served) as one:
        await one.send(text)
        frames = await one.until("turn_end")
    assert "error" not in [frame["event"] for frame in frames]
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert turn.text == text


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json;",
        "application/json;charset=UTF-8",
        'application/json; charset="utf8"',
        "Application/JSON; odata=verbose; charset=utf-8",
        "application/json; version=1",
    ],
)
async def test_json_is_accepted_with_any_parameters_of_its_type(media_type: str) -> None:
    async with serving(ScriptedModel([say("Fine.")])) as served:
        status, _ = await served.post(
            "/chat/message", data=b'{"text": "Hi"}', headers={"Content-Type": media_type}
        )
    assert status == 200


async def test_a_byte_order_mark_is_refused_by_its_name() -> None:
    async with serving(ScriptedModel()) as served:
        status, problem = await served.post(
            "/chat/message",
            data=b'\xef\xbb\xbf{"text": "Hi"}',
            headers={"Content-Type": "application/json"},
        )
    assert status == 400
    assert "byte order mark" in problem["detail"]
