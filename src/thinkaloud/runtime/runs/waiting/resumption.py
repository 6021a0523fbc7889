"""Continues runs that wait, from their logs."""

import asyncio
from contextlib import suppress
from typing import Protocol

from thinkaloud.core.approvals.waiting import turn_so_far
from thinkaloud.core.turn import TurnSoFar
from thinkaloud.errors import Conflict, InternalError
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.hooks import HookChain
from thinkaloud.runtime.runs.request import RunServices
from thinkaloud.runtime.runs.run import Run, RunSpec
from thinkaloud.runtime.runs.waiting.continuation import decode_continuation
from thinkaloud.runtime.usage_meter import UsageMeter


class Spawn(Protocol):
    """Begins the task of a run."""

    def __call__(
        self,
        spec: RunSpec,
        record: RunRecord,
        log: LiveLog,
        hooks: HookChain,
        *,
        so_far: TurnSoFar | None = None,
    ) -> Run:
        """Execute a run on a log that the caller has opened."""
        ...


class Resumption:
    """Continues runs that wait."""

    def __init__(
        self,
        services: RunServices,
        hub: Hub,
        active: ActiveRuns,
        meter: UsageMeter,
        spawn: Spawn,
    ) -> None:
        self._services = services
        self._hub = hub
        self._active = active
        self._meter = meter
        self._spawn = spawn
        self._one_at_a_time = asyncio.Lock()

    async def resume(self, record: RunRecord, *, stopping: bool = False) -> Run:
        """Continue a run that waits, or return it if it is active.

        With `stopping`, it ends as stopped. Raises `Conflict` if it is neither.
        """
        async with self._one_at_a_time:
            run = self._active.get(record.run_id)
            if run is not None:
                return run
            parked = self._active.parked
            if record.run_id not in parked:
                raise Conflict("The run does not wait any more.")
            log = await self._hub.acquire(record.owner, record.conversation_id)
            log.writers += 1
            try:
                spec, so_far = await self._load(record, log)
                hooks = HookChain(self._services.hooks)
                run = self._spawn(spec, record, log, hooks, so_far=so_far)
            except BaseException:
                log.writers -= 1
                await self._hub.release(log)
                raise
            # From here on, the run's task releases the log.
            run.stopping = stopping
            run.charge = self._meter.recharge(spec.principal)
            parked.take(record.run_id)
            return run

    async def stop(self, run_id: str) -> None:
        """Stop a run that waits, and wait for its end."""
        parked = self._active.parked.get(run_id)
        if parked is None:
            return
        with suppress(Conflict):
            run = await self.resume(parked.record, stopping=True)
            if not run.stopping:
                await self._active.stop(run_id)
        await self._active.wait(run_id)

    async def _load(self, record: RunRecord, log: LiveLog) -> tuple[RunSpec, TurnSoFar]:
        fold = (await self._hub.fold(record.owner, record.conversation_id)).tree.all[record.run_id]
        await self._hub.begin_writing(log)
        if not log.commits_first:
            await self._hub.writer.reserve(log)
        log.runs.setdefault(record.run_id, fold)
        so_far = turn_so_far(fold)
        if so_far is None:
            raise InternalError(f"{record.run_id} has nothing to be continued from.")
        return decode_continuation(fold, self._services.catalogue), so_far
