"""Stop: in every phase, by any client, once, and only the intended run."""

import asyncio
from contextlib import suppress

import pytest

from tests.harness import OWNER, FakeClock, logged, open_runs, start
from tests.runtime.reading import assert_segments_closed, end_of, texts
from thinkaloud.errors import Conflict, Unavailable
from thinkaloud.events.event import (
    AnswerDelta,
    Event,
    ReasoningDelta,
    RunStarted,
    ToolEnded,
    ToolStarted,
)
from thinkaloud.events.prompt import ToolSchema
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import (
    Script,
    ScriptedModel,
    Silence,
    Wait,
    call_tool,
    say,
    think,
)
from thinkaloud.tools.function import tool


@tool
async def forever() -> str:
    """Never return."""
    await asyncio.Event().wait()
    return ""


class UncancellableTool:
    """A tool that runs until it is released, however often it is cancelled."""

    def __init__(self, timeout: float = 60.0) -> None:
        self.timeout = timeout
        self.schema = ToolSchema("stubborn", "Go on.", {"type": "object"})
        self.let_go = asyncio.Event()

    async def call(self, arguments: dict[str, object]) -> str:
        while not self.let_go.is_set():
            with suppress(asyncio.CancelledError):
                await self.let_go.wait()
        return "At last."


STOPS: dict[str, tuple[Script, type[Event], list[str]]] = {
    "thinking": ([think("Hm"), Silence()], ReasoningDelta, []),
    "answering": ([think("Hm"), say("We"), Silence()], AnswerDelta, []),
    "running a tool": ([think("Hm"), call_tool("forever", {})], ToolStarted, ["cancelled"]),
}


@pytest.mark.promise("P2", "P10")
@pytest.mark.parametrize(("script", "phase", "tools"), STOPS.values(), ids=STOPS.keys())
async def test_stop_works_in_every_phase_keeps_the_partial_text_and_closes_upstream(
    script: Script, phase: type[Event], tools: list[str]
) -> None:
    model = ScriptedModel(script)
    async with open_runs(model, tools=[forever]) as runs:
        record = await start(runs)
        async with runs.follow(record) as follower:
            while not any(isinstance(e.logged.event, phase) for e in await follower.batch()):
                continue
        await asyncio.gather(*(runs.stop(OWNER, record.run_id) for _ in range(100)))
        assert model.open_streams == 0
        events = [each.event for each in await logged(runs, record)]
        again = await runs.stop(OWNER, record.run_id)

    assert again == record
    assert_segments_closed(events)
    assert end_of(events).status == "stopped"
    assert texts(events, ReasoningDelta) == "Hm"
    assert [event.status for event in events if isinstance(event, ToolEnded)] == tools


@pytest.mark.promise("P2", "P10")
async def test_a_tool_that_ignores_cancellation_delays_neither_stop_nor_the_next_run() -> None:
    stubborn = UncancellableTool()
    model = ScriptedModel([say("Half"), call_tool("stubborn", {})], [say("Next")])
    async with open_runs(model, tools=[stubborn]) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            while not any(isinstance(e.logged.event, ToolStarted) for e in await follower.batch()):
                continue
        await runs.stop(OWNER, record.run_id)
        assert not stubborn.let_go.is_set()
        stopped = [each.event for each in await logged(runs, record)]
        following = [
            each.event for each in await logged(runs, await start(runs, conversation_id="c"))
        ]
        stubborn.let_go.set()

    assert_segments_closed(stopped)
    assert end_of(stopped).status == "stopped"
    assert texts(stopped, AnswerDelta) == "Half"
    assert [event.status for event in stopped if isinstance(event, ToolEnded)] == ["cancelled"]
    assert end_of(following).status == "completed"


async def test_a_tool_that_ignores_its_timeout_is_abandoned() -> None:
    stubborn = UncancellableTool(timeout=0.01)
    model = ScriptedModel([call_tool("stubborn", {})], [say("Too slow.")])
    async with open_runs(model, tools=[stubborn]) as runs:
        events = [each.event for each in await logged(runs, await start(runs))]
        stubborn.let_go.set()

    assert [event.status for event in events if isinstance(event, ToolEnded)] == ["timeout"]
    assert texts(events, AnswerDelta) == "Too slow."


async def test_a_tool_that_cancels_itself_ends_its_call_and_not_the_run() -> None:
    @tool
    async def self_cancelling() -> str:
        """Give up."""
        raise asyncio.CancelledError

    model = ScriptedModel([call_tool("self_cancelling", {})], [say("It gave up.")])
    async with open_runs(model, tools=[self_cancelling]) as runs:
        events = [each.event for each in await logged(runs, await start(runs))]

    assert [event.status for event in events if isinstance(event, ToolEnded)] == ["cancelled"]
    assert end_of(events).status == "completed"


@pytest.mark.promise("P10")
async def test_a_stop_never_reaches_the_next_run_of_the_conversation() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One"), Silence()], [Wait(gate), say("Two")])
    async with open_runs(model) as runs:
        first = await start(runs, conversation_id="c")
        second = await start(runs, conversation_id="c")
        await runs.stop(OWNER, first.run_id)
        await runs.stop(OWNER, first.run_id)
        gate.set()
        events = [each.event for each in await logged(runs, second)]

    assert end_of(events).status == "completed"
    assert texts(events, AnswerDelta) == "Two"


@pytest.mark.promise("P10")
async def test_a_queued_run_can_be_stopped() -> None:
    model = ScriptedModel([say("One"), Silence()])
    async with open_runs(model) as runs:
        await start(runs, conversation_id="c")
        second = await start(runs, conversation_id="c")
        await runs.stop(OWNER, second.run_id)
        events = [each.event for each in await logged(runs, second)]

    assert isinstance(events[0], RunStarted)
    assert end_of(events).status == "stopped"
    assert len(model.requests) == 1


@pytest.mark.promise("P9", "P10")
async def test_a_run_without_followers_continues_by_default_and_stops_if_requested() -> None:
    model = ScriptedModel([say("One"), Silence()], [say("Two")])
    async with open_runs(model) as runs:
        left = await start(runs, stop_detached_after=0.02)
        async with runs.follow(left) as follower:
            await follower.batch()
        await runs.active.wait(left.run_id)
        kept = await start(runs)
        events = [each.event for each in await logged(runs, left)]
        other = [each.event for each in await logged(runs, kept)]

    assert end_of(events).status == "stopped"
    assert end_of(other).status == "completed"
    assert model.open_streams == 0


async def test_a_run_with_followers_is_not_stopped() -> None:
    gate, over = asyncio.Event(), asyncio.Event()

    class HeldClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await over.wait()

    watched = ScriptedModel([say("One"), Wait(gate), say(" more")])
    async with open_runs(watched, clock=HeldClock()) as runs:
        record = await start(runs, stop_detached_after=9)
        async with runs.follow(record) as follower:
            await follower.batch()
            over.set()  # The grace is over, and somebody is there.
            await asyncio.sleep(0)
            gate.set()
            while await follower.batch():
                continue
        events = [each.event for each in await logged(runs, record)]

    assert end_of(events).status == "completed"


async def test_a_busy_conversation_rejects_messages_if_configured_to() -> None:
    limits = Limits(busy_conversation="refuse")
    async with open_runs(ScriptedModel([say("One"), Silence()]), limits=limits) as runs:
        record = await start(runs, conversation_id="c")
        with pytest.raises(Conflict):
            await start(runs, conversation_id="c")
        await runs.stop(OWNER, record.run_id)


async def test_draining_refuses_new_runs_and_lets_the_others_finish() -> None:
    gate = asyncio.Event()
    async with open_runs(ScriptedModel([say("One"), Wait(gate), say(" more")])) as runs:
        record = await start(runs)
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(runs.drain())
            while not runs.draining:
                await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await start(runs)
            gate.set()
            await draining
        events = [each.event for each in await logged(runs, record)]

    assert end_of(events).status == "completed"
