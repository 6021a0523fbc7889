"""Runs with tool calls that a person has to approve, for tests."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.harness import OWNER, open_runs, start
from thinkaloud.events.event import Event
from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import ApprovalRequested, ApprovalResolved
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, call_tool
from thinkaloud.tools.function import FunctionTool, tool

LOCAL = Principal(OWNER)


class Desk:
    """Tools that count what they did."""

    def __init__(self) -> None:
        self.done: list[str] = []

        @tool(approval="ask")
        def write(path: str) -> str:
            """Write a file."""
            self.done.append(f"write {path}")
            return f"wrote {path}"

        @tool(approval="always_ask")
        def erase(path: str) -> str:
            """Erase a file."""
            self.done.append(f"erase {path}")
            return f"erased {path}"

        @tool
        def look(path: str) -> str:
            """Look at a file."""
            self.done.append(f"look {path}")
            return f"saw {path}"

        self.tools: list[FunctionTool[..., str]] = [write, erase, look]


def call(name: str, path: str, tool_call_id: str = "call_1") -> Sequence[object]:
    return call_tool(name, {"path": path}, tool_call_id)


async def waiting(runs: Runs, **request: object) -> RunRecord:
    """Start a run, and return it once it waits."""
    record = await start(runs, **request)
    await runs.active.wait(record.run_id, or_waiting=True)
    assert record.run_id in runs.active.parked
    return record


def asked(runs: Runs, record: RunRecord) -> list[ApprovalRequested]:
    return [each for run, each in runs.approvals.open(OWNER) if run.run_id == record.run_id]


async def approve(runs: Runs, record: RunRecord, **verdict: object) -> ApprovalResolved:
    """Approve the first open approval of a run."""
    first = asked(runs, record)[0].approval_id
    given = Verdict("approve", **verdict)  # type: ignore[arg-type]
    return await runs.approvals.decide(LOCAL, record.run_id, first, given, "test")


async def deny(runs: Runs, record: RunRecord, reason: str | None = None) -> ApprovalResolved:
    first = asked(runs, record)[0].approval_id
    verdict = Verdict("deny", reason=reason)
    return await runs.approvals.decide(LOCAL, record.run_id, first, verdict, "test")


async def state(runs: Runs, record: RunRecord) -> RunFold:
    fold = await runs.fold(record)
    assert fold is not None
    return fold


async def logged(runs: Runs, record: RunRecord) -> list[Event]:
    found = await runs.hub.logged(OWNER, record.conversation_id)
    return [each.event for each in found if each.run_id == record.run_id]


async def ended(runs: Runs, record: RunRecord) -> list[Event]:
    """Wait for the end of a run, and return its events."""
    async with asyncio.timeout(30):
        await runs.active.wait(record.run_id)
    return await logged(runs, record)


@asynccontextmanager
async def sqlite(
    path: Path, *models: ScriptedModel, desk: Desk, **more: object
) -> AsyncGenerator[Runs]:
    async with (
        SqliteStore.open(path / "thinkaloud.db") as store,
        open_runs(*models, tools=desk.tools, store=store, **more) as runs,  # type: ignore[arg-type]
    ):
        yield runs
