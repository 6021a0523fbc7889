"""Unique ids of tool calls, for protocols whose clients look a call up by its id. Pure."""

from collections.abc import Mapping

from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import ToolBlock


class ToolCallIds:
    """The ids of one stream. Some providers use an id again in a later response of the same run."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._counts: dict[str, int] = {}

    def started(self, tool_call_id: str) -> str:
        """Return an id for a call that starts, which no call before it has."""
        self._counts[tool_call_id] = self._counts.get(tool_call_id, 0) + 1
        return self.latest(tool_call_id)

    def latest(self, tool_call_id: str) -> str:
        """Return the id of the latest call that started with this id."""
        count = self._counts.get(tool_call_id, 1)
        name = f"{self._prefix}{tool_call_id}"
        return name if count == 1 else f"{name}-{count}"


def requested_calls(run: RunFold, prefix: str = "") -> Mapping[str, ToolBlock]:
    """Return the calls that a run returned to its client, by the ids of its stream."""
    ids = ToolCallIds(prefix)
    calls = [block for block in run.view().blocks if isinstance(block, ToolBlock)]
    named = [(ids.started(call.tool_call_id), call) for call in calls]
    return {name: call for name, call in named if call.status == "requested"}
