"""A process that is killed around a decision."""

import asyncio
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.harness import OWNER, open_runs
from tests.runtime.approvals.killed import worker
from tests.thoroughness import scaled
from thinkaloud.events.event import RunEnded, ToolStarted
from thinkaloud.events.interaction import ApprovalResolved
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel

ROOT = Path(__file__).parents[3]
KILLS = scaled(6, 30)


async def killed(folder: Path, seed: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.runtime.approvals.killed",
        str(folder),
        str(seed),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate()
    assert process.returncode == -9, error.decode()


@pytest.mark.timeout(300)
async def test_no_call_runs_without_a_stored_approval_and_none_twice(tmp_path: Path) -> None:
    for seed in range(KILLS):
        await killed(tmp_path, seed)
    acts = tmp_path / "acts"
    done = Counter(acts.read_text().split() if acts.exists() else [])
    assert set(done.values()) <= {1}
    async with (
        SqliteStore.open(tmp_path / "thinkaloud.db") as store,
        open_runs(ScriptedModel(), tools=[worker(tmp_path)], store=store) as runs,
    ):
        started: list[str] = []
        for found in await runs.conversations.search(OWNER, limit=100):
            events = [each.event for each in await runs.hub.logged(OWNER, found.conversation_id)]
            approved = {
                event.tool_call_id
                for event in events
                if isinstance(event, ApprovalResolved) and event.decision == "approved"
            }
            begun = [event for event in events if isinstance(event, ToolStarted)]
            assert {event.tool_call_id for event in begun} <= approved
            started += [event.arguments for event in begun]
            waits = runs.active.parked.in_conversation(OWNER, found.conversation_id)
            assert waits or any(isinstance(event, RunEnded) for event in events)
        # Whatever was done has a stored start.
        assert all(any(f'"{name}"' in each for each in started) for name in done)
