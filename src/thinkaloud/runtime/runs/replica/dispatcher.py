"""Reacts to what other replicas do: takes runs, ends those of the dead, stops and loses its own."""

import asyncio
import logging
from collections.abc import Sequence

import msgspec

from thinkaloud.errors import Fenced, StoreError, ThinkaloudError
from thinkaloud.ports.clock import Clock
from thinkaloud.ports.store import Hint, ReplicaCounts, Store, TakenRun, Token, Unfinished
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.recovery import Recovery, end_runs
from thinkaloud.runtime.runs.replica.executor import Executor
from thinkaloud.runtime.runs.replica.fence import ReplicaFence
from thinkaloud.runtime.runs.replica.membership import Membership
from thinkaloud.runtime.runs.replica.spec_codec import decode_spec
from thinkaloud.runtime.runs.request import RunServices
from thinkaloud.runtime.runs.run import Run

_RETRY_SECONDS = 1.0
_EVERYTHING = Hint(runs=True, everything=True)
_log = logging.getLogger(__name__)


class ReplicaParts(msgspec.Struct, frozen=True):
    """What a replica consists of."""

    membership: Membership
    fence: ReplicaFence
    hub: Hub
    active: ActiveRuns
    executor: Executor
    finalizer: Finalizer


class Dispatcher:
    """Keeps this replica in step with the store, until its tasks are cancelled."""

    def __init__(self, services: RunServices, parts: ReplicaParts) -> None:
        self._store: Store = services.store
        self._clock: Clock = services.clock
        self._catalogue = services.catalogue
        self._room = services.admission.max_active_runs
        self._parts = parts
        self._failing = False
        self._tasks: asyncio.TaskGroup | None = None

    async def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Join the other replicas, and return the tasks that keep in step with them.

        Raises `StoreError`.
        """
        await self._parts.membership.join()
        self._tasks = tasks
        parts = self._parts
        work = (parts.membership.keep(self._counts), self._listen(), self._heed(), self._rejoin())
        return [tasks.create_task(each) for each in work]

    def _counts(self) -> ReplicaCounts:
        return ReplicaCounts(len(self._parts.active), 0, self._parts.hub.followers)

    async def _listen(self) -> None:
        """React to hints, and without any from time to time."""
        async with self._store.subscribe() as subscription:
            hint = _EVERYTHING
            while True:
                await self._react(hint)
                try:
                    async with asyncio.timeout(subscription.poll_seconds):
                        hint = await subscription.next()
                except TimeoutError:
                    hint = _EVERYTHING

    async def _react(self, hint: Hint) -> None:
        try:
            changed = None if hint.everything else hint.conversations
            if changed is None or changed:
                await self._parts.hub.refresh(changed)
            if hint.runs or hint.everything:
                await self._attend()
        except Fenced:
            self._parts.membership.note_fenced()
        except StoreError:
            if not self._failing:
                _log.exception("cannot read the database; trying again")
            self._failing = True
        else:
            self._failing = False

    async def _attend(self) -> None:
        """Take runs, end those that nobody executes, and learn which of the own are to stop."""
        store, parts, token = self._store, self._parts, self._parts.membership.token
        if token is None:
            return
        while left := await store.adopt(token):
            await self._end(left)
        if stopped := await store.take_stopped(token):
            await self._end(stopped)
        if parts.executor.unstarted:
            unstarted, parts.executor.unstarted = parts.executor.unstarted, []
            await self._end(unstarted)
        if parts.fence.running():
            # The writer appends one batch at a time, so it knows which runs have just ended.
            await parts.hub.writer.save()
        await self._take(token)

    async def _take(self, token: Token) -> None:
        room = self._room - len(self._parts.active)
        if room > 0:
            for taken in await self._store.take(token, room):
                await self._launch(taken)

    async def _launch(self, taken: TakenRun) -> None:
        try:
            spec = decode_spec(taken.spec, self._catalogue)
        except ThinkaloudError:
            _log.exception("cannot execute %s", taken.run.run_id)
            await self._end([Unfinished(taken.run, stopping=taken.stopping)])
            return
        launching = self._parts.executor.launch(spec, taken.run, stopping=taken.stopping)
        try:
            await launching
        except ThinkaloudError:
            _log.exception("could not start %s", taken.run.run_id)

    async def _end(self, left: Sequence[Unfinished]) -> None:
        parts = self._parts
        means = Recovery(self._store, parts.hub, parts.finalizer, parts.active.parked)
        await end_runs(left, means)

    async def _heed(self) -> None:
        """Stop and lose runs, as the store has said."""
        fence = self._parts.fence
        while True:
            await fence.arrived.wait()
            lost, stopping = fence.take()
            for run in [*self._parts.active]:
                if run.spec.run_id in lost:
                    await self._lose(run)
                elif run.spec.run_id in stopping and self._tasks is not None:
                    self._tasks.create_task(self._parts.active.stop(run.spec.run_id))

    async def _lose(self, run: Run) -> None:
        """End a run without a trace: it was deleted with its conversation, or is not ours."""
        parts, log = self._parts, run.log
        try:
            is_deleted = await self._store.conversation(log.owner, log.conversation_id) is None
        except StoreError:
            is_deleted = False
        if is_deleted:
            parts.hub.forget(log.owner, log.conversation_id)
        else:
            parts.hub.discard(log)
        run.refuse(Fenced())
        await parts.active.cancel(run)

    async def _rejoin(self) -> None:
        """Once declared dead, lose all runs, and join as a new replica."""
        parts = self._parts
        while True:
            await parts.membership.fenced.wait()
            _log.warning("this replica was declared dead: its runs were ended by another one")
            shared = [run for run in parts.active if run.log.commits_first]
            for run in shared:
                parts.hub.discard(run.log)
            for run in shared:
                run.refuse(Fenced())
                await parts.active.cancel(run)
            parts.hub.discard_unsaved()
            try:
                await parts.membership.join()
            except StoreError:
                await self._clock.sleep(_RETRY_SECONDS)
