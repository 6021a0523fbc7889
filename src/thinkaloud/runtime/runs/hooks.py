"""Hooks: the user's own code at fixed places of a run."""

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
    RunEnded,
    RunError,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.model import ToolCall


class RunInfo(msgspec.Struct, frozen=True):
    """Which run a hook is called for."""

    run_id: str
    conversation_id: str
    model: str
    text: str


class AgentHook:
    """Override what you need; every method does nothing by default.

    The methods may also be plain functions, which must not block: they run on the event loop.

    Several hooks are called one after another, in the order in which they were given, and all of
    them see the same order of calls. Segments are the loop's business: `emit_reasoning_end` comes
    exactly once after the `emit_reasoning` calls of a segment, on every way out. Reasoning that
    arrived in one piece is one `emit_reasoning` and one `emit_reasoning_end`.

    An exception in a hook ends the run as failed (`hook_error`) and reaches the caller of the
    Python API as it is. A hook object given to an `Agent` serves all its runs, which may go on at
    the same time; give a class (or any function that returns a hook) to have one for each run.
    """

    async def before_run(self, run: RunInfo) -> None:
        """Before anything else of the run."""

    async def before_iteration(self, iteration: int) -> None:
        """Before a model call; `iteration` counts from 1."""

    async def on_stream(self, delta: str) -> None:
        """Answer text, as it arrives."""

    async def on_stream_end(self, resuming: bool) -> None:
        """An answer segment ended. `resuming`: the run goes on, with tools or more thought."""

    async def emit_reasoning(self, delta: str) -> None:
        """Reasoning text, as it arrives."""

    async def emit_reasoning_end(self) -> None:
        """A reasoning segment ended."""

    async def before_execute_tools(self, calls: Sequence[ToolCall]) -> None:
        """Before the tool calls of a response are run."""

    async def after_execute_tools(self, results: Sequence[ToolEnded]) -> None:
        """After all of them returned, in the order of the calls."""

    async def after_iteration(self, iteration: int) -> None:
        """After a model call and its tools."""

    async def finalize_content(self, content: str) -> str | None:
        """The whole answer, once, before the run ends well.

        Return None to leave it, or a text that begins with `content` to add to it: the addition
        is streamed like any answer text, so that deltas and final text stay equal (P4).
        """

    async def on_error(self, error: RunError) -> None:
        """The run is about to end as failed."""

    async def after_run(self, reply: Reply) -> None:
        """After the run's terminal event, however it ended. `reply` includes reasoning."""


HookSource = AgentHook | Callable[[], AgentHook]
"""A hook for all runs, or what makes one for each run."""


class HookFailed(ThinkaloudError):
    """A hook raised. `cause` is what it raised."""

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
        """Call one method of every hook. Raises `HookFailed` for the first that raises."""
        for hook in self._hooks:
            try:
                await _awaited(getattr(hook, place)(*arguments))
            except Exception as error:
                raise HookFailed(place, error) from error

    async def event(self, event: Event) -> None:
        """Tell of an event that has just been appended."""
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
                | ToolEnded()
                | ModelResponded()
                | Notice()
                | RunEnded()
                | VersionSelected()
            ):
                return
            case _:
                assert_never(event)

    async def final_content(self, content: str) -> str:
        """Return what the hooks add to the answer. Raises `HookFailed` where one replaces it."""
        whole = content
        for hook in self._hooks:
            try:
                longer = await _awaited(hook.finalize_content(whole))
            except Exception as error:
                raise HookFailed("finalize_content", error) from error
            if longer is None:
                continue
            if not isinstance(longer, str):
                cause = TypeError(f"it returns str or None, not {type(longer).__name__}")
                raise HookFailed("finalize_content", cause)
            if not longer.startswith(whole):
                cause = ValueError("it may add to the answer, not change what was streamed")
                raise HookFailed("finalize_content", cause)
            whole = longer
        return whole[len(content) :]


def _hook(source: HookSource) -> AgentHook:
    hook = source if isinstance(source, AgentHook) else source()
    if not isinstance(hook, AgentHook):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidRequest(
            f"{source!r} in hooks made {hook!r}: it must return an AgentHook.", field="hooks"
        )
    return hook


async def _awaited(result: object) -> object:
    return await result if inspect.isawaitable(result) else result
