"""A full disk, or a file that another program has locked, while a model responds."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.reading import Reader
from tests.e2e.server_process import (
    DATABASE,
    ServerProcess,
    ask_database,
    assert_intact,
    server,
    server_stderr,
    until_logged,
    until_saved,
)
from tests.e2e.upstream import DEADLINE, PacedReply, upstream

LIMIT = 600_000
"""Room for one of the long replies, and not for two."""
SMALL = f"max_bytes = {LIMIT}\nflush_interval_seconds = 0.02"
IMPATIENT = "busy_timeout_seconds = 0.05\nflush_interval_seconds = 0.02"


def long_reply(number: int) -> PacedReply:
    """A reply of about 150,000 characters; with what the next prompt needs it takes twice as much."""
    return PacedReply(150, padding=f"{number}" * 1_000)


def assert_told(reader: Reader, reply: PacedReply) -> None:
    assert reader.end is not None
    assert reader.end["event"] == "complete"
    assert (reader.reasoning, reader.answer) == (reply.reasoning, reply.answer)


async def assert_kept(served: ServerProcess, conversation_id: str, reply: PacedReply) -> None:
    _, page = await served.get(f"/conversations/{conversation_id}/messages?include_reasoning=true")
    message = page["messages"][-1]
    assert message["status"] == "completed"
    assert (message["reasoning"], message["text"]) == (reply.reasoning, reply.answer)


async def until_saving_is(served: ServerProcess, status: str) -> None:
    """Return when the server says this of what it is to save, and the same of itself."""
    async with asyncio.timeout(DEADLINE):
        while True:
            found, health = await served.get("/health")
            assert found == 200
            if health["checks"]["saving"]["status"] == status:
                assert health["status"] == status
                return


async def until_found(served: ServerProcess, words: str, conversation_id: str) -> None:
    """Return when a search finds the conversation, and it has a title."""
    async with asyncio.timeout(DEADLINE):
        while True:
            _, page = await served.get(f"/conversations?search={words}")
            if any(
                each["conversation_id"] == conversation_id and each["title"]
                for each in page["conversations"]
            ):
                return


@pytest.mark.promise("P3")
async def test_a_full_disk_costs_a_follower_nothing_and_is_caught_up_with_once_freed(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        first = provider.offer("First", long_reply(1))
        second = provider.offer("Second", long_reply(2))
        configuration = provider.configuration(store=SMALL)
        async with server(tmp_path, configuration) as served:
            before, reader = Reader(), Reader()
            await before.begin(served, "First", conversation_id="first")
            await until_saved(tmp_path, before.run_id)
            await reader.begin(served, "Second", conversation_id="second")
            assert_told(reader, second)
            await until_logged(tmp_path, "No space left")
            await until_saving_is(served, "degraded")
            assert_intact(tmp_path)
            await assert_kept(served, "first", first)
            # What is not on disk is still in memory, and sent to new clients.
            await assert_kept(served, "second", second)
            query = "SELECT ended FROM runs ORDER BY number DESC LIMIT 1"
            assert ask_database(tmp_path, query) == [(0,)]
            async with served.session.delete(f"{served.api}/conversations/first") as response:
                assert response.status == 204
            await until_saved(tmp_path, reader.run_id)
            await until_logged(tmp_path, "saving events works again")
            await until_saving_is(served, "healthy")
            await until_found(served, "Second a149", "second")
            query = (
                "SELECT count(*) FROM events WHERE conversation ="
                " (SELECT number FROM conversations WHERE conversation_id = 'second')"
            )
            assert ask_database(tmp_path, query) == [(8,)]
            await served.kill()
        async with server(tmp_path, configuration) as served:
            assert_intact(tmp_path)
            await assert_kept(served, "second", second)
        # Retried many times per second, logged once.
        assert server_stderr(tmp_path).count("could not save events") == 1
        assert (tmp_path / DATABASE).stat().st_size <= LIMIT


@pytest.mark.promise("P3")
async def test_a_server_that_stops_with_a_full_disk_keeps_what_fit_and_marks_the_run(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        reply = provider.offer("Tell", PacedReply(800, padding="x" * 1_000))
        async with server(tmp_path, provider.configuration(store=SMALL)) as served:
            reader = Reader()
            await reader.begin(served, "Tell", conversation_id="c")
            assert_told(reader, reply)
            assert await served.terminate() == 0
        assert_intact(tmp_path)
        async with server(tmp_path, provider.configuration()) as served:
            _, run = await served.get(f"/runs/{reader.run_id}?include_reasoning=true")
            assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
            kept = run["reasoning"] + run["response"]
            assert (reply.reasoning + reply.answer).startswith(kept)
            again = Reader()
            provider.offer("Again", PacedReply(4))
            await again.begin(served, "Again", conversation_id="c")
            assert min(again.marks) > max(reader.marks)


@pytest.mark.promise("P3")
async def test_a_locked_database_stops_no_stream_and_is_caught_up_with(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        reply = provider.offer("Tell", PacedReply(2_000, held_at=500))
        provider.offer("Other", PacedReply(4))
        async with server(tmp_path, provider.configuration(store=IMPATIENT)) as served:
            reader = Reader()
            await reader.begin(served, "Tell", lambda: bool(reader.characters), conversation_id="c")
            with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                reply.release_all()
                await reader.resume(served)
                assert_told(reader, reply)
                status, problem = await served.post("/chat/message", {"text": "Other"})
                assert (status, problem["code"]) == (503, "store_unavailable")
                assert "Another program has locked" in problem["detail"]
                other.execute("ROLLBACK")
            await until_saved(tmp_path, reader.run_id)
            assert (await served.post("/chat/message", {"text": "Other"}))[0] == 200
            await served.kill()
        async with server(tmp_path, provider.configuration()) as served:
            assert_intact(tmp_path)
            await assert_kept(served, "c", reply)
