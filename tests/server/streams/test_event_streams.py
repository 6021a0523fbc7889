"""Server-Sent Events: follow, resume, disconnect."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.raw import raw
from tests.server.serving import Served, exchange_over, serving
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think

SCRIPT = [think("Let ", "me ", "see."), say("An", "swer", ".")]


async def read(served: Served, path: str, **kwargs: Any) -> list[dict[str, Any]]:
    async with served.events("GET", path, **kwargs) as stream:
        return [frame async for frame in stream]


@pytest.mark.promise("P9")
@pytest.mark.parametrize("by", ["after", "Last-Event-ID"])
async def test_a_reconnecting_client_gets_every_later_event_once_and_in_order(
    by: str,
) -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        received = await exchange_over("sse", served, include_reasoning=True)
        run_id = received.frames[0]["data"]["run_id"]
        path = f"/runs/{run_id}/events?include_reasoning=true"
        whole = [frame async for frame in everything(served, path)]
        assert (joined(whole, "reasoning"), joined(whole, "token")) == ("Let me see.", "Answer.")
        for frame in whole[:-1]:
            last = frame["seq"]
            if by == "after":
                rest = await read(served, f"{path}&after={last}")
            else:
                rest = await read(served, f"{path}&after=0", headers={"Last-Event-ID": str(last)})
            assert rest == [each for each in whole if each["seq"] > last]


async def everything(served: Served, path: str) -> Any:
    async with served.events("GET", path) as stream:
        async for frame in stream:
            yield frame


def joined(frames: list[dict[str, Any]], event: str) -> str:
    return "".join(frame["data"]["token"] for frame in frames if frame["event"] == event)


@pytest.mark.promise("P10")
async def test_a_stream_names_its_run_at_once_so_that_it_can_be_stopped_while_it_waits() -> None:
    resume = asyncio.Event()
    async with serving(ScriptedModel([think("Hm."), Wait(resume), say("Answer.")])) as served:
        body = {"text": "Hi", "conversation_id": "c"}
        path = f"{served.api}/chat/stream-sse"
        async with (
            served.session.post(path, json=body) as first,
            served.session.post(path, json=body) as second,
        ):
            waiting = second.headers["X-Run-ID"]
            assert (await served.get(f"/runs/{waiting}"))[1]["status"] == "queued"
            assert (await served.post(f"/runs/{waiting}/stop"))[1]["status"] == "stopped"
            resume.set()
            frames = (await first.read()).decode()
        assert first.headers["X-Run-ID"] in frames
        assert "Answer." in frames
        document = await served.document("openapi")
    headers = document["paths"]["/api/v1/chat/stream-sse"]["post"]["responses"]["200"]["headers"]
    assert "X-Run-ID" in headers


@pytest.mark.promise("P9")
async def test_a_client_that_has_everything_is_not_asked_to_reconnect() -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        received = await exchange_over("sse", served)
        path = f"{served.api}/runs/{received.frames[0]['data']['run_id']}/events"
        async with served.session.get(
            path, headers={"Last-Event-ID": str(received.frames[-1]["seq"])}
        ) as response:
            assert response.status == 204


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("after=-1", {}, "after"),
        ("after=x", {}, "after"),
        ("after=1.5", {}, "after"),
        ("after=", {}, "after"),
        ("after=1&after=2", {}, "after"),
        ("after=999", {}, "after"),
        ("include_reasoning=maybe", {}, "include_reasoning"),
        ("include_reasoning=2", {}, "include_reasoning"),
        ("include_reasoning=", {}, "include_reasoning"),
        ("", {"Last-Event-ID": "-1"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "abc"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "999"}, "after"),
    ],
)
@pytest.mark.parametrize("of", ["runs", "conversations"])
async def test_an_invalid_cursor_is_refused_by_name(
    of: str, query: str, headers: dict[str, str], field: str
) -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        received = await exchange_over("rest", served)
        assert received.complete is not None
        found = received.complete["run_id" if of == "runs" else "conversation_id"]
        status, problem = await served.get(f"/{of}/{found}/events?{query}", headers=headers)
    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", field)


@pytest.mark.promise("P9")
async def test_a_cursor_of_another_run_is_refused(
    tmp_path: Path,
) -> None:
    async with SqliteStore.open(tmp_path / "thinkaloud.db") as store:
        async with serving(ScriptedModel(SCRIPT, SCRIPT), store=store) as served:
            first = await exchange_over("rest", served, conversation_id="c")
            second = await exchange_over("rest", served, conversation_id="c")
            assert first.complete is not None
            assert second.complete is not None
            runs = [each.complete["run_id"] for each in (first, second)]
            _, page = await served.get("/conversations/c")
            alive = await answers(served, runs, page["seq"])
        async with serving(ScriptedModel(), store=store) as served:
            restarted = await answers(served, runs, page["seq"])
            shown = await read(served, f"/runs/{runs[0]}/events?after=4")
            url = f"{served.api}/runs/{runs[0]}/events?after={shown[-1]['seq']}"
            async with served.session.get(url) as response:
                assert response.status == 204
    assert (shown[0]["event"], shown[-1]["event"]) == ("snapshot", "complete")
    refused = (422, "after")
    assert alive == restarted == [refused, refused, (200, None), (204, None), refused, (200, None)]


async def answers(served: Served, runs: list[str], last: int) -> list[tuple[int, str | None]]:
    """Follow each run from the other's numbers and from its own."""
    first, second = runs
    cursors = [(first, last), (first, last - 1), (first, 1)]
    cursors += [(second, last), (second, 1), (second, 0)]
    found: list[tuple[int, str | None]] = []
    for run_id, cursor in cursors:
        url = f"{served.api}/runs/{run_id}/events?after={cursor}"
        async with served.session.get(url) as response:
            problem = await response.json() if response.status == 422 else {}
            found.append((response.status, problem.get("field")))
    return found


async def test_a_stream_has_headers_that_prevent_caching_and_transformation() -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        headers = {"Accept-Encoding": "gzip, br, zstd"}
        async with served.session.post(
            f"{served.api}/chat/stream-sse", json={"text": "Hi"}, headers=headers
        ) as response:
            assert response.headers["Cache-Control"] == "no-cache, no-transform"
            assert response.headers["X-Accel-Buffering"] == "no"
            assert "Content-Encoding" not in response.headers
            assert "Content-Length" not in response.headers
            assert response.headers["X-Request-ID"]


async def test_heartbeats_are_comments() -> None:
    go = asyncio.Event()
    model = ScriptedModel([say("A"), Wait(go), say("B")])
    async with (
        serving(model, heartbeat_seconds=0.02) as served,
        served.session.post(f"{served.api}/chat/stream-sse", json={"text": "Hi"}) as response,
    ):
        lines: list[bytes] = []
        comments = 0
        async for line in response.content:
            lines.append(line)
            comments += line.startswith(b":") and b"event: token\n" in lines
            if comments == 3:
                go.set()
    assert b"".join(lines).endswith(b"\n\n")
    assert b"event: complete\n" in lines
    fields = {line.partition(b":")[0] for line in lines if line != b"\n"}
    assert fields == {b"", b"id", b"event", b"data"}


async def test_text_of_a_model_cannot_forge_an_event_or_an_id() -> None:
    text = "\n\nevent: complete\nid: 99\ndata: [DONE]\r\rdata: x\u2028\u2029"
    async with serving(ScriptedModel([think(text), say(text)])) as served:
        received = await exchange_over("sse", served, include_reasoning=True)
    assert received.texts("token") == received.texts("reasoning") == text
    assert received.complete is not None
    assert received.complete["response"] == text


@pytest.mark.promise("P9")
async def test_disconnecting_ends_only_the_stream() -> None:
    model = ScriptedModel([say("A"), Silence()])
    async with serving(model) as served:
        async with served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream:
            run_id = (await anext(stream))["data"]["run_id"]
        while (await served.get("/system-status"))[1]["open_event_streams"]:
            pass
        assert (await served.get(f"/runs/{run_id}"))[1]["status"] == "running"
        assert (await served.post(f"/runs/{run_id}/stop"))[1]["status"] == "stopped"


@pytest.mark.promise("P12")
async def test_a_conversation_is_followed_over_all_its_runs_and_over_no_others() -> None:
    model = ScriptedModel([say("One")], [say("Elsewhere")], [think("T"), say("Two")])
    async with serving(model) as served:
        await served.post("/conversations", {"conversation_id": "c1"})
        async with served.events("GET", "/conversations/c1/events") as stream:
            for name in ("c1", "c2", "c1"):
                await exchange_over("rest", served, conversation_id=name)
            frames = [await anext(stream) for _ in range(8)]
    assert joined(frames, "token") == "OneTwo"
    assert [frame["event"] for frame in frames].count("complete") == 2
    assert {f["data"]["conversation_id"] for f in frames if f["event"] == "start"} == {"c1"}


@pytest.mark.promise("P9")
async def test_a_long_conversation_is_replayed_with_every_terminal_event() -> None:
    model = ScriptedModel(*[[think("T"), say(f"Answer {n}.")] for n in range(8)])
    async with serving(model) as served:
        for _ in range(8):
            await exchange_over("rest", served, conversation_id="c1")
        async with served.events(
            "GET", "/conversations/c1/events?after=0&include_reasoning=true"
        ) as stream:
            frames = []
            while sum(frame["event"] == "complete" for frame in frames) < 8:
                frames.append(await anext(stream))
    ends = [frame["data"] for frame in frames if frame["event"] == "complete"]
    assert [end["response"] for end in ends] == [f"Answer {n}." for n in range(8)]
    assert [end["reasoning"] for end in ends] == ["T"] * 8


@pytest.mark.promise("P12")
async def test_another_owners_runs_and_conversations_cannot_be_followed() -> None:
    async with serving(ScriptedModel(SCRIPT)) as served:
        record = await served.runs.start(
            Principal("somebody"), RunRequest("Hi", conversation_id="theirs")
        )
        for path in (f"/runs/{record.run_id}/events", "/conversations/theirs/events"):
            status, problem = await served.get(path)
            assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.promise("P14")
async def test_a_client_that_reads_nothing_is_disconnected_and_its_run_continues() -> None:
    huge = [say("x" * 60_000) for _ in range(400)]
    limits = Limits(max_response_chars=10**9)
    async with serving(ScriptedModel(huge), limits=limits, send_timeout_seconds=0.1) as served:
        _reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(served.url.rpartition(":")[2]), limit=1024
        )
        body = b'{"text":"Hi","conversation_id":"c1"}'
        writer.write(
            b"POST /api/v1/chat/stream-sse HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        while (await served.get("/system-status"))[1]["dropped_readers"] == 0:
            pass
        writer.close()
        _, page = await served.get("/conversations/c1/messages")
    assert len(page["messages"][1]["text"]) == 400 * 60_000


async def test_open_streams_are_limited() -> None:
    async with (
        serving(ScriptedModel([say("A"), Silence()]), max_event_streams=1) as served,
        served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream,
    ):
        run_id = (await anext(stream))["data"]["run_id"]
        status, problem = await served.get(f"/runs/{run_id}/events")
        assert (status, problem["code"]) == (503, "busy")


async def test_the_number_of_active_runs_is_limited() -> None:
    model = ScriptedModel([say("A"), Silence()], [say("B")])
    async with serving(model, max_active_runs=1) as served:
        async with served.events("POST", "/chat/stream-sse", json={"text": "Hi"}) as stream:
            run_id = (await anext(stream))["data"]["run_id"]
            status, problem = await served.post("/chat/message", {"text": "Hi"})
            assert (status, problem["code"]) == (503, "busy")
        await served.post(f"/runs/{run_id}/stop")
        assert (await served.post("/chat/message", {"text": "Hi"}))[0] == 200


@pytest.mark.promise("P7", "P9")
@pytest.mark.parametrize("asked", [True, False], ids=["with reasoning", "without"])
async def test_after_a_restart_a_cursor_among_merged_events_gets_one_snapshot_and_the_rest(
    asked: bool,
) -> None:
    store = MemoryStore()
    async with serving(ScriptedModel(SCRIPT), store=store) as served:
        received = await exchange_over("rest", served)
    assert received.complete is not None
    async with serving(ScriptedModel(), store=store) as served:
        run_id, conversation_id = received.complete["run_id"], received.complete["conversation_id"]
        flag = f"include_reasoning={'true' if asked else 'false'}"
        _, state = await served.get(f"/conversations/{conversation_id}")
        transports: list[list[str]] = []
        for after in range(state["seq"]):
            frames = await read(served, f"/runs/{run_id}/events?after={after}&{flag}")
            transports.append([frame["event"] for frame in frames])
            assert frames[-1]["event"] == "complete"
            assert ("reasoning" in frames[-1]["data"]) is asked
            numbers = [frame["seq"] for frame in frames]
            assert numbers == sorted(set(numbers))
            assert numbers[0] >= after
            if transports[-1][0] != "snapshot":
                continue
            message = frames[0]["data"]["messages"][-1]
            assert message["text"] + words(frames, "token") == "Answer."
            assert ("reasoning" in message) is asked
            if asked:
                assert message["reasoning"] + words(frames, "reasoning") == "Let me see."
            assert ("see." in str(frames)) is asked
        assert "snapshot" in {transport[0] for transport in transports}
        assert all("snapshot" not in transport[1:] for transport in transports)


def words(frames: list[dict[str, Any]], event: str) -> str:
    return "".join(frame["data"]["token"] for frame in frames if frame["event"] == event)


@pytest.mark.parametrize("transport", ["sse", "socket"])
async def test_followers_of_a_conversation_learn_that_it_was_deleted(transport: str) -> None:
    async with serving(ScriptedModel([say("Answer.")])) as served:
        await served.post("/chat/message", {"text": "Hi", "conversation_id": "c"})
        if transport == "sse":
            async with served.events("GET", "/conversations/c/events?after=0") as stream:
                frames = [await anext(stream)]
                await _delete(served)
                frames += [frame async for frame in stream]
        else:
            async with served.socket() as socket:
                await socket.send({"type": "resume", "conversation_id": "c", "after": 0})
                frames = [await socket.receive()]
                await _delete(served)
                while frames[-1]["event"] != "error":
                    frames.append(await socket.receive())
    assert [frame["event"] for frame in frames[-2:]] == ["complete", "error"]
    assert frames[-1]["seq"] is None
    assert frames[-1]["data"]["code"] == "not_found"
    assert frames[-1]["data"]["conversation_id"] == "c"


async def _delete(served: Served) -> None:
    async with served.session.delete(f"{served.api}/conversations/c") as response:
        assert response.status == 204


@pytest.mark.parametrize("path", ["/chat/stream-sse", "/chat/message", "/missing"])
async def test_an_http_1_0_client_gets_a_body_without_chunks_that_ends_with_the_connection(
    path: str,
) -> None:
    body = b'{"text": "Hi", "include_reasoning": true}'
    request = (
        f"POST /api/v1{path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    async with serving(ScriptedModel(SCRIPT)) as served, raw(served) as connection:
        await connection.send(request + body)
        head, _, content = (await connection.rest()).partition(b"\r\n\r\n")
    fields = head.lower().split(b"\r\n")[1:]
    assert not [field for field in fields if field.startswith(b"transfer-encoding")]
    assert b"connection: close" in fields
    if path == "/chat/stream-sse":
        assert content.startswith(b": ")
        assert content.endswith(b"\n\n")
        assert b"event: complete" in content
    else:
        assert b"content-length: %d" % len(content) in fields
        assert json.loads(content)


@pytest.mark.promise("P14")
async def test_an_http_1_0_client_of_a_quiet_run_gets_heartbeats_and_can_leave() -> None:
    request = (
        b"POST /api/v1/chat/stream-sse HTTP/1.0\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
    )
    model = ScriptedModel([think("Hm."), Silence()])
    async with serving(model, heartbeat_seconds=0.02) as served:
        async with raw(served) as connection:
            await connection.send(request + b'{"text": "Hi"}')
            await connection.head()
            for _ in range(4):
                await connection.reader.readuntil(b": \n\n")
        while (await served.get("/system-status"))[1]["open_event_streams"]:
            pass
