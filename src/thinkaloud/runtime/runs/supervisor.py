"""The supervisor owns all runs. A run is independent of the connection that started it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from thinkaloud.errors import NotFound, Unavailable
from thinkaloud.events.fold import RunFold
from thinkaloud.ports.principal import Principal, ReasoningPolicy, strictest
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tasks import owned_tasks
from thinkaloud.runtime.conversations.retention import purge_periodically
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.log.follower import Follower, begin_following
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.reasoning.reader import Reader
from thinkaloud.runtime.runs.active import ActiveRuns, until_stored
from thinkaloud.runtime.runs.admission import Admission
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.hooks import HookChain
from thinkaloud.runtime.runs.recovery import Recovery, recover
from thinkaloud.runtime.runs.registration import Registration
from thinkaloud.runtime.runs.replica.acceptance import Acceptance
from thinkaloud.runtime.runs.replica.dispatcher import Dispatcher, ReplicaParts
from thinkaloud.runtime.runs.replica.executor import Executor
from thinkaloud.runtime.runs.replica.fence import ReplicaFence
from thinkaloud.runtime.runs.replica.membership import Membership
from thinkaloud.runtime.runs.replica.open_runs import OpenRuns
from thinkaloud.runtime.runs.request import (
    ID_PATTERN,
    RunRequest,
    RunServices,
    build_spec,
    check,
    check_temporary,
    check_tool_results,
    replaced_run,
)
from thinkaloud.runtime.runs.run import Run, RunSpec
from thinkaloud.runtime.runs.waiting.approvals import Approvals, ApprovalServices
from thinkaloud.runtime.runs.waiting.remembered import MemoryApprovals
from thinkaloud.runtime.runs.waiting.resumption import Resumption
from thinkaloud.runtime.selections import Selections
from thinkaloud.runtime.tools.approval_policy import ApprovalPolicy
from thinkaloud.runtime.usage_meter import UsageMeter

__all__ = ["ID_PATTERN", "RunRequest", "RunServices", "Runs"]


class Runs:
    """Starts, stops and follows runs. Use `async with runs.open()`; leaving it ends all runs."""

    def __init__(self, services: RunServices) -> None:
        self._services = services
        self._store = services.store
        self.active = ActiveRuns()
        """The active and queued runs of this process."""
        self.membership = Membership(services.store, services.clock, services.lease)
        """This process among those that share the store."""
        fence = ReplicaFence(self.membership, self.active)
        self.hub = Hub(services.store, services.clock, fence)
        self.open_runs = OpenRuns(services.store, self.hub, self.active)
        """The runs that have not ended, in this process or another one."""
        self.selections = Selections(services.catalogue)
        """The model and the effort that each owner has selected."""
        self.admission = Admission(
            self.active,
            services.admission,
            UsageMeter(services.clock),
            queue=services.limits.busy_conversation == "queue",
        )
        """Decides whether another run may start."""
        self._acceptance = Acceptance(
            services.store, self.membership, self.admission, services.clock
        )
        self.conversations = Conversations(
            services.store, self.hub, self.open_runs, services.clock, services.uploads
        )
        """Operations on whole conversations."""
        self._registration = Registration(services.store, self.hub, self.active, services.clock)
        self.remembered = services.remembered or MemoryApprovals()
        """Approvals that count for all runs of an owner."""
        self._finisher = Finalizer(self.hub, services.flush_interval)
        policy = ApprovalPolicy(services.approvals, self.remembered, services.clock)
        self._executor = Executor(
            services, self.hub, self.active, self._finisher, self._registration, policy
        )
        self.approvals = _approvals(self, services, self._executor)
        """Decisions about tool calls, and answers to questions."""
        self.find_payload = self._executor.payloads.find
        """Finds the payload of a response that is not in the log."""
        self._dispatcher = Dispatcher(
            services,
            ReplicaParts(
                self.membership, fence, self.hub, self.active, self._executor, self._finisher
            ),
        )
        self.draining = False
        """Whether new runs are refused because the server is about to stop."""
        self._keyed: dict[tuple[str, str], asyncio.Event] = {}

    @asynccontextmanager
    async def open(self) -> AsyncGenerator["Runs"]:
        """Own the tasks of all runs until the block is left; then they are interrupted.

        An exception raised in the block reaches the caller unchanged, not in an exception group.
        """
        async with owned_tasks() as tasks:
            self._executor.begin(tasks)
            services = self._services
            keeping = [tasks.create_task(self.hub.writer.keep_saving(services.flush_interval))]
            try:
                if self._store.is_shared:
                    keeping += await self._dispatcher.start(tasks)
                await recover(Recovery(self._store, self.hub, self._finisher, self.active.parked))
                keeping.append(tasks.create_task(self.approvals.keep_expiring()))
                await self.conversations.release_uploads()
                if services.retention_days is not None:
                    purging = purge_periodically(
                        self.conversations, services.clock, services.retention_days
                    )
                    keeping.append(tasks.create_task(purging))
                yield self
            finally:
                await self.membership.drain()
                await self.interrupt()
                for task in keeping:
                    task.cancel()
                self._finisher.stop_retrying()
                await self.hub.shut()
                await self.membership.leave()
                await self.conversations.release_uploads(closing=True)

    def reader(self, *policies: ReasoningPolicy) -> Reader:
        """Return what may be read under these policies and the server's: the strictest one wins."""
        services = self._services
        return Reader(strictest(services.reasoning, *policies), services.redaction)

    async def drain(self) -> None:
        """Refuse new runs, and wait for active ones up to the drain timeout."""
        self.draining = True
        await self.membership.drain()
        await self.active.wait_for_all(self._services.limits.drain_timeout_seconds)

    async def interrupt(self) -> None:
        """End all runs as interrupted, and followers once up to date. No runs can start after."""
        self._executor.end()
        self.hub.writer.closing = True
        await self.active.interrupt()
        self.hub.close()

    async def start(self, principal: Principal, request: RunRequest) -> RunRecord:
        """Check a request and start its run, which continues even if the caller is cancelled.

        An `idempotency_key` that its owner used before returns the first run and starts nothing.
        Raises, before anything is stored: `Forbidden`, `InvalidRequest`, `UnknownModel`,
        `UnsupportedEffort`, `NotFound` (the conversation was deleted), `Conflict` (the conversation takes no second
        run, or another run replaces the same one), `Busy` (a limit is reached), `Unavailable`
        or `ConfigurationError`.
        """
        principal.check("chat")
        if request.idempotency_key is None:
            return await self._start(principal, request)
        key = (principal.owner, request.idempotency_key)
        while key in self._keyed:
            await self._keyed[key].wait()
        done = self._keyed[key] = asyncio.Event()
        try:
            # The caller of an earlier run with this key may have left before it was stored.
            await until_stored(self.active, *key)
            first = await self._store.run_for_key(*key)
            return first or await self._start(principal, request)
        finally:
            del self._keyed[key]
            done.set()

    async def stop(self, owner: str, run_id: str) -> RunRecord:
        """Stop a run, in whichever process, and wait for its end. Does nothing if it has ended.

        Raises `NotFound` if this owner has no such run.
        """
        record = await self.record(owner, run_id)
        await self.open_runs.stop(record)
        return record

    async def record(self, owner: str, run_id: str) -> RunRecord:
        """Look up a run. Raises `NotFound`."""
        record = await self._store.run(owner, run_id)
        if record is None:
            raise NotFound("There is no such run.")
        return record

    async def fold(self, record: RunRecord) -> RunFold | None:
        """Return the current state of a run; None while it is queued."""
        log = self.hub.live(record.owner, record.conversation_id)
        # Part of a run in a shared log may not be committed yet.
        if log is not None and record.run_id in log.runs and not log.commits_first:
            return log.runs[record.run_id]
        return (await self.hub.fold(record.owner, record.conversation_id)).run(record.run_id)

    @asynccontextmanager
    async def follow(
        self, record: RunRecord, after: int | None = None, *, live: bool = True
    ) -> AsyncGenerator[Follower]:
        """Follow a run from the event after `after` (by default, from its start) to its end.

        Without `live`, stop at the current last event.
        """
        async with self.hub.open(record.owner, record.conversation_id) as log:
            is_open = live and await self.open_runs.appends_to(record, log)
            follower = self.begin_following(log, record, after, is_open=is_open)
            try:
                yield follower
            finally:
                log.watchers.leave()

    def begin_following(
        self, log: LiveLog, record: RunRecord, after: int | None, *, is_open: bool
    ) -> Follower:
        """Like `follow`, for a caller that keeps the log open, and calls its `watchers.leave`.

        A follower of a run that is not `is_open` ends when it is up to date.
        """
        start = record.first_seq - 1 if after is None else max(after, record.first_seq - 1)
        return begin_following(log, self.hub.reader, start, record.run_id, ended=not is_open)

    async def _start(self, principal: Principal, request: RunRequest) -> RunRecord:
        if self.draining:
            raise Unavailable("The server is shutting down and accepts no new runs.")
        check(request)
        with self.admission.admit(principal, request) as starting:
            run, record = await self._create_run(principal, request)
            if run is None:
                # Another process has it, or will.
                starting.charge.cancel()
                return record
            run.charge = starting.charge
        if starting.key_has_ended:
            await self.active.stop(record.run_id)
        await run.has_started.wait()
        await run.stored.wait()
        if run.refusal is not None:
            raise run.refusal
        return record

    async def _create_run(
        self, principal: Principal, request: RunRequest
    ) -> tuple[Run | None, RunRecord]:
        owner = principal.owner
        hooks = HookChain(self._services.hooks)  # First, because it may raise.
        replaced = await replaced_run(owner, request, self._store)
        fold = None if replaced is None else await self.fold(replaced)
        spec = await build_spec(principal, request, self._services, self.selections, fold)
        await check_temporary(owner, request, self._store)
        if request.tool_results:
            check_tool_results(request, await self.hub.fold(owner, spec.conversation_id))
        if spec.attachments:
            files = [file.id for file in spec.attachments if file.id]
            await self._services.uploads.use(owner, files, spec.conversation_id)
        if self._store.shares(owner, spec.conversation_id) and not request.temporary:
            return await self._accept(spec, request)
        new = request.conversation_id is None
        log = await self.hub.acquire(owner, spec.conversation_id, new=new, alone=True)
        log.writers += 1
        try:
            start = self._registration.prepare(spec, request, log)
            # A run that has the conversation to itself calls the model while it is being stored.
            # Hooks only see runs that are stored.
            at_once = log.writers == 1 and not hooks
            if not at_once:
                await self._registration.store(start, log)
            confirm = start if at_once else None
            run = self._executor.spawn(spec, start.run, log, hooks, confirm)
        except BaseException:
            log.writers -= 1
            await self.hub.release(log)
            raise
        # From here on, the run's task releases the log.
        return run, start.run

    async def _accept(self, spec: RunSpec, request: RunRequest) -> tuple[Run | None, RunRecord]:
        """Store a run that any process may execute, and execute it here if it has its turn.

        Raises `Conflict` or `Busy`, as `Admission.admit` does where nobody else starts runs.
        """
        accepted = await self._acceptance.accept(spec, unlisted=request.unlisted)
        if accepted.outcome != "running":
            return None, accepted.run
        return await self._executor.launch(spec, accepted.run), accepted.run


def _approvals(runs: Runs, services: RunServices, executor: Executor) -> Approvals:
    resumption = Resumption(services, runs.hub, runs.active, runs.admission.meter, executor.spawn)
    runs.active.stop_parked = resumption.stop
    return Approvals(
        ApprovalServices(
            runs.hub,
            runs.active,
            runs.remembered,
            services.tool_executor.questions,
            services.clock,
            runs.record,
            runs.fold,
            resumption.resume,
        )
    )
