"""Stop, pressed a hundred times, too late, and between two runs."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.reading import Reader
from tests.e2e.server_process import ServerProcess, server
from tests.e2e.upstream import DEADLINE, PacedReply, upstream

ROUNDS = 20


@pytest.mark.promise("P3", "P10")
async def test_a_hundred_concurrent_stops_act_as_one_and_disconnect_the_provider(
    tmp_path: Path,
) -> None:
    async with upstream() as provider, server(tmp_path, provider.configuration()) as served:
        reply = provider.offer("Tell", PacedReply(1_000, held_at=300))
        reader = Reader()
        await reader.begin(served, "Tell", lambda: bool(reader.characters))
        stop = f"/runs/{reader.run_id}/stop?include_reasoning=true"
        answers = await asyncio.gather(*(served.post(stop) for _ in range(100)))
        async with asyncio.timeout(DEADLINE):
            await reply.hung_up.wait()
        statuses = Counter((status, run["status"]) for status, run in answers)
        assert statuses == {(200, "stopped"): 100}
        await reader.resume(served)
        assert reader.end is not None
        assert reader.end["data"]["status"] == "stopped"
        kept = {run["reasoning"] + run["response"] for _, run in answers}
        assert kept == {reader.reasoning + reader.answer}
        assert reply.reasoning.startswith(reader.reasoning)
        assert (await served.post(stop))[1] == answers[0][1]


async def test_a_stop_after_the_end_changes_nothing(tmp_path: Path) -> None:
    async with upstream() as provider, server(tmp_path, provider.configuration()) as served:
        reply = provider.offer("Tell", PacedReply(50))
        reader = Reader()
        await reader.begin(served, "Tell")
        before = await served.get(f"/runs/{reader.run_id}")
        assert await served.post(f"/runs/{reader.run_id}/stop") == before
        assert before[1]["status"] == "completed"
        assert before[1]["response"] == reply.answer
        assert await served.get(f"/runs/{reader.run_id}") == before


async def until_queued(served: ServerProcess) -> None:
    """Return when two runs of the conversation are active or queued."""
    async with asyncio.timeout(DEADLINE):
        while len((await served.get("/conversations/c"))[1]["active_runs"]) < 2:
            pass


@pytest.mark.promise("P10")
async def test_a_stop_as_the_next_run_starts_never_reaches_it(tmp_path: Path) -> None:
    async with upstream() as provider, server(tmp_path, provider.configuration()) as served:
        for number in range(ROUNDS):
            provider.offer(f"Stopped {number}", PacedReply(1_000, held_at=20))
            reply = provider.offer(f"Next {number}", PacedReply(100))
            first, following = Reader(), Reader()
            await first.begin(
                served,
                f"Stopped {number}",
                lambda first=first: bool(first.characters),
                conversation_id="c",
            )
            stop = f"/runs/{first.run_id}/stop"
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(following.begin(served, f"Next {number}", conversation_id="c"))
                if number % 2:
                    await until_queued(served)
                stops = [tasks.create_task(served.post(stop)) for _ in range(10)]
            assert {task.result()[1]["status"] for task in stops} == {"stopped"}
            assert following.end is not None
            assert following.end["data"]["status"] == "completed"
            assert following.answer == reply.answer
