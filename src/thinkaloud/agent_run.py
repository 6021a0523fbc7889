"""Start and follow a run for the Python API, and stop it if it is abandoned."""

import os
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType

from thinkaloud.agent_reply import MessageType
from thinkaloud.app.runtime import Runtime
from thinkaloud.errors import InternalError, RunFailed, UserError
from thinkaloud.events.event import AnswerDelta, Event, ReasoningDelta, ReasoningEnded
from thinkaloud.events.interaction import ApprovalRequested
from thinkaloud.events.view import RunView
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tasks import completed
from thinkaloud.runtime.run_stream import RunStream, follow_run
from thinkaloud.runtime.runs.request import RunRequest


class LoopGuard:
    """The process and event loop in which an agent was opened. It works only there."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._loop: AbstractEventLoop = get_running_loop()

    @property
    def is_this_process(self) -> bool:
        """Whether this is the process of the agent. It is not in a forked child."""
        return self._process == os.getpid()

    def check_process(self) -> None:
        """Raise `UserError` if this is another process."""
        if not self.is_this_process:
            raise UserError(
                "The agent was opened in another process, and only works there: open a new one"
                " after forking."
            )

    def check_loop(self) -> None:
        """Raise `UserError` if this is another event loop."""
        if get_running_loop() is not self._loop:
            raise UserError(
                "The agent was opened in another event loop, and only works there: open one for"
                " each loop, or use `SyncAgent` from threads."
            )


class AgentRun:
    """A run and its events. Start it with `async with`, or with `start` and `close`.

    Closing stops the run if it has not ended. It is safe at any time, even after a cancellation.
    """

    def __init__(
        self, find_runtime: Callable[[], Runtime], request: RunRequest, *, include_reasoning: bool
    ) -> None:
        self._find_runtime = find_runtime
        self._request = request
        self._shows_reasoning = include_reasoning
        self._runtime: Runtime | None = None
        self._record: RunRecord | None = None
        self._following: AbstractAsyncContextManager[RunStream] | None = None
        self._stream: RunStream | None = None
        self._has_asked = False
        self._is_left = False

    async def __aenter__(self) -> "AgentRun":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def conversation_id(self) -> str:
        """The id of the run's conversation. Raises `InternalError` before the run has started."""
        return self._started[1].conversation_id

    async def start(self) -> None:
        """Start the run. Raises the errors of `Runs.start`, before anything is stored."""
        self._runtime = self._find_runtime()
        try:
            # If the caller is cancelled here, the run must not be left running unnoticed.
            await completed(self._start(self._runtime))
        except BaseException:
            await self.close()
            raise

    async def batch(self, *, or_waiting: bool = False) -> Sequence[Event]:
        """Wait for the next events of the run and return them. Empty: the run has ended.

        With `or_waiting`, also empty if it waits for a person; then `close` doesn't stop it.
        """
        while self._stream is not None:
            if or_waiting and self._has_asked and await self._waits():
                return ()
            logged = await self._stream.events(merge=False)
            events = [each.event for each in logged]
            self._has_asked |= any(isinstance(event, ApprovalRequested) for event in events)
            if not self._shows_reasoning:
                events = [
                    event
                    for event in events
                    if not isinstance(event, ReasoningDelta | ReasoningEnded)
                ]
            if events or not logged:
                return events
        return ()

    async def result(self) -> RunView:
        """Return the ended run. Raises `RunFailed`, or the exception that a hook raised."""
        return await run_result(*self._started)

    async def _waits(self) -> bool:
        """Wait until the run ends or waits for a person. Returns whether it waits."""
        runtime, record = self._started
        active = runtime.runs.active
        await active.wait(record.run_id, or_waiting=True)
        self._is_left = record.run_id in active.parked
        return self._is_left

    async def close(self) -> None:
        """Stop the run if it has not ended, and stop following it."""
        following, self._following, self._stream = self._following, None, None
        try:
            runtime, record = self._runtime, self._record
            if (
                runtime is not None
                and record is not None
                and not self._is_left
                and await runtime.runs.open_runs.is_open(record)
            ):
                await completed(runtime.runs.stop(runtime.owner, record.run_id))
        finally:
            if following is not None:
                # The garbage collector may have closed it already, or be closing it.
                with suppress(RuntimeError):
                    await following.__aexit__(None, None, None)

    async def _start(self, runtime: Runtime) -> None:
        self._shows_reasoning &= runtime.runs.reader().may_read
        self._record = await runtime.runs.start(runtime.principal, self._request)
        self._following = follow_run(runtime.runs, self._record)
        self._stream = await self._following.__aenter__()

    @property
    def _started(self) -> tuple[Runtime, RunRecord]:
        if self._runtime is None or self._record is None:
            raise InternalError("The run has not been started.")
        return self._runtime, self._record


def chunk_of(event: Event) -> tuple[MessageType, str] | None:
    """Return the message type and the text of a delta, or None for any other event."""
    if isinstance(event, ReasoningDelta):
        return "reasoning", event.text
    return ("assistant", event.text) if isinstance(event, AnswerDelta) else None


async def run_result(runtime: Runtime, record: RunRecord) -> RunView:
    """Return a run that has ended, or waits. Raises `RunFailed`, or what a hook raised."""
    runs = runtime.runs
    fold = await runs.fold(record)
    if fold is None:
        raise InternalError(f"{record.run_id} has no events.")
    run = runs.reader().run(fold).view()
    hook_error = runs.active.take_error(record.run_id)
    if hook_error is not None:
        raise hook_error
    if run.error is not None:
        raise RunFailed(
            run.error.code,
            run.error.message,
            run_id=record.run_id,
            retryable=run.error.retryable,
            partial=run.response,
            reasoning=run.reasoning,
        )
    return run
