"""Executes one run: the shell around the turn machine. Always ends with one terminal event."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from thinkaloud.core.redaction.redaction import Redaction
from thinkaloud.core.reply import reply
from thinkaloud.core.turn import Finish, TurnSoFar, Wait
from thinkaloud.core.turn import Turn as TurnMachine
from thinkaloud.errors import ThinkaloudError
from thinkaloud.events.event import (
    Attachment,
    Event,
    RunError,
    RunStarted,
    UserInput,
    as_logged,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import Effort, ModelOptions, ToolSchema, Turn
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.execution.engine import Decisions, Engine, EngineRun
from thinkaloud.ports.model import Model
from thinkaloud.ports.principal import Principal, ReasoningPolicy
from thinkaloud.ports.signal import Signal
from thinkaloud.ports.tool import ToolScope
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.reasoning.payloads import UnloggedPayloads
from thinkaloud.runtime.reasoning.recording import RunReasoning
from thinkaloud.runtime.runs.hooks import HookChain, HookFailed
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.recorder import RunRecorder
from thinkaloud.runtime.usage_meter import Charge

_log = logging.getLogger(__name__)

ReadEarlier = Callable[[], Awaitable[Sequence[RunFold]]]
"""Reads the earlier runs. An exception fails this run only."""


class RunSpec(msgspec.Struct, frozen=True):
    """Everything that defines a run."""

    run_id: str
    conversation_id: str
    principal: Principal
    """Who started it."""
    input: UserInput
    model: Model
    max_iterations: int
    effort: Effort | None
    attachments: tuple[Attachment, ...] = ()
    system_prompt: str | None = None
    replaces: str | None = None
    """The run of this conversation that it replaces."""
    stop_detached_after: float | None = None
    """Stop the run after this many seconds without a follower; None: never."""
    idempotency_key: str | None = None
    history: tuple[Turn, ...] = ()
    """Turns before those of the conversation's own runs."""
    client_tools: tuple[ToolSchema, ...] = ()
    server_tools: bool = True
    options: ModelOptions = ModelOptions()
    reasoning: ReasoningPolicy = "allow"
    """The policy for what is recorded of its reasoning."""

    @property
    def owner(self) -> str:
        """Who owns it."""
        return self.principal.owner

    @property
    def started(self) -> RunStarted:
        """The first event of the run."""
        return RunStarted(
            self.model.info.id,
            self.max_iterations,
            self.input,
            self.effort,
            tuple(as_logged(file) for file in self.attachments),
            self.replaces,
        )


class RunDependencies(msgspec.Struct, frozen=True):
    """The dependencies of a run."""

    clock: Clock
    limits: Limits
    engine: Engine
    hooks: HookChain
    redaction: Redaction
    payloads: UnloggedPayloads
    encode_spec: Callable[["RunSpec"], str]
    """Returns what a checkpoint has of a run's specification."""
    show_end: Callable[[], Awaitable[None]]
    """Persists and publishes the terminal event."""


def _turn(spec: RunSpec, clock: Clock, so_far: TurnSoFar | None) -> TurnMachine:
    client_tools = frozenset(tool.name for tool in spec.client_tools)
    turn = TurnMachine(spec.run_id, spec.max_iterations, clock.steady_ms(), client_tools)
    if so_far is not None:
        turn.continue_from(so_far)
    return turn


class Run:
    """Executes one run on an open log. Call `execute` once."""

    def __init__(
        self,
        spec: RunSpec,
        log: LiveLog,
        means: RunDependencies,
        so_far: TurnSoFar | None = None,
    ) -> None:
        self.spec = spec
        turn = _turn(spec, means.clock, so_far)
        reasoning = RunReasoning(spec.reasoning, means.redaction, means.payloads)
        self.recorder = RunRecorder(spec.run_id, log, turn, means.clock, means.hooks, reasoning)
        """Its events so far, and the only writer of new ones."""
        self.recorder.encode_spec = lambda: means.encode_spec(spec)
        self.storing: dict[str, asyncio.Task[None]] = {}
        """Decisions that are being stored, by approval. The run doesn't wait before they are."""
        self.decisions = Decisions()
        """What was decided about it, for its engine."""
        self.has_started = Signal()
        """Set at the first step of its task. From then on a cancelled run still records its end."""
        self.is_waiting = False
        """Whether it waits for a person. It continues later, from its log."""
        self.stored = self.recorder.stored
        """Set once the store has accepted or refused it. Until then, nothing of it is published,
        and it runs no tools."""
        self.refusal: Exception | None = None
        """Why the store refused it. It then ends without a trace."""
        self.stopping = False
        """Whether it was stopped by a caller, so that it ends as stopped, not interrupted."""
        self.error: Exception | None = None
        """The exception raised by a hook, for the caller of the Python API."""
        self.charge: Charge | None = None
        """What it counts for against the limits of its principal; None: not started by one."""
        self._limits = means.limits
        self._engine = means.engine
        self._hooks = means.hooks
        self.log = log
        """The log that it appends to."""
        self._show_end = means.show_end
        self.has_begun = so_far is not None
        """Whether its first event is in the log."""
        self._is_resumed = so_far is not None
        before = None if so_far is None else so_far.usage
        self._counted_before = before.input_tokens + before.output_tokens if before else 0
        if so_far is not None:
            self.stored.set()

    async def execute(self, read_earlier: ReadEarlier) -> None:
        """Execute the run to its end. Raises only `CancelledError`, unless it was stopped.

        If the store refused it, its events are gone when this returns: the next run of the
        conversation begins then, and continues with their numbers.
        """
        try:
            await self._execute(read_earlier)
        finally:
            if self.refusal is not None:
                self.log.retract()

    async def _execute(self, read_earlier: ReadEarlier) -> None:
        self._begin()
        cancelled: asyncio.CancelledError | None = None
        try:
            if self.stopping:
                finish: Finish | Wait = Finish("stopped")
            else:
                finish = await self._finish(read_earlier)
                # Nothing may be decided between here and where its task is given up.
                while isinstance(finish, Wait) and (self.decisions.pending or self.storing):
                    if not self.decisions.pending:
                        await self.decisions.wait()
                    self._is_resumed = True
                    finish = await self._finish(read_earlier)
        except asyncio.CancelledError as error:
            cancelled = None if self.stopping else error
            if self.refusal is not None:
                return
            if self._waits_on():
                raise
            finish = self._finish_of_cancelled()
        await self.stored.wait()
        if self.refusal is not None:
            return
        if isinstance(finish, Wait):
            self.is_waiting = True
            return
        ending = self.recorder.end(finish, held=True)
        await self._show_end()
        if cancelled is not None:
            raise cancelled
        await self._notify_end(ending, finish.error)

    def _waits_on(self) -> bool:
        """Whether a cancelled run keeps waiting, for the next start of the server."""
        self.is_waiting = not self.stopping and bool(self.recorder.fold.interactions.open)
        return self.is_waiting

    def stop(self) -> bool:
        """Mark the run as stopped. Returns whether the caller must now cancel its task."""
        if self.stopping or self.recorder.turn.ended:
            return False
        self.stopping = True
        return True

    def confirm(self) -> None:
        """Publish what was recorded so far: the store has the run."""
        self.stored.set()
        if self.log.unconfirmed is not None:
            self.log.show()

    def refuse(self, error: Exception) -> None:
        """End without a trace: the store doesn't have the run."""
        self.refusal = error
        self.stored.set()

    def abandon(self) -> None:
        """Record the end of a run that was cancelled before it could do so itself."""
        if self.refusal is not None or (self.has_begun and self._waits_on()):
            return
        self._begin()
        self.recorder.end(self._finish_of_cancelled())

    def settle(self) -> None:
        """Count the tokens that it has used. Without figures of the provider, they are estimated."""
        if not self.charge:
            return
        if self.refusal is not None:
            self.charge.cancel()
            return
        view = self.recorder.fold.view()
        usage = self.recorder.turn.usage
        if usage is None:
            chars = len(self.spec.input.text) + len(view.reasoning) + len(view.response)
            self.charge.settle(chars // 4)
        else:
            tokens = usage.input_tokens + usage.output_tokens
            self.charge.settle(max(0, tokens - self._counted_before))

    def _begin(self) -> None:
        if self.has_begun:
            return
        self.has_begun = True
        held = not self.stored.is_set()
        self.recorder.begin(self.spec.started, self.spec.attachments, held=held)

    def _finish_of_cancelled(self) -> Finish:
        if self.stopping:
            return Finish("stopped")
        message = "The server shut down before the run finished."
        return Finish("failed", RunError("interrupted", message, retryable=True))

    async def _finish(self, read_earlier: ReadEarlier) -> Finish | Wait:
        try:
            async with asyncio.timeout(self._limits.run_timeout_seconds):
                return await self._engine.execute(
                    await self._engine_run(read_earlier), self.recorder
                )
        except TimeoutError:
            message = f"The run took longer than {self._limits.run_timeout_seconds:g} seconds."
            error = RunError("run_timeout", message)
        except HookFailed as failure:
            self.error = failure.cause
            error = RunError(failure.code, failure.message)
        except ThinkaloudError as failure:
            error = RunError(failure.code, failure.message)
        except Exception:  # noqa: BLE001 - must not affect other runs
            _log.exception("run %s failed", self.spec.run_id)
            error = RunError(
                "internal_error", "Internal server error. The server's log has the details."
            )
        return Finish("failed", error)

    async def _engine_run(self, read_earlier: ReadEarlier) -> EngineRun:
        spec = self.spec
        return EngineRun(
            ToolScope(spec.owner, spec.conversation_id, spec.run_id),
            spec.input,
            spec.attachments,
            spec.effort,
            spec.max_iterations,
            await read_earlier(),
            self.decisions,
            self._is_resumed,
        )

    async def _notify_end(self, ending: Sequence[Event], error: RunError | None) -> None:
        if not self._hooks:
            return
        run = self.recorder.fold.view()
        answer = reply(run, self.spec.conversation_id, include_reasoning=True)
        try:
            for event in ending:
                await self._hooks.event(event)
            if error is not None:
                await self._hooks.call("on_error", error)
            await self._hooks.call("after_run", answer)
        except HookFailed as failure:
            self.error = self.error or failure.cause
