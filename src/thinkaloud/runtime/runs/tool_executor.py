"""Runs the tools that a model calls. Errors are returned to the model as results."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.errors import ToolError
from thinkaloud.events.event import ToolEnded, ToolStarted, ToolStatus
from thinkaloud.events.model import ToolCall
from thinkaloud.events.prompt import ToolSchema
from thinkaloud.ports.tool import Tool
from thinkaloud.runtime.runs.recorder import RunRecorder

_LEAVING_SECONDS: Final = 0.5
"""How long to wait for a cancelled tool to end, which delays a stopped run."""
_log = logging.getLogger(__name__)


class ToolOutcome(msgspec.Struct, frozen=True):
    """The outcome of one call."""

    status: ToolStatus
    result: str
    truncated: bool = False


class ToolExecutor:
    """The tools of an agent, by name. Raises `ValueError` if two have the same name."""

    def __init__(self, tools: Sequence[Tool], max_result_chars: int) -> None:
        self._tools = {tool.schema.name: tool for tool in tools}
        if len(self._tools) < len(tools):
            raise ValueError("two tools have the same name")
        self._max_result_chars = max_result_chars
        self._left: set[asyncio.Task[str]] = set()

    @property
    def schemas(self) -> tuple[ToolSchema, ...]:
        """The tools as the model sees them."""
        return tuple(tool.schema for tool in self._tools.values())

    async def run(
        self, calls: Sequence[ToolCall], recorder: RunRecorder, max_parallel: int
    ) -> None:
        """Run the calls of one response concurrently, recording each start and end."""
        await recorder.hooks.call("before_execute_tools", calls)
        room = asyncio.Semaphore(max_parallel)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._recorded(call, recorder, room)) for call in calls]
        await recorder.hooks.call("after_execute_tools", [task.result() for task in tasks])

    async def call(self, call: ToolCall) -> ToolOutcome:
        """Run one call within its tool's time limit. Raises nothing but cancellation."""
        tool = self._tools.get(call.name)
        if tool is None:
            names = ", ".join(sorted(self._tools)) or "none"
            return ToolOutcome("unknown_tool", f"There is no tool {call.name!r}. Tools: {names}.")
        try:
            arguments: object = msgspec.json.decode(call.arguments or "{}")
        except (msgspec.DecodeError, RecursionError) as error:
            return ToolOutcome("invalid_arguments", f"The arguments are not valid JSON: {error}")
        if not isinstance(arguments, dict):
            return ToolOutcome("invalid_arguments", "The arguments must be a JSON object.")
        return await self._run(tool, call.name, msgspec.convert(arguments, dict[str, object]))

    async def _recorded(
        self, call: ToolCall, recorder: RunRecorder, room: asyncio.Semaphore
    ) -> ToolEnded:
        async with room:
            recorder.append(ToolStarted(call.tool_call_id, call.name, call.arguments))
            started_ms = recorder.clock.steady_ms()
            outcome = ToolOutcome("cancelled", "Cancelled.")
            try:
                outcome = await self.call(call)
            finally:
                ended = ToolEnded(
                    call.tool_call_id,
                    call.name,
                    outcome.status,
                    outcome.result,
                    recorder.clock.steady_ms() - started_ms,
                    outcome.truncated,
                )
                recorder.append(ended)
            return ended

    async def _run(self, tool: Tool, name: str, arguments: dict[str, object]) -> ToolOutcome:
        # Not in a task group, which would wait forever for a tool that ignores its cancellation.
        work = asyncio.create_task(_call(tool, arguments))  # noqa: TID251 - see _let_go
        try:
            done, _ = await asyncio.wait([work], timeout=tool.timeout)
        finally:
            await self._cancel_call(work, name)
        if not done:
            return ToolOutcome("timeout", f"{name} took longer than {tool.timeout:g} seconds.")
        try:
            return self._truncated("ok", work.result())
        except ToolError as error:
            return self._truncated("error", error.message)
        except asyncio.CancelledError:
            return ToolOutcome("cancelled", f"{name} cancelled itself.")
        except Exception as error:  # noqa: BLE001 - a user's tool may raise anything
            _log.exception("tool %s failed", name)
            return self._truncated("error", f"{name} failed: {type(error).__name__}: {error}")

    async def _cancel_call(self, work: asyncio.Task[str], name: str) -> None:
        """Cancel an unfinished call and wait briefly for its end. Its failure is logged."""
        if work.done():
            return

        def forget(work: asyncio.Task[str]) -> None:
            self._left.discard(work)
            if not work.cancelled() and work.exception() is not None:
                _log.error("tool %s failed when cancelled", name, exc_info=work.exception())

        self._left.add(work)
        work.add_done_callback(forget)
        work.cancel()
        _, going_on = await asyncio.wait([work], timeout=_LEAVING_SECONDS)
        if going_on:
            _log.warning("tool %s ignored its cancellation and is still running", name)

    def _truncated(self, status: ToolStatus, result: str) -> ToolOutcome:
        limit = self._max_result_chars
        # A lone surrogate has no UTF-8 form, and everything after this needs one.
        result = result.encode("utf-8", "replace").decode("utf-8")
        if len(result) <= limit:
            return ToolOutcome(status, result)
        note = f"\n[cut: the first {limit:,} of {len(result):,} characters]"
        return ToolOutcome(status, result[:limit] + note, truncated=True)


async def _call(tool: Tool, arguments: dict[str, object]) -> str:
    return await tool.call(arguments)
