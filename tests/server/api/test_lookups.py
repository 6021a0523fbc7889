"""Runs, conversations and models: read and change them, but never another owner's."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.server.serving import Served, exchange_over, serving
from thinkaloud.ports.model import ModelInfo, ReasoningAbility
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.testing import Cut, ScriptedModel, Silence, Wait, call_tool, say, think
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.promise("P10")
async def test_stopping_an_ended_run_repeatedly_changes_nothing() -> None:
    async with serving(ScriptedModel([think("T"), say("A"), Silence()])) as served:
        async with served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream:
            run_id = (await anext(stream))["data"]["run_id"]
            async for frame in stream:
                if frame["event"] == "token":
                    break
        stops = await asyncio.gather(*[served.post(f"/runs/{run_id}/stop") for _ in range(20)])
        later = await served.get(f"/runs/{run_id}")
    assert {status for status, _ in stops} == {200}
    assert all(run == later[1] for _, run in stops)
    assert (later[1]["status"], later[1]["response"]) == ("stopped", "A")
    assert later[1]["ended_at_ms"] >= later[1]["started_at_ms"]


async def test_a_conversation_can_be_read_from_its_end_a_page_at_a_time() -> None:
    async with serving(ScriptedModel(*[[think("T"), say(f"A{n}")] for n in range(5)])) as served:
        for n in range(5):
            await served.post(
                "/chat/message", {"text": f"Q{n}", "conversation_id": "c", "max_iterations": 1}
            )
        place = "/conversations/c/messages"
        _, everything = await served.get(place)
        pages: list[list[str]] = []
        before: str | None = ""
        while before is not None:
            _, page = await served.get(f"{place}?limit=2&before={before}")
            assert page["seq"] == everything["seq"]
            assert "reasoning" not in page["messages"][1]
            pages.append([message["text"] for message in page["messages"]])
            before = page["next_before"]
        _, exactly = await served.get(f"{place}?limit=5")
        _, older = await served.get(f"{place}?before={everything['messages'][2]['run_id']}")
    assert "next_before" not in everything
    assert pages == [["Q3", "A3", "Q4", "A4"], ["Q1", "A1", "Q2", "A2"], ["Q0", "A0"]]
    assert exactly == {**everything, "next_before": None}
    assert older == {**everything, "messages": everything["messages"][:2], "next_before": None}


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=x", "limit"), ("before=run_x", "before")]
)
async def test_an_invalid_page_is_refused_with_its_parameter(query: str, field: str) -> None:
    async with serving(ScriptedModel([say("A")])) as served:
        await served.post("/chat/message", {"text": "Q", "conversation_id": "c"})
        status, problem = await served.get(f"/conversations/c/messages?{query}")
    assert (status, problem["field"]) == (422, field)


async def test_a_stopped_message_returns_the_partial_answer() -> None:
    async with serving(ScriptedModel([say("Half"), Silence()])) as served:
        await served.post("/conversations", {"conversation_id": "c1"})
        async with served.events("GET", "/conversations/c1/events") as stream:
            asking = asyncio.ensure_future(exchange_over("rest", served, conversation_id="c1"))
            frame = await anext(stream)
            while frame["event"] != "token":
                frame = await anext(stream)
        state = (await served.get("/conversations/c1"))[1]
        await served.post(f"/runs/{state['active_runs'][0]}/stop")
        received = await asking
    assert received.complete is not None
    assert (received.complete["status"], received.complete["response"]) == ("stopped", "Half")


async def test_a_run_that_waits_for_its_conversation_reports_it() -> None:
    go = asyncio.Event()
    model = ScriptedModel([say("One"), Wait(go)], [say("Two")])
    async with serving(model) as served:
        first = await served.runs.start(Principal("local"), RunRequest("1", conversation_id="c1"))
        second = await served.runs.start(Principal("local"), RunRequest("2", conversation_id="c1"))
        _, waiting = await served.get(f"/runs/{second.run_id}")
        _, state = await served.get("/conversations/c1")
        go.set()
        async with served.events("GET", f"/runs/{second.run_id}/events") as stream:
            frames = [frame async for frame in stream]
    assert waiting["status"] == "queued"
    assert state["active_runs"] == [first.run_id, second.run_id]
    assert frames[0]["data"]["run_id"] == second.run_id
    assert frames[-1]["data"]["response"] == "Two"


@pytest.mark.promise("P1")
async def test_a_conversation_is_read_back_as_it_was_streamed() -> None:
    model = ScriptedModel(
        [think("Add."), call_tool("add", {"a": 1, "b": 2})],
        [think("3, then."), say("It is 3.")],
        [say("Half"), Cut()],
    )
    async with serving(model, tools=[add]) as served:
        received = await exchange_over(
            "sse", served, conversation_id="c1", context={"k": [1]}, include_reasoning=True
        )
        await exchange_over("rest", served, conversation_id="c1", text="Again")
        _, shown = await served.get("/conversations/c1/messages?include_reasoning=true")
        _, hidden = await served.get("/conversations/c1/messages")
    user, assistant, _, failed = shown["messages"]
    assert (user["role"], user["text"], user["context"]) == ("user", "Hello", {"k": [1]})
    assert assistant["text"] == received.texts("token") == "It is 3."
    assert assistant["reasoning"] == received.texts("reasoning") == "Add.3, then."
    assert [block["type"] for block in assistant["blocks"]] == [
        "reasoning",
        "tool",
        "reasoning",
        "answer",
    ]
    assert (failed["status"], failed["text"], failed["error"]["code"]) == (
        "failed",
        "Half",
        "provider_stream_cut",
    )
    assert [block["type"] for block in hidden["messages"][1]["blocks"]] == ["tool", "answer"]
    assert "reasoning" not in hidden["messages"][1]
    assert hidden["seq"] == shown["seq"] > received.frames[-1]["seq"]


async def test_a_conversation_can_be_created_renamed_listed_and_deleted() -> None:
    async with serving(ScriptedModel([say("A"), Silence()], [say("New")])) as served:
        status, made = await served.post("/conversations", {"title": "First"})
        assert (status, made["title"], made["seq"]) == (201, "First", 0)
        one = f"/conversations/{made['conversation_id']}"
        assert (await served.get(one))[1] == made
        async with served.session.patch(served.api + one, json={"title": "New"}) as response:
            assert (response.status, (await response.json())["title"]) == (200, "New")
        assert await titles(served) == ["New"]

        running = await served.runs.start(
            Principal("local"), RunRequest("Hi", conversation_id=made["conversation_id"])
        )
        async with served.events("GET", f"{one}/events?after=0") as stream:
            async with served.session.delete(served.api + one) as response:
                assert response.status == 204
            frames = [frame async for frame in stream]
        *_, end, last = frames
        assert (end["event"], end["data"]["status"]) == ("complete", "stopped")
        assert (last["event"], last["data"]["code"]) == ("error", "not_found")
        assert await titles(served) == []
        for path in (one, f"{one}/messages", f"{one}/events", f"/runs/{running.run_id}"):
            assert (await served.get(path))[0] == 404
        async with served.session.delete(served.api + one) as response:
            assert response.status == 404

        received = await exchange_over("rest", served, conversation_id=made["conversation_id"])
        assert received.complete is not None
        assert received.complete["response"] == "New"
        assert len((await served.get(f"{one}/messages"))[1]["messages"]) == 2


async def titles(served: Served) -> list[str]:
    _, listed = await served.get("/conversations")
    return [each["title"] for each in listed["conversations"]]


async def test_a_name_in_use_is_a_conflict() -> None:
    async with serving(ScriptedModel()) as served:
        assert (await served.post("/conversations", {"conversation_id": "c1"}))[0] == 201
        status, problem = await served.post("/conversations", {"conversation_id": "c1"})
    assert (status, problem["code"]) == (409, "conflict")


async def test_a_long_list_comes_in_pages() -> None:
    async with serving(ScriptedModel()) as served:
        for name in ("c1", "c2", "c3"):
            await served.post("/conversations", {"conversation_id": name})
            _, state = await served.get(f"/conversations/{name}")
            while served.services.clock.unix_ms() == state["updated_at_ms"]:
                pass
        _, first = await served.get("/conversations?limit=2")
        _, second = await served.get(f"/conversations?limit=2&before={first['next_before']}")
    assert [each["conversation_id"] for each in first["conversations"]] == ["c3", "c2"]
    assert [each["conversation_id"] for each in second["conversations"]] == ["c1"]
    assert second["next_before"] is None


@pytest.mark.promise("P12")
async def test_another_owners_objects_are_not_found_and_stay_unchanged() -> None:
    model = ScriptedModel([say("Private"), Silence()])
    async with serving(model) as served:
        record = await served.runs.start(
            Principal("somebody"), RunRequest("Hi", conversation_id="theirs")
        )
        run, conversation = f"/runs/{record.run_id}", "/conversations/theirs"
        tries: list[tuple[str, str, Any]] = [
            ("GET", run, None),
            ("POST", f"{run}/stop", None),
            ("GET", conversation, None),
            ("GET", f"{conversation}/messages", None),
            ("PATCH", conversation, {"title": "Mine"}),
            ("DELETE", conversation, None),
        ]
        unknown = await served.get("/runs/run_000000000000000000000000")
        for method, path, body in tries:
            given = {"json": body} if body is not None else {}
            async with served.session.request(method, served.api + path, **given) as response:
                problem = await response.json()
            assert (response.status, problem["code"]) == (404, "not_found"), path
        assert unknown[0] == 404
        assert await titles(served) == []
        assert model.open_streams == 1


async def test_switching_the_model_affects_new_runs_only() -> None:
    go = asyncio.Event()
    one = ScriptedModel([Wait(go), say("Old")], model_id="a/one")
    two = ScriptedModel([say("New")], model_id="b/two")
    async with serving(one, two) as served:
        running = asyncio.ensure_future(exchange_over("rest", served))
        while (await served.get("/system-status"))[1]["active_runs"] == 0:
            pass
        status, switched = await served.post(
            "/models/switch", {"model_id": "b/two", "reasoning_effort": "low"}
        )
        assert (status, switched["ok"], switched["model"]["id"]) == (200, True, "b/two")
        assert switched["model"]["current"] is True
        new = await exchange_over("rest", served)
        go.set()
        old = await running
        _, models = await served.get("/models")
    assert old.complete is not None
    assert old.complete["response"] == "Old"
    assert new.complete is not None
    assert (new.complete["model"], new.complete["reasoning_effort"]) == ("b/two", "low")
    assert {model["id"]: model["current"] for model in models} == {"a/one": False, "b/two": True}


class Steady(ScriptedModel):
    """A model that thinks at one effort only."""

    @property
    def info(self) -> ModelInfo:
        ability = ReasoningAbility(supported=True, streams=True, efforts=("low",))
        return msgspec.structs.replace(super().info, reasoning=ability)


async def test_an_effort_that_a_model_does_not_have_is_refused_with_those_it_has() -> None:
    async with serving(Steady([say("A")])) as served:
        for path, body in (
            ("/models/switch", {"model_id": "scripted/model"}),
            ("/chat/message", {"text": "Hi"}),
        ):
            for effort in ("high", "huge", 1024):
                status, problem = await served.post(path, {**body, "reasoning_effort": effort})
                assert (status, problem["code"]) == (422, "unsupported_effort")
                assert (problem["field"], problem["valid"]) == ("reasoning_effort", ["low"])
        received = await exchange_over("rest", served)
    assert received.complete is not None
    assert received.complete["reasoning_effort"] is None


async def test_a_switch_that_is_refused_changes_neither_model_nor_effort() -> None:
    one = ScriptedModel([say("A")], model_id="a/one")
    two = ScriptedModel(model_id="b/two")
    async with serving(one, two) as served:
        for body in (
            {"model_id": "b/two", "reasoning_effort": "huge"},
            {"model_id": "c/three", "reasoning_effort": "low"},
        ):
            assert (await served.post("/models/switch", body))[0] in {404, 422}
        received = await exchange_over("rest", served)
    assert received.complete is not None
    assert (received.complete["model"], received.complete["reasoning_effort"]) == ("a/one", None)
