"""Hooks: user code called at fixed points of a run."""

import inspect
from collections.abc import Callable, Sequence
from typing import assert_never

import msgspec

from thinkaloud.core.reply import Reply
from thinkaloud.errors import InvalidRequest, ThinkaloudError
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunCheckpoint,
    RunEnded,
    RunError,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolProgress,
    ToolRequested,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.events.model import ToolCall


class RunInfo(msgspec.Struct, frozen=True):
    """The run that a hook is called for."""

    run_id: str
    conversation_id: str
    model: str
    text: str


class AgentHook:
    """Override the methods you need; by default they do nothing.

    The methods may also be plain functions, which must not block: they run on the event loop.

    Multiple hooks are called one after another, in the order given, and all see the same sequence
    of calls. `emit_reasoning_end` is called exactly once after the `emit_reasoning` calls of a
    segment, however it ends. Reasoning that arrives in one piece is one `emit_reasoning` and one
    `emit_reasoning_end`.

    An exception in a hook ends the run as failed (`hook_error`) and is raised unchanged to the
    caller of the Python API. A hook object passed to an `Agent` is shared by all its runs, which
    may be concurrent; pass a class (or a function that returns a hook) for one hook per run.
    """

    async def before_run(self, run: RunInfo) -> None:
        """Called when the run starts, before any other method."""

    async def before_iteration(self, iteration: int) -> None:
        """Called before a model call; `iteration` counts from 1."""

    async def on_stream(self, delta: str) -> None:
        """Called with answer text as it arrives."""

    async def on_stream_end(self, resuming: bool) -> None:
        """Called when an answer segment ends. `resuming`: tools or more reasoning follow."""

    async def emit_reasoning(self, delta: str) -> None:
        """Called with reasoning text as it arrives."""

    async def emit_reasoning_end(self) -> None:
        """Called when a reasoning segment ends."""

    async def before_execute_tools(self, calls: Sequence[ToolCall]) -> None:
        """Called before the tool calls of a response."""

    async def after_execute_tools(self, results: Sequence[ToolEnded]) -> None:
        """Called after all tool calls of a response, with results in the order of the calls."""

    async def after_iteration(self, iteration: int) -> None:
        """Called after a model call and its tools."""

    async def finalize_content(self, content: str) -> str | None:
        """Called once with the whole answer, before the run ends successfully.

        Return None to leave it unchanged, or a text that starts with `content` to append to it.
        The addition is streamed like other answer text, so that deltas and final text match (P4).
        """

    async def on_error(self, error: RunError) -> None:
        """Called when the run has failed, before `after_run`."""

    async def after_run(self, reply: Reply) -> None:
        """Called after the terminal event, however the run ended. `reply` includes reasoning."""


HookSource = AgentHook | Callable[[], AgentHook]
"""A hook shared by all runs, or a factory that creates one per run."""


class HookFailed(ThinkaloudError):
    """A hook raised an exception, which is `cause`."""

    code = "hook_error"

    def __init__(self, place: str, cause: Exception) -> None:
        super().__init__(f"A hook failed in {place}: {type(cause).__name__}: {cause}")
        self.cause = cause


class HookChain:
    """The hooks of one run, called in order."""

    def __init__(self, sources: Sequence[HookSource]) -> None:
        self._hooks = [_hook(source) for source in sources]

    def __bool__(self) -> bool:
        return bool(self._hooks)

    async def call(self, place: str, *arguments: object) -> None:
        """Call a method of every hook. Raises `HookFailed` at the first exception."""
        for hook in self._hooks:
            try:
                await _awaited(getattr(hook, place)(*arguments))
            except Exception as error:
                raise HookFailed(place, error) from error

    async def event(self, event: Event) -> None:
        """Call the hooks for an event that was just appended."""
        match event:
            case AnswerDelta():
                await self.call("on_stream", event.text)
            case ReasoningDelta():
                await self.call("emit_reasoning", event.text)
            case ReasoningEnded():
                await self.call("emit_reasoning_end")
            case AnswerEnded():
                await self.call("on_stream_end", event.resuming)
            case (
                RunStarted()
                | IterationStarted()
                | SegmentReclassified()
                | ToolStarted()
                | ToolProgress()
                | ToolEnded()
                | ToolRequested()
                | ApprovalRequested()
                | ApprovalResolved()
                | QuestionRequested()
                | QuestionResolved()
                | RunCheckpoint()
                | ModelResponded()
                | Notice()
                | RunEnded()
                | VersionSelected()
            ):
                return
            case _:
                assert_never(event)

    async def final_content(self, content: str) -> str:
        """Return the hooks' addition to the answer. Raises `HookFailed` if one changes it."""
        whole = content
        for hook in self._hooks:
            try:
                longer = await _awaited(hook.finalize_content(whole))
            except Exception as error:
                raise HookFailed("finalize_content", error) from error
            if longer is None:
                continue
            if not isinstance(longer, str):
                cause = TypeError(f"it must return str or None, not {type(longer).__name__}")
                raise HookFailed("finalize_content", cause)
            if not longer.startswith(whole):
                cause = ValueError("it can add to the answer, but not change what was streamed")
                raise HookFailed("finalize_content", cause)
            whole = longer
        return whole[len(content) :]


def _hook(source: HookSource) -> AgentHook:
    hook = source if isinstance(source, AgentHook) else source()
    if not isinstance(hook, AgentHook):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(
            f"{source!r} in hooks returned {hook!r}, which is not an AgentHook.", field="hooks"
        )
    return hook


async def _awaited(result: object) -> object:
    return await result if inspect.isawaitable(result) else result
