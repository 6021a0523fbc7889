"""Versions of messages over HTTP and the sockets: no version is lost."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.server.serving import Json, Served, serving
from thinkaloud.events.model import ModelFailed
from thinkaloud.testing import ScriptedModel, Wait, say, think

REFUSED = [ModelFailed("provider_auth", "The key was refused.")]
PATH = "/conversations/c"


async def ask(served: Served, text: str, **request: Any) -> Json:
    """Carry a message to its end, and return the answer or the problem."""
    body = {"text": text, "conversation_id": "c", **request}
    _, answer = await served.post("/chat/message", body)
    return answer


async def messages(served: Served, query: str = "") -> Json:
    status, body = await served.get(f"{PATH}/messages{query}")
    assert status == 200
    return body


def texts(body: Json) -> list[str]:
    return [each["text"] for each in body["messages"]]


async def select(served: Served, run_id: str) -> tuple[int, Json]:
    return await served.post(f"{PATH}/versions", {"run_id": run_id})


@asynccontextmanager
async def page(served: Served, **attach: object) -> AsyncGenerator[ClientConnection]:
    async with connect(f"{served.url.replace('http', 'ws', 1)}/ws") as socket:
        await frame(socket, "ready")
        await socket.send(json.dumps({"type": "attach", "chat_id": "c", **attach}))
        await frame(socket, "attached")
        yield socket


async def frame(socket: ClientConnection, name: str) -> Json:
    """The next frame of this name."""
    while True:
        found: Json = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if found["event"] == name:
            return found


@pytest.mark.parametrize("transport", ["rest", "sse"])
async def test_a_refused_key_on_regenerating_the_first_answer_leaves_all_turns_in_list_and_export(
    transport: str,
) -> None:
    model = ScriptedModel([say("One.")], [say("Two.")], REFUSED)
    async with serving(model) as served:
        first = await ask(served, "first")
        await ask(served, "second")
        body = {"text": "first", "conversation_id": "c", "replaces": first["run_id"]}
        if transport == "rest":
            status, problem = await served.post("/chat/message", body)
            assert (status, problem["code"]) == (502, "provider_auth")
            failed = problem["run_id"]
        else:
            async with served.events("POST", "/chat/stream-sse", json=body) as stream:
                frames = [each async for each in stream]
            assert frames[-1]["event"] == "error"
            failed = frames[-1]["data"]["run_id"]
        found = await messages(served)
        assert texts(found) == ["first", "One.", "second", "Two."]
        assert found["messages"][0]["versions"] == {
            "index": 1,
            "count": 2,
            "run_ids": [first["run_id"], failed],
        }
        assert found["messages"][2]["versions"]["count"] == 1
        assert [each["run_id"] for each in found["attempt"]] == [failed] * 2
        assert found["attempt"][1]["error"]["code"] == "provider_auth"
        _, export = await served.get(f"{PATH}/export")
        assert [run["input"]["text"] for run in export["runs"]] == ["first", "second"]
        async with served.session.get(f"{served.api}{PATH}/export?format=markdown") as response:
            document = await response.text()
        assert "Two." in document
        assert "refused" not in document


async def test_regenerating_the_first_answer_keeps_what_followed_and_selecting_brings_it_back() -> (
    None
):
    model = ScriptedModel(*[[say(each)] for each in ("One.", "Two.", "Better.", "On.")])
    async with serving(model) as served:
        first = await ask(served, "first")
        second = await ask(served, "second")
        better = await ask(served, "first", replaces=first["run_id"])
        assert texts(await messages(served)) == ["first", "Better."]
        status, found = await select(served, first["run_id"])
        assert status == 200
        assert found["path"] == [first["run_id"], second["run_id"]]
        assert found["positions"] == [
            {
                "after": None,
                "run_ids": [first["run_id"], better["run_id"]],
                "selected": first["run_id"],
                "current": True,
            }
        ]
        assert texts(await messages(served)) == ["first", "One.", "second", "Two."]
        assert await select(served, first["run_id"]) == (200, found)
        assert await served.get(f"{PATH}/versions") == (200, found)
        _, export = await served.get(f"{PATH}/export")
        assert [each["run"]["run_id"] for each in export["other_versions"]] == [better["run_id"]]
        _, other = await served.get(f"{PATH}/export?version={better['run_id']}")
        assert [run["run_id"] for run in other["runs"]] == [better["run_id"]]


async def test_selecting_an_unknown_version_is_refused_by_name() -> None:
    async with serving(ScriptedModel([say("One.")], [say("Else.")])) as served:
        await ask(served, "first")
        other = await served.post("/chat/message", {"text": "Hi", "conversation_id": "other"})
        for body, expected in (
            ({"run_id": "run_nowhere"}, (404, "not_found")),
            ({"run_id": other[1]["run_id"]}, (404, "not_found")),
            ({}, (422, "invalid_request")),
            ({"run_id": 7}, (422, "invalid_request")),
        ):
            status, problem = await served.post(f"{PATH}/versions", body)
            assert (status, problem["code"]) == expected
        assert (await served.post("/conversations/nowhere/versions", {"run_id": "x"}))[0] == 404
        assert (await served.get("/conversations/nowhere/versions"))[0] == 404
        status, problem = await served.get(f"{PATH}/export?version=run_nowhere")
        assert (status, problem["field"]) == (422, "version")


async def test_while_a_run_is_active_no_version_can_be_selected_and_its_answer_is_placed_correctly() -> (
    None
):
    gate = asyncio.Event()
    model = ScriptedModel([say("One.")], [say("Better.")], [Wait(gate), say("Two.")])
    async with serving(model) as served:
        first = await ask(served, "first")
        await ask(served, "first", replaces=first["run_id"])
        running = asyncio.create_task(ask(served, "second"))
        while not served.runs.active.in_conversation("local", "c"):
            await asyncio.sleep(0)
        status, problem = await select(served, first["run_id"])
        assert (status, problem["code"]) == (409, "conflict")
        gate.set()
        await running
        assert texts(await messages(served)) == ["first", "Better.", "second", "Two."]


async def test_the_newest_page_lists_versions_and_a_cursor_of_another_version_is_refused() -> None:
    answers = ("One.", "Two.", "Three.", "Better.")
    async with serving(ScriptedModel(*[[say(each)] for each in answers])) as served:
        runs = [await ask(served, text) for text in ("first", "second", "third")]
        await ask(served, "second", replaces=runs[1]["run_id"])
        newest = await messages(served, "?limit=1")
        assert texts(newest) == ["second", "Better."]
        assert newest["messages"][0]["versions"]["index"] == 2
        gone = runs[2]["run_id"]
        status, problem = await served.get(f"{PATH}/messages?limit=1&before={gone}")
        assert (status, problem["field"]) == (422, "before")


async def test_followers_get_a_selection_as_a_numbered_log_event() -> None:
    async with serving(ScriptedModel([say("One.")], [say("Better.")])) as served:
        first = await ask(served, "first")
        await ask(served, "first", replaces=first["run_id"])
        before = (await messages(served))["seq"]
        async with (
            page(served) as socket,
            served.events("GET", f"{PATH}/events?after={before}") as stream,
        ):
            await select(served, first["run_id"])
            selected = await frame(socket, "version_selected")
            assert (selected["run_id"], selected["seq"]) == (first["run_id"], before + 1)
            sent = await anext(stream)
            assert (sent["event"], sent["seq"]) == ("version_selected", before + 1)
            assert sent["data"]["run_id"] == first["run_id"]
        async with page(served) as socket:
            shown = (await frame(socket, "snapshot"))["conversation"]
            assert [run["run_id"] for run in shown["runs"]] == [first["run_id"]]


@pytest.mark.promise("P7")
async def test_a_snapshot_has_the_thinking_replacement_beside_the_old_answer_and_no_thought_where_denied() -> (
    None
):
    for policy in ("allow", "deny"):
        gate = asyncio.Event()
        model = ScriptedModel([say("One.")], [think("SECRET"), Wait(gate), say("Better.")])
        async with serving(model, show_reasoning=policy) as served:
            first = await ask(served, "first")
            again = asyncio.create_task(ask(served, "first", replaces=first["run_id"]))
            awaited = "SECRET" if policy == "allow" else "run_id"
            while awaited not in str((await served.runs.hub.fold("local", "c")).view().attempt):
                await asyncio.sleep(0)
            async with page(served) as socket:
                shown = await frame(socket, "snapshot")
            plain = await messages(served)
            whole = await messages(served, "?include_reasoning=true")
            attempt = shown["conversation"]["attempt"]["run_id"]
            assert [each["run_id"] for each in plain["attempt"]] == [attempt] * 2
            assert "SECRET" not in json.dumps(plain)
            for body in (shown, whole["attempt"]):
                assert ("SECRET" in json.dumps(body)) is (policy == "allow")
            gate.set()
            await again


async def test_search_finds_text_of_other_versions_and_prefers_the_selected_one() -> None:
    answers = ("Rayleigh scatters.", "Tyndall scatters.", "Mie scatters.")
    async with serving(ScriptedModel(*[[say(each)] for each in answers])) as served:
        first = await ask(served, "first")
        second = await ask(served, "second")
        better = await ask(served, "first", replaces=first["run_id"])
        for search, found in (
            ("tyndall", second["run_id"]),
            ("rayleigh first", first["run_id"]),
            ("scatters", better["run_id"]),
            ("mie rayleigh", None),
            ("***", None),
        ):
            status, body = await served.get(f"{PATH}/versions", params={"search": search})
            assert (status, body["found"]) == (200, found), search
