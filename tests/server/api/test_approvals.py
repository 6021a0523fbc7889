"""Approvals and questions over REST and both sockets."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.server.credentials import Named, credential
from tests.server.serving import Served, serving
from thinkaloud.ports.principal import Principal
from thinkaloud.testing import ScriptedModel, call_tool, say
from thinkaloud.tools import ToolContext
from thinkaloud.tools.function import FunctionTool, tool

Json = dict[str, Any]


def writer(done: list[str]) -> FunctionTool[..., str]:
    @tool(approval="ask")
    def write(path: str) -> str:
        """Write a file."""
        done.append(path)
        return f"wrote {path}"

    return write


def model(*answers: str) -> ScriptedModel:
    return ScriptedModel([call_tool("write", {"path": "a"})], *([say(each)] for each in answers))


async def waiting(served: Served, **body: object) -> Json:
    """Send a message whose run waits."""
    status, answer = await served.post("/chat/message", {"text": "Write it.", **body})
    assert status == 202, answer
    found: Json = answer
    return found


async def ended(served: Served, run_id: str) -> Json:
    async with asyncio.timeout(30):
        await served.runs.active.wait(run_id)
    _, run = await served.get(f"/runs/{run_id}")
    found: Json = run
    return found


async def test_a_message_whose_run_waits_is_answered_with_what_it_waits_for() -> None:
    done: list[str] = []
    async with serving(model("Done."), tools=[writer(done)]) as served:
        answer = await waiting(served, conversation_id="c")
        assert answer["status"] == "waiting"
        (asked,) = answer["approvals"]
        assert asked["action"] == asked["title"] == "write"
        assert asked["arguments"] == {"path": "a"}
        assert asked["editable"] is True
        assert asked["allowed_remember"] == ["run", "conversation", "always"]
        assert (await served.get(f"/runs/{answer['run_id']}"))[1]["status"] == "waiting"

        status, listed = await served.get("/approvals?status=open")
        assert status == 200
        assert [each["approval_id"] for each in listed["approvals"]] == [asked["approval_id"]]
        assert listed["approvals"][0]["run_id"] == answer["run_id"]
        status, refused = await served.post(
            "/chat/message", {"text": "More.", "conversation_id": "c"}
        )
        assert (status, refused["code"]) == (409, "approval_pending")

        path = f"/runs/{answer['run_id']}/approvals/{asked['approval_id']}"
        status, decision = await served.post(path, {"decision": "approve"})
        assert status == 200
        assert decision["decision"] == "approved"
        assert decision["by"] == {"owner": "local", "via": "api"}
        assert (await ended(served, answer["run_id"]))["response"] == "Done."
        assert done == ["a"]
        status, again = await served.post(path, {"decision": "deny"})
        assert (status, again["code"]) == (409, "conflict")
        assert "approved" in again["detail"]
        _, listed = await served.get(f"/runs/{answer['run_id']}/approvals")
        assert [each["decision"] for each in listed["approvals"]] == ["approved"]
        assert (await served.get("/approvals"))[1] == {"approvals": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": True},
        {"decision": "approved"},
        {"decision": "approve", "arguments": "{}"},
        {"decision": "approve", "remember": "forever"},
        {"decision": "deny", "remember": "run"},
        {"decision": "deny", "arguments": {}},
    ],
)
async def test_an_invalid_decision_decides_nothing(body: Json) -> None:
    done: list[str] = []
    async with serving(model(), tools=[writer(done)]) as served:
        answer = await waiting(served)
        path = f"/runs/{answer['run_id']}/approvals/{answer['approvals'][0]['approval_id']}"
        status, problem = await served.post(path, body)
        assert status == 422, problem
        assert len((await served.get("/approvals"))[1]["approvals"]) == 1
    assert done == []


async def test_an_unknown_approval_is_not_found() -> None:
    async with serving(model(), tools=[writer([])]) as served:
        answer = await waiting(served)
        status, _ = await served.post(
            f"/runs/{answer['run_id']}/approvals/apr_0", {"decision": "approve"}
        )
        assert status == 404
        status, _ = await served.post(
            f"/runs/run_0/approvals/{answer['approvals'][0]['approval_id']}",
            {"decision": "approve"},
        )
        assert status == 404


async def test_another_owner_neither_sees_nor_decides_an_approval() -> None:
    done: list[str] = []
    known = Named(ana=Principal("ana"), bob=Principal("bob"))
    ana, bob = {"headers": credential("ana")}, {"headers": credential("bob")}
    async with serving(model("Done."), tools=[writer(done)], authenticator=known) as served:
        _, answer = await served.post("/chat/message", {"text": "Write it."}, **ana)
        (asked,) = answer["approvals"]
        path = f"/runs/{answer['run_id']}/approvals"
        absent = f"/runs/run_{'0' * 24}/approvals"
        assert (await served.get("/approvals", **bob))[1] == {"approvals": []}
        assert (await served.get(path, **bob))[0] == (await served.get(absent, **bob))[0] == 404
        refused = [
            await served.post(f"{each}/{asked['approval_id']}", {"decision": "approve"}, **bob)
            for each in (path, absent)
        ]
        assert [status for status, _ in refused] == [404, 404]
        assert refused[0][1]["detail"] == refused[1][1]["detail"]
        assert len((await served.get("/approvals", **ana))[1]["approvals"]) == 1
        assert done == []


async def test_what_is_always_approved_can_be_listed_and_forgotten() -> None:
    async with serving(model("1"), tools=[writer([])]) as served:
        answer = await waiting(served)
        path = f"/runs/{answer['run_id']}/approvals/{answer['approvals'][0]['approval_id']}"
        await served.post(path, {"decision": "approve", "remember": "always"})
        await ended(served, answer["run_id"])
        _, listed = await served.get("/approvals/remembered")
        assert [each["action"] for each in listed["remembered"]] == ["write"]
        async with served.session.delete(served.api + "/approvals/remembered") as response:
            assert response.status == 204
        assert (await served.get("/approvals/remembered"))[1] == {"remembered": []}


async def test_a_decision_on_the_chat_socket_continues_the_stream() -> None:
    done: list[str] = []
    async with serving(model("Done."), tools=[writer(done)]) as served, served.socket() as socket:
        await socket.send({"text": "Write it."})
        frames: list[Json] = []
        while not frames or frames[-1]["event"] != "approval_requested":
            frames.append(await socket.receive())
        approval_id = frames[-1]["data"]["approval_id"]
        await socket.send({"type": "decide", "approval_id": "apr_0", "decision": "approve"})
        while frames[-1]["event"] != "error":
            frames.append(await socket.receive())
        assert frames[-1]["data"]["code"] == "not_found"
        await socket.send(
            {
                "type": "decide",
                "approval_id": approval_id,
                "decision": "approve",
                "arguments": {"path": "z"},
            }
        )
        while frames[-1]["event"] != "complete":
            frames.append(await socket.receive())
        await socket.send({"type": "decide", "approval_id": approval_id, "decision": "deny"})
        again = await socket.receive()
        assert (again["event"], again["data"]["code"]) == ("error", "conflict")
    assert done == ["z"]
    resolved = next(each["data"] for each in frames if each["event"] == "approval_resolved")
    assert resolved["decision"] == "approved"
    assert resolved["arguments"] == {"path": "z"}
    assert resolved["by"]["via"] == "socket"


@pytest.mark.parametrize("events", [None, "log"])
async def test_a_decision_on_the_page_socket_reaches_other_tabs(events: str | None) -> None:
    done: list[str] = []
    async with serving(model("Done."), tools=[writer(done)]) as served:
        url = served.url.replace("http", "ws") + "/ws"
        async with connect(url) as one, connect(url) as other:
            for tab in (one, other):
                attach = {"type": "attach", "chat_id": "c"}
                await tab.send(json.dumps(attach | ({"events": events} if events else {})))
            await one.send(json.dumps({"type": "message", "chat_id": "c", "content": "Go."}))

            async def until(tab: Any, name: str) -> Json:
                async with asyncio.timeout(30):
                    while True:
                        frame: Json = json.loads(await tab.recv())
                        if frame["event"] == "log":
                            event = frame["entry"]["event"]
                            frame = {**event, "event": event["type"].replace(".", "_")}
                        if frame["event"] == name:
                            return frame

            asked = await until(other, "approval_requested")
            decide = {"type": "decide", "approval_id": asked["approval_id"], "decision": "deny"}
            await other.send(json.dumps(decide))
            resolved = await until(one, "approval_resolved")
            assert resolved["decision"] == "denied"
            await until(one, "run_ended" if events else "turn_end")
    assert done == []


async def test_a_question_is_answered_while_the_call_waits() -> None:
    @tool
    async def book(run: ToolContext) -> str:
        """Book a table."""
        answer = await run.ask("For how many?", {"type": "object", "properties": {"n": {}}})
        return f"{answer.action} {answer.content}"

    chosen = ScriptedModel([call_tool("book", {})], [say("Booked.")])
    async with serving(chosen, tools=[book]) as served, served.socket() as socket:
        await socket.send({"text": "Book it."})
        frame = await socket.receive()
        run_id = frame["run_id"]
        while frame["event"] != "question_requested":
            frame = await socket.receive()
        assert frame["data"]["mode"] == "form"
        path = f"/runs/{run_id}/questions/{frame['data']['question_id']}"
        async with served.session.post(
            served.api + path, json={"action": "accept", "content": {"n": 4}}
        ) as response:
            assert response.status == 204
        while frame["event"] != "complete":
            frame = await socket.receive()
        assert frame["data"]["action_results"][0]["result"] == "accept {'n': 4}"
        status, _ = await served.post(path, {"action": "decline"})
        assert status == 409
