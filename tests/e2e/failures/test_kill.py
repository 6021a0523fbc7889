"""A server that is killed in the middle of a stream. `make soak` runs it for longer."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.killing import TOKENS, crash
from tests.e2e.reading import Reader
from tests.e2e.server_process import DATABASE, ServerProcess, ask_database, server, until_saved
from tests.e2e.upstream import DEADLINE, PacedReply, upstream
from tests.stores.samples import conversation, run, whole_run
from thinkaloud.ports.store import FinishedRun
from thinkaloud.stores.sqlite import SqliteStore


@pytest.mark.timeout(180)
@pytest.mark.promise("P2", "P3", "P6", "P9")
async def test_after_kill_9_in_a_stream_nothing_committed_is_lost_and_every_follower_sees_an_end(
    tmp_path: Path,
) -> None:
    left = await crash(tmp_path, kills=8, seed=5)
    assert left.interrupted >= 5
    assert left.interrupted + left.completed == 8
    assert left.committed > TOKENS
    assert left.snapshots > 0


@pytest.mark.promise("P3", "P9")
async def test_after_kill_9_between_two_runs_the_next_one_is_streamed_from_its_start(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        first, second = (provider.offer(text, PacedReply(20)) for text in ("One", "Two"))
        async with server(tmp_path, provider.configuration()) as served:
            before = Reader()
            await before.begin(served, "One", conversation_id="c")
            await until_saved(tmp_path, before.run_id)
            await served.kill()
        async with server(tmp_path, provider.configuration()) as served:
            again = Reader()
            await again.begin(served, "Two", conversation_id="c")
            _, page = await served.get("/conversations/c/messages")
    assert [frame["event"] for frame in again.frames][:1] == ["start"]
    assert again.snapshots == []
    assert min(again.marks) > max(before.marks)
    assert (again.reasoning, again.answer) == (second.reasoning, second.answer)
    assert [m["text"] for m in page["messages"]] == ["One", first.answer, "Two", second.answer]


@pytest.mark.promise("P3", "P9")
async def test_after_kill_9_an_end_that_a_client_has_seen_is_still_the_end(tmp_path: Path) -> None:
    async with upstream() as provider:
        readers: list[tuple[Reader, PacedReply]] = []
        for number in range(4):
            # So much that it takes a while to write.
            reply = provider.offer(f"Tell {number}", PacedReply(20, padding="x" * 100_000))
            async with server(tmp_path, provider.configuration()) as served:
                reader = Reader("sse" if number % 2 else "socket")
                await reader.begin(served, f"Tell {number}", conversation_id="c")
                await served.kill()
            readers.append((reader, reply))
        async with server(tmp_path, provider.configuration()) as served:
            for reader, reply in readers:
                _, run = await served.get(f"/runs/{reader.run_id}?include_reasoning=true")
                assert reader.end is not None
                assert (reader.end["event"], run["status"]) == ("complete", "completed")
                assert (run["reasoning"], run["response"]) == (reply.reasoning, reply.answer)
            _, found = await served.get("/conversations?search=tell+0")
    assert [each["conversation_id"] for each in found["conversations"]] == ["c"]


@pytest.mark.promise("P3")
async def test_after_kill_9_a_queued_message_is_kept_and_its_key_returns_its_run(
    tmp_path: Path,
) -> None:
    message = {"text": "Two", "conversation_id": "c"}
    key = {"headers": {"Idempotency-Key": "two"}}
    async with upstream() as provider:
        provider.offer("One", PacedReply(20, held_at=10))
        second = provider.offer("Two", PacedReply(20))
        async with server(tmp_path, provider.configuration()) as served:
            before = Reader()
            await before.begin(served, "One", lambda: bool(before.characters), conversation_id="c")
            waiting = asyncio.create_task(served.post("/chat/message", message, **key))
            while len((await served.get("/conversations/c"))[1]["active_runs"]) < 2:
                pass
            await served.kill()
            with pytest.raises(aiohttp.ClientError):
                await waiting
        async with server(tmp_path, provider.configuration()) as served:
            _, page = await served.get("/conversations/c/messages")
            status, again = await served.post("/chat/message", message, **key)
            _, found = await served.get("/conversations?search=two")
    asked = [(m["role"], m["text"], m.get("status")) for m in page["messages"]]
    assert asked[2:] == [("user", "Two", None), ("assistant", "", "failed")]
    assert (status, again["code"]) == (503, "interrupted")
    assert again["run_id"] == page["messages"][2]["run_id"]
    assert [each["conversation_id"] for each in found["conversations"]] == ["c"]
    assert second.asked == 0


@pytest.mark.promise("P9")
async def test_after_kill_9_a_follower_of_a_conversation_gets_new_events_once(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        provider.offer("One", PacedReply(20))
        reply = provider.offer("Two", PacedReply(20))
        async with server(tmp_path, provider.configuration()) as served:
            before = Reader()
            await before.begin(served, "One", conversation_id="c")
            await until_saved(tmp_path, before.run_id)
            await served.kill()
        async with server(tmp_path, provider.configuration()) as served, served.socket() as socket:
            _, state = await served.get("/conversations/c")
            follow = {"type": "resume", "conversation_id": "c", "after": state["seq"]}
            await socket.send_json({**follow, "include_reasoning": True})
            await Reader().begin(served, "Two", conversation_id="c")
            waiting = Reader()
            while waiting.end is None:
                waiting.take(json.loads(await socket.receive_str(timeout=DEADLINE)))
    assert waiting.snapshots == []
    assert (waiting.reasoning, waiting.answer) == (reply.reasoning, reply.answer)


async def test_after_kill_9_during_branching_the_branch_is_complete_or_absent(
    tmp_path: Path,
) -> None:
    long = [_finished(number) for number in range(300)]
    async with SqliteStore.open(tmp_path / DATABASE) as store:
        await store.create_conversation(conversation(owner="local"), long)
    async with server(tmp_path, "") as served:
        branching = asyncio.create_task(_branch(served, "talk", long[-1].run.run_id))
        async with asyncio.timeout(DEADLINE):
            while await asyncio.to_thread(_conversations, tmp_path) == 1:
                pass
        await served.kill()
        await branching
    async with server(tmp_path, "") as served:
        _, found = await served.get("/conversations")
        names = [each["conversation_id"] for each in found["conversations"]]
        pages = [(await served.get(f"/conversations/{name}/messages"))[1] for name in names]
    assert [len(each["messages"]) for each in pages] == [600, 600]


def _finished(number: int) -> FinishedRun:
    first_seq, name = 7 * number + 1, f"run{number}"
    events = whole_run(run_id=name, first_seq=first_seq)
    return FinishedRun(run(name, owner="local", first_seq=first_seq), events, "text")


def _conversations(folder: Path) -> int:
    return ask_database(folder, "SELECT count(*) FROM conversations")[0][0]


async def _branch(served: ServerProcess, conversation_id: str, run_id: str) -> None:
    with suppress(aiohttp.ClientError, ConnectionError):
        await served.post(f"/conversations/{conversation_id}/branch", {"run_id": run_id})


@pytest.mark.promise("P3", "P8")
async def test_after_kill_9_before_a_replacement_answers_the_old_version_stays(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        one, two = (provider.offer(text, PacedReply(4)) for text in ("One", "Two"))
        again = provider.offer("One, again", PacedReply(8, held_at=3))
        async with server(tmp_path, provider.configuration()) as served:
            for text in ("One", "Two"):
                await Reader().begin(served, text, conversation_id="c")
            _, page = await served.get("/conversations/c/messages")
            texts = [message["text"] for message in page["messages"]]
            first = page["messages"][0]["run_id"]
            replacing = Reader()
            task = asyncio.create_task(
                replacing.begin(served, "One, again", conversation_id="c", replaces=first)
            )
            async with asyncio.timeout(DEADLINE):
                await again.started.wait()
                while not replacing.reasoning:
                    await asyncio.sleep(0)
            await served.kill()
            with suppress(aiohttp.ClientError):
                await task
        async with server(tmp_path, provider.configuration()) as served:
            _, page = await served.get("/conversations/c/messages")
            _, versions = await served.get("/conversations/c/versions")
    assert texts == ["One", one.answer, "Two", two.answer]
    assert [message["text"] for message in page["messages"]] == texts
    assert [message["text"] for message in page["attempt"]] == ["One, again", ""]
    assert page["attempt"][1]["error"]["code"] == "interrupted"
    assert [position["selected"] for position in versions["positions"]] == [first]
