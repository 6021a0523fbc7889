"""Runs that wait for a person: their conversation, their end, restarts."""

import asyncio
from pathlib import Path

import pytest

from tests.harness import OWNER, FakeClock, events_of, open_runs, start
from tests.runtime.approvals.desk import (
    LOCAL,
    Desk,
    approve,
    asked,
    call,
    ended,
    logged,
    sqlite,
    state,
    waiting,
)
from thinkaloud.errors import ApprovalPending, Conflict, NotFound
from thinkaloud.events.event import Event, RunEnded, ToolEnded, ToolStarted
from thinkaloud.events.interaction import ApprovalRequested, ApprovalResolved
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.runtime.tools.approval_policy import ApprovalSettings
from thinkaloud.testing import ScriptedModel, call_tool, say, think
from thinkaloud.tools.function import tool


async def test_an_open_approval_refuses_new_messages_to_its_conversation() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")], [say("Done.")], [say("Next.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs, conversation_id="c")
        with pytest.raises(ApprovalPending):
            await start(runs, conversation_id="c")
        await approve(runs, record)
        await ended(runs, record)
        assert isinstance((await events_of(runs, conversation_id="c"))[-1], RunEnded)


async def test_a_message_that_was_queued_waits_for_the_approval_too() -> None:
    desk = Desk()
    gate = asyncio.Event()

    @tool(name="slow")
    async def slow() -> str:
        await gate.wait()
        return "slow"

    model = ScriptedModel(
        [call("write", "a"), call_tool("slow", {}, "two")], [say("First.")], [say("Second.")]
    )
    async with open_runs(model, tools=[*desk.tools, slow]) as runs:
        first = await start(runs, conversation_id="c")
        while not runs.approvals.open(OWNER):
            await asyncio.sleep(0)
        second = await start(runs, conversation_id="c")
        gate.set()
        await runs.active.wait(first.run_id, or_waiting=True)
        assert first.run_id in runs.active.parked
        assert await runs.fold(second) is None
        await approve(runs, first)
        await ended(runs, first)
        await ended(runs, second)
        assert (await state(runs, first)).view().response == "First."
        assert (await state(runs, second)).view().response == "Second."


async def test_a_call_starts_while_others_of_its_response_still_run() -> None:
    desk = Desk()
    gate = asyncio.Event()

    @tool(name="slow")
    async def slow() -> str:
        await gate.wait()
        return "slow"

    model = ScriptedModel([call("write", "a"), call_tool("slow", {}, "two")], [say("Done.")])
    async with open_runs(model, tools=[*desk.tools, slow]) as runs:
        record = await start(runs)
        while not runs.approvals.open(OWNER):
            await asyncio.sleep(0)
        await approve(runs, record)
        while not any(isinstance(event, ToolEnded) for event in await logged(runs, record)):
            await asyncio.sleep(0)
        gate.set()
        events = await ended(runs, record)

    assert [event.name for event in events if isinstance(event, ToolEnded)] == ["write", "slow"]


async def test_a_waiting_run_can_be_stopped() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        approval_id = asked(runs, record)[0].approval_id
        await runs.stop(OWNER, record.run_id)
        events = await logged(runs, record)
        with pytest.raises(Conflict, match="cancelled"):
            await runs.approvals.decide(
                LOCAL, record.run_id, approval_id, Verdict("approve"), "test"
            )

    assert desk.done == []
    assert [e.decision for e in events if isinstance(e, ApprovalResolved)] == ["cancelled"]
    assert isinstance(events[-1], RunEnded)
    assert events[-1].status == "stopped"


async def test_deleting_a_conversation_ends_what_waits_in_it() -> None:
    desk = Desk()
    async with open_runs(ScriptedModel([call("write", "a")]), tools=desk.tools) as runs:
        record = await waiting(runs, conversation_id="c")
        await runs.conversations.delete(OWNER, "c")
        assert not runs.approvals.open(OWNER)
        assert record.run_id not in runs.active


async def test_an_approval_expires() -> None:
    desk = Desk()
    clock = FakeClock()
    settings = ApprovalSettings(timeout_seconds=60)
    model = ScriptedModel([call("write", "a")], [say("Too late.")])
    async with open_runs(model, tools=desk.tools, clock=clock, approvals=settings) as runs:
        record = await waiting(runs)
        await runs.approvals.expire()
        assert asked(runs, record)
        clock.now_ms += 60_000
        await runs.approvals.expire()
        events = await ended(runs, record)

    assert desk.done == []
    assert [e.decision for e in events if isinstance(e, ApprovalResolved)] == ["expired"]
    assert [e.status for e in events if isinstance(e, ToolEnded)] == ["expired"]


async def test_another_owner_does_not_see_an_approval() -> None:
    desk = Desk()
    async with open_runs(ScriptedModel([call("write", "a")]), tools=desk.tools) as runs:
        record = await waiting(runs)
        approval_id = asked(runs, record)[0].approval_id
        assert not runs.approvals.open("eve")
        with pytest.raises(NotFound):
            await runs.approvals.decide(
                Principal("eve"), record.run_id, approval_id, Verdict("approve"), "test"
            )
    assert desk.done == []


async def test_a_waiting_run_survives_a_restart(tmp_path: Path) -> None:
    desk = Desk()
    before = ScriptedModel([think("Hm."), say("First."), call("write", "a")])
    async with sqlite(tmp_path, before, desk=desk) as runs:
        record = await waiting(runs, conversation_id="c", system_prompt="Be brief.")
        text = (await state(runs, record)).view().response
    after = ScriptedModel([think("Ah."), say("Then.")])
    async with sqlite(tmp_path, after, desk=desk) as runs:
        assert (await state(runs, record)).view().status == "waiting"
        with pytest.raises(ApprovalPending):
            await start(runs, conversation_id="c")
        await approve(runs, record)
        events = await ended(runs, record)
        view = (await state(runs, record)).view()

    assert desk.done == ["write a"]
    assert text == "First."
    assert view.response == "First.\n\nThen."
    assert view.status == "completed"
    assert view.iteration == 2
    assert after.requests[0].system == "Be brief."
    segments = [block.segment_id for block in view.blocks if hasattr(block, "segment_id")]
    assert len(set(segments)) == len(segments) == 4
    assert sum(isinstance(event, RunEnded) for event in events) == 1
    async with sqlite(tmp_path, ScriptedModel(), desk=desk) as runs:
        assert (await state(runs, record)).view() == view


async def test_what_ran_beside_an_open_approval_at_a_crash_is_interrupted(tmp_path: Path) -> None:
    desk = Desk()
    gate = asyncio.Event()

    @tool(name="slow")
    async def slow() -> str:
        await gate.wait()
        return "slow"

    desk.tools.append(slow)  # type: ignore[arg-type]
    model = ScriptedModel([call("write", "a"), call_tool("slow", {}, "two")])
    async with sqlite(tmp_path, model, desk=desk) as runs:
        record = await start(runs, conversation_id="c")
        while not runs.approvals.open(OWNER):
            await asyncio.sleep(0)
    async with sqlite(tmp_path, ScriptedModel([say("Done.")]), desk=desk) as runs:
        assert [each.action for each in asked(runs, record)] == ["write"]
        await approve(runs, record)
        events = await ended(runs, record)

    assert desk.done == ["write a"]
    assert [e.name for e in events if isinstance(e, ToolStarted)] == ["slow", "write"]
    assert [e.name for e in events if isinstance(e, ToolEnded)] == ["slow", "write"]


async def test_a_tool_that_is_gone_after_a_restart_is_not_called(tmp_path: Path) -> None:
    desk = Desk()
    async with sqlite(tmp_path, ScriptedModel([call("write", "a")]), desk=desk) as runs:
        record = await waiting(runs, conversation_id="c")
    desk.tools.clear()
    async with sqlite(tmp_path, ScriptedModel([say("Sorry.")]), desk=desk) as runs:
        await approve(runs, record)
        events = await ended(runs, record)
    assert desk.done == []
    assert [e.status for e in events if isinstance(e, ToolEnded)] == ["error"]


async def test_a_follower_of_a_waiting_run_sees_all_of_it() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")], [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        seen: list[Event] = []

        async def follow() -> None:
            async with runs.follow(record) as follower:
                while entries := await follower.batch():
                    seen.extend(entry.logged.event for entry in entries)  # type: ignore[union-attr]

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow())
            while not any(isinstance(event, ApprovalRequested) for event in seen):
                await asyncio.sleep(0)
            await approve(runs, record)
        assert seen == await logged(runs, record)
        assert isinstance(seen[-1], RunEnded)
