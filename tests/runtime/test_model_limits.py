"""Limits on one response of a model."""

import pytest

from tests.harness import events_of, open_runs
from tests.runtime.reading import end_of, texts
from thinkaloud.events.event import AnswerDelta, ModelResponded, ToolEnded, ToolStarted
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import ScriptedModel, call_tool, say
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@pytest.mark.promise("P14")
async def test_an_answer_with_too_many_tool_calls_fails_and_none_of_them_is_run() -> None:
    many = [call_tool("add", {"a": n, "b": 1}, tool_call_id=f"c{n}") for n in range(4)]
    limits = Limits(max_tool_calls=3)
    model = ScriptedModel([say("Well."), *many], [say("Not asked again.")])
    async with open_runs(model, tools=[add], limits=limits) as runs:
        events = await events_of(runs)

    error = end_of(events).error
    assert error is not None
    assert (error.code, error.retryable) == ("provider_stream_cut", False)
    assert "more than 3 tools" in error.message
    assert "limits.max_tool_calls" in error.message
    assert texts(events, AnswerDelta) == "Well."
    assert not any(isinstance(event, ToolStarted | ModelResponded) for event in events)


async def test_an_answer_with_the_maximum_of_tool_calls_runs_them_all() -> None:
    many = [call_tool("add", {"a": n, "b": 1}, tool_call_id=f"c{n}") for n in range(3)]
    model = ScriptedModel(many, many, [say("Done.")])
    async with open_runs(model, tools=[add], limits=Limits(max_tool_calls=3)) as runs:
        events = await events_of(runs)

    assert end_of(events).status == "completed"
    assert len([event for event in events if isinstance(event, ToolEnded)]) == 6


async def test_arguments_of_tool_calls_count_toward_the_output_limit() -> None:
    call = call_tool("add", {"a": "x" * 9_000, "b": 1})
    model = ScriptedModel([call], [say("Not asked again.")])
    async with open_runs(model, tools=[add], limits=Limits(max_response_chars=8_000)) as runs:
        events = await events_of(runs)

    error = end_of(events).error
    assert error is not None
    assert error.code == "provider_stream_cut"
    assert not any(isinstance(event, ToolStarted) for event in events)
