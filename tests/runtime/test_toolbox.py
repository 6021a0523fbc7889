"""Tool results, on their way to the log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from tests.harness import OWNER, events_of, open_runs
from tests.runtime.reading import end_of
from thinkaloud.errors import ToolError
from thinkaloud.events.content import ContentBlock, ImageContent, LinkContent, TextContent
from thinkaloud.events.event import LoggedEvent, ToolEnded, ToolProgress
from thinkaloud.events.prompt import Image, ToolSchema, ToolTurn
from thinkaloud.ports.tool import AnyTool, ToolContext, ToolOutput, ToolScope
from thinkaloud.server.wires.log.encode import shown_event
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import (
    ScriptedModel,
    call_tool,
    say,
)
from thinkaloud.tools.function import as_tool, tool


@tool
def odd_name(*, found: bool) -> str:
    """Name a file whose name is not UTF-8."""
    if found:
        return "half \udc80 a name"
    raise ToolError("no \udc80 here")


@tool
async def count(run: ToolContext, upto: int) -> str:
    """Count, and report each number."""
    for number in range(upto):
        run.progress(f"at {number}", progress=number, total=upto)
    return f"{run.scope.owner} {run.scope.conversation_id} {run.tool_call_id}"


class Camera:
    """A tool that needs no function: it returns content blocks."""

    schema = ToolSchema("photograph", "Take a picture.", {"type": "object", "properties": {}})
    timeout = 5.0

    async def call_in(self, context: ToolContext, arguments: dict[str, object]) -> ToolOutput:
        del context, arguments
        image = ImageContent("image/png", "aGVsbG8=")
        link = LinkContent("file:///photo.png", "photo")
        return ToolOutput((TextContent("Here:"), image, link))


class Growing:
    """A source of tools: one more of them for each model call."""

    def __init__(self) -> None:
        self.asked: list[ToolScope] = []

    async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
        self.asked.append(scope)
        return [_numbered(number) for number in range(len(self.asked))]


class Broken:
    """A source that fails."""

    async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
        raise RuntimeError(f"no tools for {scope.owner}")


def _numbered(number: int) -> AnyTool:
    @tool(name=f"number_{number}")
    def numbered() -> int:
        return number

    return numbered


def _results(events: Sequence[object]) -> list[str]:
    return [event.result for event in events if isinstance(event, ToolEnded)]


async def test_every_tool_output_can_be_stored(tmp_path: Path) -> None:
    model = ScriptedModel(
        [call_tool("odd_name", {"found": True}), call_tool("odd_name", {"found": False})],
        [say("Odd.")],
    )
    async with (
        SqliteStore.open(tmp_path / "thinkaloud.db") as store,
        open_runs(model, tools=[odd_name], store=store) as runs,
    ):
        events = await events_of(runs, conversation_id="c")

    assert _results(events) == ["half ? a name", "no ? here"]
    assert end_of(events).status == "completed"


async def test_a_tool_knows_whose_run_called_it() -> None:
    model = ScriptedModel([call_tool("count", {"upto": 0}, tool_call_id="call_7")], [say("Done.")])
    async with open_runs(model, tools=[count]) as runs:
        events = await events_of(runs, conversation_id="c")

    assert _results(events) == [f"{OWNER} c call_7"]
    schema = model.requests[0].tools[0].parameters
    assert schema["required"] == ["upto"]


async def test_a_tool_that_reports_too_often_does_not_flood_the_log() -> None:
    model = ScriptedModel([call_tool("count", {"upto": 5_000})], [say("Done.")])
    async with open_runs(model, tools=[count]) as runs:
        events = await events_of(runs, conversation_id="c")
    reported = [event for event in events if isinstance(event, ToolProgress)]

    # Time moves by one millisecond per report here, and one in a tenth of a second is recorded.
    assert 10 < len(reported) < 60
    assert reported[0].message == "at 0"
    assert reported[0].total == 5_000


async def test_a_plain_function_reports_progress_from_its_own_thread() -> None:
    @tool
    def dig(run: ToolContext) -> str:
        """Dig a hole."""
        run.progress("half way", progress=float("inf"))
        return "done"

    model = ScriptedModel([call_tool("dig", {})], [say("Done.")])
    async with open_runs(model, tools=[dig]) as runs:
        events = await events_of(runs)

    assert [event.message for event in events if isinstance(event, ToolProgress)] == ["half way"]
    assert [event.progress for event in events if isinstance(event, ToolProgress)] == [None]


async def test_a_model_that_sees_images_gets_those_of_a_tool() -> None:
    model = ScriptedModel([call_tool("photograph", {})], [say("A cat.")])
    async with open_runs(model, tools=[as_tool(Camera())]) as runs:
        events = await events_of(runs)

    assert _results(events) == [
        "Here:\n[image: image/png, 6 bytes]\n[link: file:///photo.png (photo)]"
    ]
    turn = model.requests[1].turns[-1]
    assert isinstance(turn, ToolTurn)
    assert turn.results[0].images == (Image("image/png", "aGVsbG8="),)


async def test_a_model_that_sees_no_images_gets_their_description() -> None:
    model = ScriptedModel([call_tool("photograph", {})], [say("A cat.")], images=False)
    async with open_runs(model, tools=[as_tool(Camera())]) as runs:
        await events_of(runs)
    turn = model.requests[1].turns[-1]

    assert isinstance(turn, ToolTurn)
    assert not turn.results[0].images
    assert "[image: image/png" in turn.results[0].content


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (TextContent("one"), "one"),
        ([TextContent("one"), TextContent("two")], "one\ntwo"),
        (ToolOutput((TextContent("whole"),)), "whole"),
        ([], "[]"),
        (["one"], '["one"]'),
    ],
)
async def test_a_function_may_return_content_or_values(
    returned: ToolOutput | ContentBlock | list[object], text: str
) -> None:
    @tool
    async def show() -> object:
        return returned

    model = ScriptedModel([call_tool("show", {})], [say("Done.")])
    async with open_runs(model, tools=[show]) as runs:
        assert _results(await events_of(runs)) == [text]


async def test_each_model_call_is_offered_what_its_sources_have_by_then() -> None:
    source = Growing()
    model = ScriptedModel(
        [call_tool("number_0", {}), call_tool("number_1", {})],
        [call_tool("number_1", {})],
        [say("Done.")],
    )
    async with open_runs(model, tools=[count], sources=[source, Broken()]) as runs:
        events = await events_of(runs, conversation_id="c")
    offered = [[schema.name for schema in request.tools] for request in model.requests]

    assert offered == [
        ["count", "number_0"],
        ["count", "number_0", "number_1"],
        ["count", "number_0", "number_1", "number_2"],
    ]
    # What the model had not been offered yet is unknown, although the source has it.
    statuses = [event.status for event in events if isinstance(event, ToolEnded)]
    assert sorted(statuses) == ["ok", "ok", "unknown_tool"]
    assert {scope.owner for scope in source.asked} == {OWNER}
    assert {scope.conversation_id for scope in source.asked} == {"c"}


async def test_two_runs_may_have_different_tools() -> None:
    class Owners:
        async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
            await asyncio.sleep(0)
            return [_numbered(1)] if scope.conversation_id == "one" else [_numbered(2)]

    model = ScriptedModel([say("1")], [say("2")])
    async with open_runs(model, sources=[Owners()]) as runs:
        await events_of(runs, conversation_id="one")
        await events_of(runs, conversation_id="two")

    assert [[tool.name for tool in each.tools] for each in model.requests] == [
        ["number_1"],
        ["number_2"],
    ]


async def test_a_tool_of_a_taken_name_is_left_out() -> None:
    class Second:
        async def tools(self, scope: ToolScope) -> Sequence[AnyTool]:
            del scope
            return [_numbered(1)]

    @tool(name="number_1")
    def mine() -> str:
        return "mine"

    model = ScriptedModel([call_tool("number_1", {})], [say("Done.")])
    async with open_runs(model, tools=[mine], sources=[Second()]) as runs:
        assert _results(await events_of(runs)) == ["mine"]


async def test_images_of_a_tool_are_not_sent_to_clients() -> None:
    ended = ToolEnded("c", "photograph", "ok", "", 1, images=(Image("image/png", "aGVsbG8="),))
    shown = shown_event(LoggedEvent(1, 1, "c", "run_1", ended), reasoning=True)

    assert b"aGVsbG8" not in msgspec.json.encode(shown)
