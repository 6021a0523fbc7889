"""Runs the tools that a model calls. Errors are returned to the model as results."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
from typing_extensions import TypeIs

from thinkaloud.errors import ToolError
from thinkaloud.events.content import TextContent, images_of, text_of
from thinkaloud.events.event import Event, ToolEnded, ToolStarted, ToolStatus
from thinkaloud.events.interaction import ApprovalRequested, ApprovalResolved
from thinkaloud.events.model import ToolCall
from thinkaloud.events.prompt import Image
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.tool import (
    AnyTool,
    ContextTool,
    ToolContext,
    ToolOutput,
    ToolScope,
    ToolSource,
)
from thinkaloud.runtime.tools.approval_policy import fingerprint
from thinkaloud.runtime.tools.context import CallContext
from thinkaloud.runtime.tools.listing import Toolbox, ToolListing
from thinkaloud.runtime.tools.questions import Questions

_LEAVING_SECONDS: Final = 0.5
"""How long to wait for a cancelled tool to end, which delays a stopped run."""
_IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_MAX_IMAGES: Final = 20
_MAX_IMAGE_CHARS: Final = 8_000_000
"""Maximum total size of the images of a result, in base64."""
_CHANGED: Final = "The tool has changed since this call was approved, so it was not run."
_EDITED: Final = (
    "[The user changed the arguments of this call before approving it: {arguments}."
    " Do not repeat the original call.]\n"
)
_log = logging.getLogger(__name__)


class CallRecorder(Protocol):
    """Records the events of calls."""

    @property
    def clock(self) -> Clock:
        """The clock that measures how long a call takes."""
        ...

    def append(self, event: Event) -> None:
        """Append an event to the log of the run."""
        ...


class ToolOutcome(msgspec.Struct, frozen=True):
    """The outcome of one call."""

    status: ToolStatus
    result: str
    truncated: bool = False
    images: tuple[Image, ...] = ()


class ToolCalls(msgspec.Struct, frozen=True):
    """What the calls of one response are executed with."""

    listing: ToolListing
    """The tools that the model was offered."""
    scope: ToolScope


class ToolExecutor:
    """Executes tool calls. Raises `ValueError` if two of the `tools` have the same name."""

    def __init__(
        self,
        tools: Sequence[AnyTool],
        max_result_chars: int,
        sources: Sequence[ToolSource] = (),
        question_seconds: float = 86_400.0,
    ) -> None:
        self.toolbox = Toolbox(tools, sources)
        """The tools that runs are offered."""
        self.questions = Questions(question_seconds)
        """The questions of running calls."""
        self._max_result_chars = max_result_chars
        self._left: set[asyncio.Task[ToolOutput]] = set()

    async def call(self, call: ToolCall, listing: ToolListing, context: CallContext) -> ToolOutcome:
        """Run one call within its tool's time limit. Raises nothing but cancellation."""
        tool = listing.by_name.get(call.name)
        if tool is None:
            names = ", ".join(sorted(listing.by_name)) or "none"
            return ToolOutcome("unknown_tool", f"There is no tool {call.name!r}. Tools: {names}.")
        try:
            arguments: object = msgspec.json.decode(call.arguments or "{}")
        except (msgspec.DecodeError, RecursionError) as error:
            return ToolOutcome("invalid_arguments", f"The arguments are not valid JSON: {error}")
        if not isinstance(arguments, dict):
            return ToolOutcome("invalid_arguments", "The arguments must be a JSON object.")
        given = msgspec.convert(arguments, dict[str, object])
        return await self._run(tool, call.name, given, context)

    async def recorded(self, call: ToolCall, using: ToolCalls, recorder: CallRecorder) -> ToolEnded:
        """Run a call, recording its start and its end."""
        recorder.append(ToolStarted(call.tool_call_id, call.name, call.arguments))
        return await self._until_end(call, using, recorder)

    async def approved(
        self,
        asked: ApprovalRequested,
        resolved: ApprovalResolved,
        using: ToolCalls,
        recorder: CallRecorder,
    ) -> ToolEnded:
        """Run an approved call, whose start is recorded, and record its end.

        If the tool is not the one that was approved any more, the call fails.
        """
        arguments = asked.arguments if resolved.arguments is None else resolved.arguments
        call = ToolCall(asked.tool_call_id, asked.action, arguments)
        tool = using.listing.by_name.get(call.name)
        if tool is None or fingerprint(tool) != asked.fingerprint:
            outcome = ToolOutcome("error", _CHANGED)
            return self._ended(call, outcome, 0, recorder)
        note = "" if resolved.arguments is None else _EDITED.format(arguments=arguments)
        return await self._until_end(call, using, recorder, note)

    async def _until_end(
        self, call: ToolCall, using: ToolCalls, recorder: CallRecorder, note: str = ""
    ) -> ToolEnded:
        started_ms = recorder.clock.steady_ms()
        context = CallContext(using.scope, call, recorder.append, recorder.clock, self.questions)
        outcome = ToolOutcome("cancelled", "Cancelled.")
        try:
            outcome = await self.call(call, using.listing, context)
        finally:
            context.ended = True
            if note:
                outcome = msgspec.structs.replace(outcome, result=note + outcome.result)
            took_ms = recorder.clock.steady_ms() - started_ms
            ended = self._ended(call, outcome, took_ms, recorder)
        return ended

    @staticmethod
    def _ended(
        call: ToolCall, outcome: ToolOutcome, took_ms: int, recorder: CallRecorder
    ) -> ToolEnded:
        ended = ToolEnded(
            call.tool_call_id,
            call.name,
            outcome.status,
            outcome.result,
            took_ms,
            outcome.truncated,
            outcome.images,
        )
        recorder.append(ended)
        return ended

    async def _run(
        self, tool: AnyTool, name: str, arguments: dict[str, object], context: CallContext
    ) -> ToolOutcome:
        # Not in a task group, which would wait forever for a tool that ignores its cancellation.
        work = asyncio.create_task(_call(tool, arguments, context))  # noqa: TID251 - see `_cancel_call`
        try:
            done = await _finished(work, tool.timeout, context)
        finally:
            await self._cancel_call(work, name)
        if not done:
            return ToolOutcome("timeout", f"{name} took longer than {tool.timeout:g} seconds.")
        try:
            return self._outcome(work.result())
        except ToolError as error:
            return self._truncated("error", error.message)
        except asyncio.CancelledError:
            return ToolOutcome("cancelled", f"{name} cancelled itself.")
        except Exception as error:  # noqa: BLE001 - a user's tool may raise anything
            _log.exception("tool %s failed", name)
            return self._truncated("error", f"{name} failed: {type(error).__name__}: {error}")

    async def _cancel_call(self, work: asyncio.Task[ToolOutput], name: str) -> None:
        """Cancel an unfinished call and wait briefly for its end. Its failure is logged."""
        if work.done():
            return

        def forget(work: asyncio.Task[ToolOutput]) -> None:
            self._left.discard(work)
            if not work.cancelled() and work.exception() is not None:
                _log.error("tool %s failed when cancelled", name, exc_info=work.exception())

        self._left.add(work)
        work.add_done_callback(forget)
        work.cancel()
        _, pending = await asyncio.wait([work], timeout=_LEAVING_SECONDS)
        if pending:
            _log.warning("tool %s ignored its cancellation and is still running", name)

    def _outcome(self, output: ToolOutput) -> ToolOutcome:
        status: ToolStatus = "error" if output.is_error else "ok"
        outcome = self._truncated(status, text_of(output.content))
        images = images_of(output.content)
        if not images:
            return outcome
        kept = [image for image in images if image.media_type in _IMAGE_TYPES][:_MAX_IMAGES]
        while kept and sum(len(image.base64) for image in kept) > _MAX_IMAGE_CHARS:
            kept.pop()
        return msgspec.structs.replace(
            outcome, images=tuple(kept), truncated=outcome.truncated or len(kept) < len(images)
        )

    def _truncated(self, status: ToolStatus, result: str) -> ToolOutcome:
        limit = self._max_result_chars
        # A lone surrogate has no UTF-8 form, and everything after this needs one.
        result = result.encode("utf-8", "replace").decode("utf-8")
        if len(result) <= limit:
            return ToolOutcome(status, result)
        note = f"\n[cut: the first {limit:,} of {len(result):,} characters]"
        return ToolOutcome(status, result[:limit] + note, truncated=True)


async def _call(tool: AnyTool, arguments: dict[str, object], context: ToolContext) -> ToolOutput:
    if _takes_context(tool):
        return await tool.call_in(context, arguments)
    return ToolOutput((TextContent(await tool.call(arguments)),))


async def _finished(work: asyncio.Task[ToolOutput], seconds: float, context: CallContext) -> bool:
    """Wait for a call. The time in which it waits for a person doesn't count."""
    now = asyncio.get_running_loop().time
    started = now()
    while (left := started + seconds + context.asking_seconds - now()) > 0:
        done, _ = await asyncio.wait([work], timeout=left)
        if done:
            return True
    return False


def _takes_context(tool: AnyTool) -> TypeIs[ContextTool]:
    return hasattr(tool, "call_in")
