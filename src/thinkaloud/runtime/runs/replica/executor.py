"""Executes runs in this process: owns their tasks, logs and ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from thinkaloud.core.turn import TurnSoFar
from thinkaloud.errors import InternalError
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.execution.engine import Engine
from thinkaloud.ports.store import RunRecord, RunStart, Unfinished
from thinkaloud.ports.tasks import completed
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.reasoning.payloads import UnloggedPayloads
from thinkaloud.runtime.runs.active import ActiveRuns, stop_when_left
from thinkaloud.runtime.runs.engines.native import EngineTools, NativeEngine, OfferedTools
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.hooks import HookChain
from thinkaloud.runtime.runs.model_call import Prompt
from thinkaloud.runtime.runs.parked import ParkedRuns
from thinkaloud.runtime.runs.registration import Registration
from thinkaloud.runtime.runs.request import RunServices
from thinkaloud.runtime.runs.run import Run, RunDependencies, RunSpec
from thinkaloud.runtime.runs.waiting.continuation import encode_continuation
from thinkaloud.runtime.tools.approval_policy import ApprovalPolicy


class Executor:
    """Executes runs. Between `begin` and `end`, it owns their tasks."""

    def __init__(
        self,
        services: RunServices,
        hub: Hub,
        active: ActiveRuns,
        finalizer: Finalizer,
        registration: Registration,
        policy: ApprovalPolicy,
    ) -> None:
        self.payloads = UnloggedPayloads()
        """The payloads of responses that are not in the log."""
        self.unstarted: list[Unfinished] = []
        """Runs that the store gave to this replica, and that could not be started."""
        self._services = services
        self._hub = hub
        self._active = active
        self._finalizer = finalizer
        self._registration = registration
        self._policy = policy
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Let the tasks of runs belong to this group."""
        self._tasks = tasks

    def end(self) -> None:
        """Start no more runs."""
        self._tasks = None

    async def launch(self, spec: RunSpec, record: RunRecord, *, stopping: bool = False) -> Run:
        """Execute a run that the store gave to this replica.

        Completes even if the caller is cancelled. A run that cannot be started is in `unstarted`.
        """
        return await completed(self._launch(spec, record, stopping=stopping))

    async def _launch(self, spec: RunSpec, record: RunRecord, *, stopping: bool) -> Run:
        try:
            hooks = HookChain(self._services.hooks)
            log = await self._hub.acquire(spec.owner, spec.conversation_id)
            log.writers += 1
            try:
                await self._hub.begin_writing(log)
                run = self.spawn(spec, record, log, hooks)
            except BaseException:
                log.writers -= 1
                await self._hub.release(log)
                raise
        except Exception:
            self.unstarted.append(Unfinished(record, spec.started, stopping))
            raise
        if stopping:
            await self._active.stop(record.run_id)
        return run

    def spawn(
        self,
        spec: RunSpec,
        record: RunRecord,
        log: LiveLog,
        hooks: HookChain,
        confirm: RunStart | None = None,
        so_far: TurnSoFar | None = None,
    ) -> Run:
        """Execute a run on a log that the caller has opened. From then on, its task releases it.

        With `confirm`, the run is stored at the same time. With `so_far`, it continues.
        """
        if self._tasks is None:
            raise InternalError("The agent is not open: use it in an `async with` block.")
        services = self._services
        means = RunDependencies(
            services.clock,
            services.limits,
            native_engine(spec, services, self._policy),
            hooks,
            services.redaction,
            self.payloads,
            encode_continuation,
            lambda: self._finalizer.show_end(log, record),
        )
        run = Run(spec, log, means, so_far)
        task = self._tasks.create_task(self._execute(run, record, log))
        self._active.add(run, task)
        if confirm is None:
            run.stored.set()
        else:
            self._tasks.create_task(self._registration.confirm(run, confirm, log))
        if spec.stop_detached_after is not None:
            leaving = stop_when_left(self._active, run, spec.stop_detached_after, services.clock)
            watch = self._tasks.create_task(leaving)
            task.add_done_callback(lambda _: watch.cancel())
        return run

    async def _execute(self, run: Run, record: RunRecord, log: LiveLog) -> None:
        spec = run.spec
        run.has_started.set()
        try:
            async with _in_turn(log, self._active.parked, spec):
                await run.execute(lambda: _earlier(self._hub, spec, log))
        except asyncio.CancelledError:
            try:
                # Until then its end is not published, and lost if the store refuses the active run.
                while not log.shown.is_set():
                    await log.shown.wait()
            finally:
                run.abandon()
            if not run.stopping:
                raise
        finally:
            self._active.remove(run)
            run.settle()
            log.writers -= 1
            parked = self._active.parked
            if run.is_waiting:
                parked.add(record, run.recorder.fold, spec.principal.key_id)
                finished = True
            else:
                parked.release(log.owner, log.conversation_id, spec.run_id)
                finished = run.refusal is not None or await self._finalizer.finish(log, record)
            if finished or self._tasks is None:
                await self._hub.release(log)
            else:
                self._finalizer.finish_later(log, record, self._tasks)


def native_engine(spec: RunSpec, services: RunServices, policy: ApprovalPolicy) -> Engine:
    """Return the engine of a run that calls a model."""
    prompt = Prompt(
        spec.system_prompt, spec.effort, spec.conversation_id, spec.history, spec.options
    )
    offered = OfferedTools(spec.client_tools, spec.server_tools)
    tools = EngineTools(services.tool_executor, policy, offered)
    return NativeEngine(spec.model, prompt, tools, services.limits)


@asynccontextmanager
async def _in_turn(log: LiveLog, parked: ParkedRuns, spec: RunSpec) -> AsyncGenerator[None]:
    """Hold a conversation while a run is executed, once no other run of it is active or waits."""
    while True:
        async with log.writing:
            if not parked.is_held(spec.owner, spec.conversation_id, spec.run_id):
                yield
                return
        await parked.until_released(spec.owner, spec.conversation_id)


async def _earlier(hub: Hub, spec: RunSpec, log: LiveLog) -> list[RunFold]:
    """Return the ended runs before a run on its path."""
    if log.runs[spec.run_id].last_seq == 1:
        return []  # It is the first event of the conversation.
    fold = await hub.fold(spec.owner, spec.conversation_id)
    # Its own start may not be published yet.
    for entry in log.unsaved.after(fold.seq):
        fold.apply(entry.logged)
    return [run for run in fold.tree.line(spec.run_id)[:-1] if run.ended is not None]
