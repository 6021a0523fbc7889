"""Tools that the client executes, and conversations that the client stores."""

import pytest

from tests.harness import OWNER, events_of, open_runs
from tests.runtime.reading import end_of
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.event import ToolEnded, ToolRequested
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    ModelOptions,
    NamedTool,
    ToolCallPart,
    ToolResult,
    ToolSchema,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.principal import Principal
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import RunRequest
from thinkaloud.testing import ScriptedModel, call_tool, finish, say, think
from thinkaloud.tools.function import tool

OPEN_FILE = ToolSchema("open_file", "Open a file.", {"type": "object", "properties": {}})
RESULT = ToolResult("call_2", "open_file", "print('hi')")


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


@tool
def open_file(name: str) -> str:
    """Open a file on the server."""
    return f"the server's {name}"


async def test_a_call_of_a_clients_tool_ends_the_run_and_is_returned_to_the_client() -> None:
    model = ScriptedModel([think("I need it."), call_tool("open_file", {"name": "a.py"}, "call_2")])
    async with open_runs(model) as runs:
        events = await events_of(runs, "Open a.py", client_tools=(OPEN_FILE,))
    assert ToolRequested("call_2", "open_file", '{"name":"a.py"}') in events
    assert not [event for event in events if isinstance(event, ToolEnded)]
    assert end_of(events).status == "completed"
    assert end_of(events).outcome is None
    assert [each.name for each in model.requests[0].tools] == ["open_file"]


async def test_the_next_message_gives_the_result_of_a_clients_tool_to_the_model() -> None:
    model = ScriptedModel([call_tool("open_file", {}, "call_2")], [say("It greets.")])
    async with open_runs(model) as runs:
        await events_of(runs, "Open it", client_tools=(OPEN_FILE,), conversation_id="c")
        events = await events_of(runs, "", tool_results=(RESULT,), conversation_id="c")
    assert end_of(events).status == "completed"
    assert model.requests[1].turns == (
        UserTurn("Open it"),
        AssistantTurn((ToolCallPart("call_2", "open_file", "{}"),)),
        ToolTurn((RESULT,)),
    )


async def test_own_tools_run_on_the_server_beside_calls_that_are_returned_to_the_client() -> None:
    model = ScriptedModel(
        [call_tool("add", {"a": 1, "b": 2}, "call_1"), call_tool("open_file", {}, "call_2")],
        [say("Done.")],
    )
    async with open_runs(model, tools=[add]) as runs:
        first = await events_of(runs, "Go", client_tools=(OPEN_FILE,), conversation_id="c")
        await events_of(runs, "", tool_results=(RESULT,), conversation_id="c")
    assert [event.result for event in first if isinstance(event, ToolEnded)] == ["3"]
    assert [event.name for event in first if isinstance(event, ToolRequested)] == ["open_file"]
    assert model.requests[1].turns[-1] == ToolTurn((ToolResult("call_1", "add", "3"), RESULT))


async def test_a_call_without_a_result_is_reported_to_the_model_as_such() -> None:
    model = ScriptedModel([call_tool("open_file", {}, "call_2")], [say("Fine.")])
    async with open_runs(model) as runs:
        await events_of(runs, "Open it", client_tools=(OPEN_FILE,), conversation_id="c")
        await events_of(runs, "Never mind", conversation_id="c")
    _, _, results, message = model.requests[1].turns
    assert isinstance(results, ToolTurn)
    assert results.results[0].is_error
    assert message == UserTurn("Never mind")


@pytest.mark.parametrize("forged", ["call_9", "call_1"])
async def test_a_result_for_a_call_that_was_never_returned_is_refused(forged: str) -> None:
    model = ScriptedModel(
        [call_tool("add", {"a": 1, "b": 2}, "call_1"), call_tool("open_file", {}, "call_2")]
    )
    async with open_runs(model, tools=[add]) as runs:
        await events_of(runs, "Go", client_tools=(OPEN_FILE,), conversation_id="c")
        request = RunRequest("", "c", tool_results=(ToolResult(forged, "add", "4"),))
        with pytest.raises(InvalidRequest, match=forged):
            await runs.start(Principal(OWNER), request)
    assert len(model.requests) == 1


async def test_a_clients_tool_takes_precedence_over_the_servers_tool_of_the_same_name() -> None:
    model = ScriptedModel([call_tool("open_file", {"name": "a"}, "call_2")])
    async with open_runs(model, tools=[add, open_file]) as runs:
        events = await events_of(runs, "Open it", client_tools=(OPEN_FILE,))
    assert [each.name for each in model.requests[0].tools] == ["add", "open_file"]
    assert [event.name for event in events if isinstance(event, ToolRequested)] == ["open_file"]
    assert not [event for event in events if isinstance(event, ToolEnded)]


async def test_calls_of_a_response_that_was_cut_off_are_not_returned() -> None:
    model = ScriptedModel([call_tool("open_file", '{"na', "call_2"), finish("length")])
    async with open_runs(model) as runs:
        events = await events_of(runs, "Open it", client_tools=(OPEN_FILE,))
    assert not [event for event in events if isinstance(event, ToolRequested)]


async def test_given_history_precedes_the_message_and_is_not_kept() -> None:
    history = (UserTurn("Hi"), AssistantTurn((AnswerPart("Hello!"),)))
    model = ScriptedModel([say("Still here.")], [say("Who?")])
    async with open_runs(model, system_prompt="Be brief.") as runs:
        await events_of(
            runs,
            "Are you there?",
            history=history,
            instructions="Be kind.",
            conversation_id="c",
            server_tools=False,
        )
        await events_of(runs, "And now?", conversation_id="c")
    first, second = model.requests
    assert first.turns == (*history, UserTurn("Are you there?"))
    assert first.system == "Be brief.\n\nBe kind."
    assert UserTurn("Hi") not in second.turns
    assert second.system == "Be brief."


async def test_a_run_can_continue_from_history_alone() -> None:
    history = (
        UserTurn("Open it"),
        AssistantTurn((ToolCallPart("call_2", "open_file", "{}"),)),
        ToolTurn((RESULT,)),
    )
    model = ScriptedModel([say("It greets.")])
    async with open_runs(model) as runs:
        events = await events_of(runs, "", history=history)
    assert end_of(events).status == "completed"
    assert model.requests[0].turns == history


async def test_options_reach_the_model_and_a_forced_tool_only_its_first_call() -> None:
    options = ModelOptions(temperature=0.3, tool_choice=NamedTool("add"), max_output_tokens=50)
    model = ScriptedModel([call_tool("add", {"a": 1, "b": 2})], [say("3")])
    async with open_runs(model, tools=[add], limits=Limits(max_output_tokens=200)) as runs:
        await events_of(runs, "1 + 2?", options=options)
    first, second = model.requests
    assert first.options == options
    assert first.max_output_tokens == 50
    assert second.options.tool_choice is None
    assert second.options.temperature == 0.3


async def test_a_model_that_must_not_call_tools_gets_none() -> None:
    model = ScriptedModel([say("3")])
    async with open_runs(model, tools=[add]) as runs:
        options = ModelOptions(tool_choice="none")
        await events_of(runs, "1 + 2?", options=options, client_tools=(OPEN_FILE,))
    assert model.requests[0].tools == ()


async def test_a_client_cannot_raise_the_operators_output_limit() -> None:
    model = ScriptedModel([say("Hi.")])
    async with open_runs(model, limits=Limits(max_output_tokens=200)) as runs:
        await events_of(runs, options=ModelOptions(max_output_tokens=5_000))
    assert model.requests[0].max_output_tokens == 200
