"""A client that loses its connection after any frame and reconnects over any transport gets the whole answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Json, Served, serving
from tests.stores.samples import add_run
from thinkaloud.events.event import RunEnded
from thinkaloud.ports.store import Stored
from thinkaloud.server.wires.chat.encode import chat_wire
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, call_tool, say, think

SCRIPT = [
    think("Let ", "me\n", "s\U0001f600e."),
    say("An\u2028", "sw\u00e9r", ", in", " words", "."),
]
TOOL_SCRIPT = [think("I need ", "it", "."), call_tool("no_such_tool", {}, "c1")]
BODY = {"text": "Hi", "include_reasoning": True, "conversation_id": "c"}
KEY = "the-message"
TRANSPORTS = ["get", "post", "conversation", "socket", "socket conversation"]


def tokens_only(frames: list[Json]) -> tuple[str, str]:
    """What a client has that appends tokens and knows no snapshot."""
    return text_of(frames, "reasoning"), text_of(frames, "token")


def snapshots_too(frames: list[Json]) -> tuple[str, str]:
    """What a client has that takes a snapshot in place of what it had."""
    reasoning, answer, since = "", "", 0
    for place, frame in enumerate(frames):
        if frame["event"] == "snapshot":
            message = frame["data"]["messages"][-1]
            reasoning, answer, since = message["reasoning"], message["text"], place
    return reasoning + text_of(frames[since:], "reasoning"), answer + text_of(
        frames[since:], "token"
    )


def text_of(frames: list[Json], event: str) -> str:
    return "".join(frame["data"]["token"] for frame in frames if frame["event"] == event)


async def begin(served: Served, **body: Any) -> list[Json]:
    headers = {"Idempotency-Key": KEY}
    async with served.events(
        "POST", "/chat/stream-sse", json={**BODY, **body}, headers=headers
    ) as stream:
        return [frame async for frame in stream]


async def come_back(transport: str, served: Served, run_id: str, last: int) -> list[Json]:
    """Resume after this number and read to the end of the run."""
    if transport.startswith("socket"):
        about = {"conversation_id": "c"} if "conversation" in transport else {"run_id": run_id}
        async with served.socket() as socket:
            command = {"type": "resume", **about, "after": last, "include_reasoning": True}
            await socket.send(command)
            return await socket.until_end()
    method, path = {
        "get": ("GET", f"/runs/{run_id}/events?include_reasoning=true"),
        "post": ("POST", "/chat/stream-sse"),
        "conversation": ("GET", "/conversations/c/events?include_reasoning=true"),
    }[transport]
    more: dict[str, Any] = {"json": BODY} if method == "POST" else {}
    headers = {"Last-Event-ID": str(last), "Idempotency-Key": KEY}
    frames: list[Json] = []
    async with served.events(method, path, headers=headers, **more) as stream:
        async for frame in stream:
            frames.append(frame)
            if frame["event"] in {"complete", "error"}:
                break
    return frames


async def one_by_one(served: Served) -> list[Json]:
    """The frames of a client that reads fast enough to get each event as one."""
    wire = chat_wire("text", reasoning=True)
    found: list[Json] = []
    for logged in await served.runs.hub.logged("local", "c"):
        ended = isinstance(logged.event, RunEnded)
        frame = None if ended else wire.frame(logged)
        if frame is not None:
            found.append(json.loads(frame))
    return found


async def check_every_cursor(transport: str, served: Served, known: list[Json], end: Json) -> None:
    """Lose the connection after each frame, come back, and lose it again after the next."""
    run_id = known[0]["run_id"]
    expected = tokens_only(known)
    for cut in range(1, len(known) + 1):
        have = known[:cut]
        rest = await come_back(transport, served, run_id, have[-1]["seq"])
        numbers = [frame["seq"] for frame in rest]
        assert numbers == sorted(set(numbers)), "an id is given to two frames"
        assert (rest[-1]["seq"], rest[-1]["data"]) == (end["seq"], end["data"])
        assert tokens_only(have + rest) == snapshots_too(have + rest) == expected
        if len(rest) > 1:
            again = await come_back(transport, served, run_id, rest[0]["seq"])
            twice = [*have, rest[0], *again]
            assert tokens_only(twice) == snapshots_too(twice) == expected
            assert twice[-1]["data"] == end["data"]


@pytest.mark.promise("P6", "P9")
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_client_that_lost_its_connection_at_any_frame_has_all_of_the_answer_once(
    transport: str, tmp_path: Path
) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(SCRIPT), store=store) as served:
            whole = await begin(served)
            known = await one_by_one(served)
            assert tokens_only(known) == ("Let me\ns\U0001f600e.", "An\u2028sw\u00e9r, in words.")
            await check_every_cursor(transport, served, known, whole[-1])
        async with serving(ScriptedModel(), store=store) as served:
            await check_every_cursor(transport, served, known, whole[-1])


@pytest.mark.promise("P9")
@pytest.mark.parametrize("transport", ["get", "socket"])
async def test_a_cursor_before_a_tool_call_gets_the_call_and_both_thoughts(
    transport: str, tmp_path: Path
) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(TOOL_SCRIPT, SCRIPT), store=store) as served:
            whole = await begin(served)
            known = await one_by_one(served)
            actions = [frame["seq"] for frame in known if frame["event"] == "action"]
        async with serving(ScriptedModel(), store=store) as served:
            await check_every_cursor(transport, served, known, whole[-1])
            rest = await come_back(transport, served, whole[0]["data"]["run_id"], actions[0] - 1)
    assert [frame["seq"] for frame in rest if frame["event"] == "action"] == actions


@pytest.mark.promise("P6")
async def test_a_post_with_its_key_and_last_id_resumes_and_starts_no_run() -> None:
    model = ScriptedModel(SCRIPT)
    async with serving(model) as served:
        whole = await begin(served)
        after_all = await come_back("post", served, "", whole[-1]["seq"])
        from_the_start = await come_back("post", served, "", 0)
        async with served.events(
            "POST",
            "/chat/message",
            json={**BODY, "streaming": True},
            headers={"Idempotency-Key": KEY, "Last-Event-ID": str(whole[-2]["seq"])},
        ) as stream:
            rest = [frame async for frame in stream]
    assert after_all == []
    assert from_the_start == whole
    assert rest == whole[-1:]
    assert len(model.requests) == 1


@pytest.mark.promise("P6")
@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "of-no-message"}])
@pytest.mark.parametrize("path", ["/chat/stream-sse", "/chat/message"])
async def test_a_post_that_resumes_no_run_is_refused_and_starts_nothing(
    path: str, headers: dict[str, str]
) -> None:
    model = ScriptedModel()
    async with serving(model) as served:
        status, problem = await served.post(
            path,
            {"text": "Hi", "streaming": True},
            headers={**headers, "Last-Event-ID": "7"},
        )
        assert (status, problem["field"]) == (422, "Last-Event-ID")
        assert "Idempotency-Key" in problem["detail"]
    assert model.requests == []


@pytest.mark.promise("P6")
async def test_a_post_whose_last_id_is_of_another_run_is_refused() -> None:
    async with serving(ScriptedModel(SCRIPT, SCRIPT)) as served:
        whole = await begin(served)
        await served.post("/chat/message", BODY)
        for last, status in ((whole[-1]["seq"] + 1, 422), (10_000, 422), ("x", 422)):
            answer = await served.post(
                "/chat/stream-sse",
                BODY,
                headers={"Idempotency-Key": KEY, "Last-Event-ID": str(last)},
            )
            assert answer[0] == status


@pytest.mark.promise("P6", "P9")
async def test_a_repeated_post_finds_its_run_also_where_the_server_is_busy() -> None:
    model = ScriptedModel(SCRIPT, [Silence()])
    async with serving(model, max_active_runs=1) as served:
        whole = await begin(served)
        async with served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream:
            await anext(stream)
            assert (await served.post("/chat/stream-sse", {"text": "Hi"}))[0] == 503
            assert await come_back("post", served, "", 0) == whole


@pytest.mark.promise("P7", "P9")
async def test_resuming_without_reasoning_sends_no_byte_of_it(tmp_path: Path) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(SCRIPT), store=store) as served:
            whole = await begin(served)
        async with serving(ScriptedModel(), store=store) as served:
            for cursor in range(whole[-1]["seq"]):
                path = f"/runs/{whole[0]['data']['run_id']}/events?after={cursor}"
                async with served.session.get(served.api + path) as response:
                    text = await response.text()
                assert "event: complete" in text
                assert not any(word in text for word in ("Let ", "me\\n", 'e."'))


@pytest.mark.promise("P3", "P9")
@pytest.mark.parametrize("kept", [0, 1, 4, 6])
async def test_after_a_crash_a_snapshot_shows_what_was_kept_and_the_end_has_its_own_id(
    kept: int,
) -> None:
    """The client saw more than what was on disk: the server died between the two."""
    living, dead = MemoryStore(), MemoryStore()
    async with serving(ScriptedModel(SCRIPT), store=living) as served:
        await begin(served)
        known = await one_by_one(served)
        logged = await served.runs.hub.logged("local", "c")
        run_id = logged[0].run_id
        conversation = await living.conversation("local", "c")
        record = await living.run("local", run_id)
    assert conversation is not None
    assert record is not None
    await dead.create_conversation(conversation)
    await add_run(dead, record)
    await dead.append({("local", "c"): [Stored(each.seq, each) for each in logged[:kept]]})
    await dead.reserve("local", "c", 1_000)
    have = [frame for frame in known if frame["seq"] <= 8]
    async with serving(ScriptedModel(), store=dead) as served:
        _, run = await served.get(f"/runs/{run_id}?include_reasoning=true")
        for transport in ("get", "socket"):
            rest = await come_back(transport, served, run_id, have[-1]["seq"])
            assert [rest[0]["event"], rest[-1]["event"]] == ["snapshot", "error"]
            again = await come_back(transport, served, run_id, rest[0]["seq"])
            assert again == rest[1:]
            assert snapshots_too(have + rest) == (run["reasoning"], run["response"])
