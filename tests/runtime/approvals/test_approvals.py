"""Tool calls that a person has to approve."""

import asyncio

import pytest

from tests.harness import open_runs, start
from tests.runtime.approvals.desk import (
    LOCAL,
    Desk,
    approve,
    asked,
    call,
    deny,
    ended,
    state,
    waiting,
)
from thinkaloud.errors import Conflict, InvalidRequest
from thinkaloud.events.event import RunEnded, ToolEnded, ToolStarted
from thinkaloud.events.interaction import ApprovalRequested, ApprovalResolved
from thinkaloud.events.prompt import AssistantTurn, ToolCallPart, ToolTurn
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.runtime.runs.waiting.remembered import MemoryApprovals
from thinkaloud.runtime.tools.approval_policy import ApprovalSettings, configured
from thinkaloud.testing import ScriptedModel, call_tool, say, think
from thinkaloud.tools.function import tool


async def test_a_call_runs_only_after_it_was_approved() -> None:
    desk = Desk()
    model = ScriptedModel([think("Hm."), call("write", "a")], [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        assert desk.done == []
        assert (await state(runs, record)).view().status == "waiting"
        assert len(runs.active) == 0
        await approve(runs, record)
        events = await ended(runs, record)

    assert desk.done == ["write a"]
    kinds = [type(event) for event in events]
    order = [ApprovalRequested, ApprovalResolved, ToolStarted, ToolEnded, RunEnded]
    assert [kind for kind in kinds if kind in order] == order
    assert events[-1].status == "completed"  # type: ignore[union-attr]


async def test_a_denied_call_is_reported_to_the_model_and_the_run_continues() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")], [say("I see.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        await deny(runs, record, "not there")
        events = await ended(runs, record)

    assert desk.done == []
    results = [event for event in events if isinstance(event, ToolEnded)]
    assert [event.status for event in results] == ["denied"]
    assert "not there" in results[0].result
    assert not any(isinstance(event, ToolStarted) for event in events)
    turn = model.requests[1].turns[-1]
    assert isinstance(turn, ToolTurn)
    assert turn.results[0].is_error


async def test_a_second_decision_is_refused_with_the_first_one() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")], [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        approval_id = asked(runs, record)[0].approval_id
        both = await asyncio.gather(
            *(
                runs.approvals.decide(LOCAL, record.run_id, approval_id, Verdict(kind), "test")
                for kind in ("approve", "deny", "approve")
            ),
            return_exceptions=True,
        )
        await ended(runs, record)

    assert [isinstance(each, Conflict) for each in both] == [False, True, True]
    assert "approved" in str(both[1])
    assert desk.done == ["write a"]


async def test_calls_of_one_response_are_decided_one_by_one() -> None:
    desk = Desk()
    calls = [
        call("write", "a", "one"),
        call("look", "b", "two"),
        call("erase", "c", "three"),
        call("write", "d", "four"),
    ]
    model = ScriptedModel(calls, [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        assert desk.done == ["look b"]
        await approve(runs, record)
        await runs.active.wait(record.run_id, or_waiting=True)
        assert desk.done == ["look b", "write a"]
        await deny(runs, record)
        await runs.active.wait(record.run_id, or_waiting=True)
        assert record.run_id in runs.active.parked
        await approve(runs, record)
        await ended(runs, record)

    assert desk.done == ["look b", "write a", "write d"]
    turn = model.requests[1].turns[-1]
    assert isinstance(turn, ToolTurn)
    assert [result.tool_call_id for result in turn.results] == ["one", "two", "three", "four"]
    assert [result.is_error for result in turn.results] == [False, False, True, False]


async def test_an_approval_can_change_the_arguments() -> None:
    desk = Desk()
    model = ScriptedModel([call("write", "a")], [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        resolved = await approve(runs, record, arguments={"path": "z"})
        await ended(runs, record)

    assert desk.done == ["write z"]
    assert resolved.arguments == '{"path":"z"}'
    said, result = model.requests[1].turns[-2:]
    assert isinstance(said, AssistantTurn)
    assert isinstance(result, ToolTurn)
    # The model's own call stays as it was.
    assert said.parts == (ToolCallPart("call_1", "write", '{"path":"a"}'),)
    assert '{"path":"z"}' in result.results[0].content
    assert result.results[0].content.endswith("wrote z")


@pytest.mark.parametrize("remember", ["run", "conversation", "always"])
async def test_an_approval_is_remembered_as_far_as_the_person_said(remember: str) -> None:
    desk = Desk()
    kept = MemoryApprovals()
    once = [call("write", "a")]
    model = ScriptedModel(
        once, [call("write", "b")], [say("1")], once, [say("2")], once, [say("3")]
    )
    async with open_runs(model, tools=desk.tools, remembered=kept) as runs:
        first = await waiting(runs, conversation_id="c")
        await approve(runs, first, remember=remember)
        await ended(runs, first)
        assert desk.done == ["write a", "write b"]
        same = await start(runs, conversation_id="c")
        await runs.active.wait(same.run_id, or_waiting=True)
        assert (same.run_id in runs.active.parked) == (remember == "run")
        if remember == "run":
            await deny(runs, same)
            await ended(runs, same)
        other = await start(runs, conversation_id="d")
        await runs.active.wait(other.run_id, or_waiting=True)
        assert (other.run_id in runs.active.parked) == (remember != "always")


async def test_a_changed_tool_is_asked_for_again() -> None:
    kept = MemoryApprovals()
    model = ScriptedModel(
        [call("write", "a")], [say("1")], [call_tool("write", {"file": "a"})], [say("2")]
    )
    desk = Desk()
    async with open_runs(model, tools=desk.tools, remembered=kept) as runs:
        first = await waiting(runs)
        await approve(runs, first, remember="always")
        await ended(runs, first)

    @tool(approval="ask")
    def write(file: str) -> str:
        return file

    model = ScriptedModel([call_tool("write", {"file": "a"})], [say("2")])
    async with open_runs(model, tools=[write], remembered=kept) as runs:
        await waiting(runs)


async def test_what_must_be_asked_every_time_cannot_be_remembered() -> None:
    desk = Desk()
    async with open_runs(ScriptedModel([call("erase", "a")]), tools=desk.tools) as runs:
        record = await waiting(runs)
        assert asked(runs, record)[0].allowed_remember == ()
        with pytest.raises(InvalidRequest) as refusal:
            await approve(runs, record, remember="always")
        assert refusal.value.field == "remember"
        assert asked(runs, record)
    assert desk.done == []


@pytest.mark.parametrize(
    ("rules", "level"),
    [
        ({}, "never"),
        ({"*": "ask"}, "ask"),
        ({"*": "ask", "look": "never"}, "never"),
        ({"l*": "always_ask", "*": "ask"}, "always_ask"),
        ({"L*": "ask"}, "never"),
    ],
)
def test_the_operator_sets_approvals_by_pattern_and_name(
    rules: dict[str, object], level: str
) -> None:
    assert configured(rules, "look") == level  # type: ignore[arg-type]


async def test_the_operator_can_only_be_stricter_than_the_tool() -> None:
    desk = Desk()
    settings = ApprovalSettings({"look": "ask", "write": "never"})
    model = ScriptedModel([call("write", "a", "one"), call("look", "a", "two")])
    async with open_runs(model, tools=desk.tools, approvals=settings) as runs:
        record = await waiting(runs)
        assert [each.action for each in asked(runs, record)] == ["write", "look"]


async def test_a_call_that_shares_the_id_of_one_that_waits_is_not_run() -> None:
    desk = Desk()
    calls = [call("look", "a"), call("write", "b"), call("write", "c")]
    model = ScriptedModel(calls, [say("Done.")])
    async with open_runs(model, tools=desk.tools) as runs:
        record = await waiting(runs)
        assert desk.done == []
        assert len(asked(runs, record)) == 1
        await approve(runs, record)
        await ended(runs, record)
    assert desk.done == ["write b"]
