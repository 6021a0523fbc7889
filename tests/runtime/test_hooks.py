"""Hooks: the user's own code at fixed points of a run."""

from collections.abc import Sequence

import pytest

from tests.harness import events_of, open_runs
from thinkaloud import AgentHook
from thinkaloud.core.reply import Reply
from thinkaloud.events.event import AnswerDelta, RunEnded, RunError, ToolEnded
from thinkaloud.events.model import ToolCall
from thinkaloud.runtime.runs.hooks import RunInfo
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.testing import (
    Batch,
    ModelFailed,
    Script,
    ScriptedModel,
    Silence,
    call_tool,
    say,
    think,
)
from thinkaloud.tools.function import tool


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class RecordingHook(AgentHook):
    """Writes down every call."""

    def __init__(self, pages: list[str] | None = None, name: str = "") -> None:
        self.pages = [] if pages is None else pages
        self.name = name

    def write(self, line: str) -> None:
        self.pages.append(self.name + line)

    async def before_run(self, run: RunInfo) -> None:
        self.write(f"before_run {run.text}")

    async def before_iteration(self, iteration: int) -> None:
        self.write(f"before_iteration {iteration}")

    async def on_stream(self, delta: str) -> None:
        self.write(f"on_stream {delta}")

    async def on_stream_end(self, resuming: bool) -> None:
        self.write(f"on_stream_end {resuming}")

    async def emit_reasoning(self, delta: str) -> None:
        self.write(f"emit_reasoning {delta}")

    async def emit_reasoning_end(self) -> None:
        self.write("emit_reasoning_end")

    async def before_execute_tools(self, calls: Sequence[ToolCall]) -> None:
        self.write(f"before_execute_tools {[call.name for call in calls]}")

    async def after_execute_tools(self, results: Sequence[ToolEnded]) -> None:
        self.write(f"after_execute_tools {[result.result for result in results]}")

    async def after_iteration(self, iteration: int) -> None:
        self.write(f"after_iteration {iteration}")

    async def finalize_content(self, content: str) -> str | None:
        self.write(f"finalize_content {content}")
        return None

    async def on_error(self, error: RunError) -> None:
        self.write(f"on_error {error.code}")

    async def after_run(self, reply: Reply) -> None:
        self.write(f"after_run {reply.status}")


async def recorded_calls(*scripts: Script, limits: Limits | None = None) -> list[str]:
    recording = RecordingHook()
    async with open_runs(
        ScriptedModel(*scripts), tools=[add], hooks=[recording], limits=limits
    ) as runs:
        await events_of(runs)
    return recording.pages


async def test_a_run_with_a_tool_calls_its_hooks_in_this_order() -> None:
    pages = await recorded_calls(
        [think("Sum"), say("Wait."), call_tool("add", {"a": 1, "b": 2})], [think("So"), say("3")]
    )

    assert pages == [
        "before_run Hello",
        "before_iteration 1",
        "emit_reasoning Sum",
        "emit_reasoning_end",
        "on_stream Wait.",
        "on_stream_end True",
        "before_execute_tools ['add']",
        "after_execute_tools ['3']",
        "after_iteration 1",
        "before_iteration 2",
        "emit_reasoning So",
        "emit_reasoning_end",
        "on_stream \n\n3",
        "on_stream_end False",
        "after_iteration 2",
        "finalize_content Wait.\n\n3",
        "after_run completed",
    ]


async def test_one_shot_reasoning_is_one_emit_and_one_end() -> None:
    pages = await recorded_calls([Batch((*think("All of it."), *say("Yes.")))])  # type: ignore[arg-type]

    assert pages[2:6] == [
        "emit_reasoning All of it.",
        "emit_reasoning_end",
        "on_stream Yes.",
        "on_stream_end False",
    ]


@pytest.mark.promise("P2")
@pytest.mark.parametrize(
    "script",
    [
        [think("Hm"), ModelFailed("provider_bad_request", "No.")],
        [think("Hm"), Silence()],
    ],
    ids=["error", "timeout"],
)
async def test_reasoning_ends_for_the_hooks_too_when_the_run_fails(script: Script) -> None:
    pages = await recorded_calls(script, limits=Limits(idle_timeout_seconds=0.05))

    assert pages.count("emit_reasoning_end") == 1
    assert pages[-2].startswith("on_error provider_")
    assert pages[-1] == "after_run failed"


async def test_every_hook_of_a_chain_sees_the_same_order() -> None:
    pages: list[str] = []
    hooks = [RecordingHook(pages, "1 "), RecordingHook(pages, "2 ")]
    async with open_runs(ScriptedModel([think("Hm"), say("Yes")]), hooks=hooks) as runs:
        await events_of(runs)

    first = [page[2:] for page in pages if page.startswith("1 ")]
    second = [page[2:] for page in pages if page.startswith("2 ")]
    assert first == second
    assert pages[0::2] == [f"1 {page}" for page in first]


async def test_a_hook_class_creates_a_hook_for_each_run() -> None:
    made: list[RecordingHook] = []

    def new() -> RecordingHook:
        made.append(RecordingHook())
        return made[-1]

    async with open_runs(ScriptedModel([say("One")], [say("Two")]), hooks=[new]) as runs:
        await events_of(runs)
        await events_of(runs)

    assert [recording.pages[2] for recording in made] == ["on_stream One", "on_stream Two"]


@pytest.mark.promise("P4")
async def test_what_a_hook_adds_to_the_answer_is_streamed_too() -> None:
    class Signed(AgentHook):
        async def finalize_content(self, content: str) -> str:
            return content + " — the agent"

    async with open_runs(ScriptedModel([say("Yes.")]), hooks=[Signed()]) as runs:
        events = await events_of(runs)

    deltas = [event.text for event in events if isinstance(event, AnswerDelta)]
    assert deltas == ["Yes.", "\n\n — the agent"]


@pytest.mark.promise("P4")
async def test_a_hook_that_replaces_the_streamed_answer_fails_the_run() -> None:
    class RewritingHook(AgentHook):
        async def finalize_content(self, content: str) -> str:
            return "No."

    async with open_runs(ScriptedModel([say("Yes.")]), hooks=[RewritingHook()]) as runs:
        events = await events_of(runs)

    end = events[-1]
    assert isinstance(end, RunEnded)
    assert end.error is not None
    assert end.error.code == "hook_error"


@pytest.mark.parametrize(
    "place",
    ["before_run", "before_iteration", "on_stream", "emit_reasoning", "emit_reasoning_end"],
)
async def test_a_hook_that_raises_at_any_point_ends_the_run_cleanly(place: str) -> None:
    class Broken(AgentHook):
        pass

    async def broken(self: Broken, *arguments: object) -> None:
        raise LookupError("mine")

    setattr(Broken, place, broken)
    model = ScriptedModel([think("Hm"), say("Yes")])
    async with open_runs(model, hooks=[Broken()]) as runs:
        events = await events_of(runs)
        end = events[-1]

    assert isinstance(end, RunEnded)
    assert end.error is not None
    assert (end.status, end.error.code) == ("failed", "hook_error")
    assert model.open_streams == 0
