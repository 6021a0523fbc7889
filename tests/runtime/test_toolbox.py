"""What tools say, on its way to the log."""

from pathlib import Path

from tests.harness import events_of, open_runs
from tests.runtime.reading import end_of
from thinkaloud.errors import ToolError
from thinkaloud.events.event import (
    ToolEnded,
)
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import (
    ScriptedModel,
    call_tool,
    say,
)
from thinkaloud.tools.function import tool


@tool
def odd_name(*, found: bool) -> str:
    """Name a file whose name is no UTF-8."""
    if found:
        return "half \udc80 a name"
    raise ToolError("no \udc80 here")


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
    results = [event.result for event in events if isinstance(event, ToolEnded)]

    assert results == ["half ? a name", "no ? here"]
    assert end_of(events).status == "completed"
