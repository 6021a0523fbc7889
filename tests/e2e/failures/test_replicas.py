"""Three servers on one PostgreSQL database, as behind a load balancer without sticky sessions."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.reading import Reader
from tests.e2e.server_process import ServerProcess, server
from tests.e2e.upstream import DEADLINE, PacedReply, Upstream, upstream
from tests.postgres import PostgresServer

SHARED = {"THINKALOUD_STORE__KIND": "postgres", "THINKALOUD_STORE__LEASE_SECONDS": "3"}


@asynccontextmanager
async def replicas(
    folder: Path, database: PostgresServer, provider: Upstream, number: int = 3
) -> AsyncGenerator[list[ServerProcess]]:
    """Run servers, each with a data directory of its own, on one database."""
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database.database())
        served: list[ServerProcess] = []
        for index in range(number):
            own = folder / str(index)
            own.mkdir()
            running = server(
                own,
                provider.configuration(),
                environment={**SHARED, "THINKALOUD_DATABASE_URL": url},
            )
            served.append(await stack.enter_async_context(running))
        yield served


@pytest.mark.timeout(120)
@pytest.mark.promise("P4", "P9")
async def test_a_run_is_followed_and_stopped_through_other_servers(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    async with upstream() as provider:
        whole = provider.offer("One", PacedReply(20, held_at=10))
        stopped = provider.offer("Two", PacedReply(20, held_at=10))
        async with replicas(tmp_path, postgres_server, provider) as (one, two, three):
            reader = Reader()
            await reader.begin(one, "One", lambda: reader.characters > 0, conversation_id="c")
            whole.release_all()
            await reader.resume(two)
            assert (reader.reasoning, reader.answer) == (whole.reasoning, whole.answer)
            again = Reader()
            await again.begin(two, "Two", lambda: again.characters > 0, conversation_id="c")
            status, run = await three.post(f"/runs/{again.run_id}/stop")
            assert (status, run["status"]) == (200, "stopped")
            stopped.release_all()
            _, state = await three.get("/system-status")
            assert len(state["replicas"]) == 3
            _, page = await one.get("/conversations/c/messages")
            assert [message["text"] for message in page["messages"]][:2] == ["One", whole.answer]


@pytest.mark.timeout(120)
@pytest.mark.promise("P2", "P3")
async def test_the_run_of_a_killed_server_ends_as_interrupted_on_the_others(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    async with upstream() as provider:
        cut = provider.offer("One", PacedReply(20, held_at=10))
        next_reply = provider.offer("Two", PacedReply(20))
        async with replicas(tmp_path, postgres_server, provider) as (one, two, three):
            reader = Reader()
            await reader.begin(one, "One", lambda: reader.characters > 0, conversation_id="c")
            waiting = asyncio.ensure_future(
                two.post("/chat/message", {"text": "Two", "conversation_id": "c"})
            )
            await one.kill()
            cut.release_all()
            async with asyncio.timeout(DEADLINE):
                await reader.resume(three)
                _, answered = await waiting
            assert reader.end is not None
            _, run = await two.get(f"/runs/{reader.run_id}")
            assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
            assert (cut.reasoning + cut.answer).startswith(reader.reasoning + reader.answer)
            assert answered["response"] == next_reply.answer
