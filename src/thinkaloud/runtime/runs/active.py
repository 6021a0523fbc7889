"""The runs that are active or queued for their conversation."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Final

from thinkaloud.errors import InternalError
from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.parked import ParkedRuns
from thinkaloud.runtime.runs.run import Run

_KEPT_ERRORS: Final = 256


class ActiveRuns:
    """The active and queued runs with their tasks, and those that wait for a person.

    A run that waits has no task, and doesn't count as active.
    """

    def __init__(self) -> None:
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self.parked = ParkedRuns()
        """The runs that wait for a person."""
        self.stop_parked: Callable[[str], Awaitable[None]] = _not_open
        """Stops a run that waits, and returns once it has ended."""
        self._errors: OrderedDict[str, Exception] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Run]:
        return iter([run for run, _ in self._runs.values()])

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs or run_id in self.parked

    def get(self, run_id: str) -> Run | None:
        """Return a run that is active or queued."""
        active = self._runs.get(run_id)
        return None if active is None else active[0]

    def appends_to(self, run_id: str, log: LiveLog) -> bool:
        """Whether this run is active, and this is its log."""
        active = self._runs.get(run_id)
        if active is None:
            return run_id in self.parked and not log.deleted
        return active[0].log is log

    def in_conversation(self, owner: str, conversation_id: str) -> list[str]:
        """Return the ids of this owner's runs in a conversation, oldest first."""
        waiting = self.parked.in_conversation(owner, conversation_id)
        return waiting + [
            run_id
            for run_id, (run, _) in self._runs.items()
            if run.spec.owner == owner and run.spec.conversation_id == conversation_id
        ]

    def add(self, run: Run, task: asyncio.Task[None]) -> None:
        """Add a run and the task that executes it."""
        self._runs[run.spec.run_id] = (run, task)

    def remove(self, run: Run) -> None:
        """Remove a run that has ended. An exception from a hook is kept for a while."""
        self._runs.pop(run.spec.run_id, None)
        if run.error is not None:
            self._errors[run.spec.run_id] = run.error
            if len(self._errors) > _KEPT_ERRORS:
                self._errors.popitem(last=False)

    def take_error(self, run_id: str) -> Exception | None:
        """Return and forget the exception that a hook of this run raised, if any."""
        return self._errors.pop(run_id, None)

    async def wait(self, run_id: str, *, or_waiting: bool = False) -> None:
        """Wait for the run to end. Cancelling the wait does not affect it.

        With `or_waiting`, return as soon as it waits for a person, too.
        """
        while True:
            active = self._runs.get(run_id)
            if active is not None:
                await asyncio.wait([active[1]])
                continue
            parked = self.parked.get(run_id)
            if parked is None or or_waiting:
                return
            await self.parked.until_taken(run_id)

    async def stop(self, run_id: str) -> None:
        """Stop a run and wait for its end. Does nothing if it has ended."""
        active = self._runs.get(run_id)
        if active is not None:
            run, task = active
            if run.stop():
                await _cancel(run, task)
            await asyncio.wait([task])
        elif run_id in self.parked:
            await self.stop_parked(run_id)

    async def cancel(self, run: Run) -> None:
        """Cancel an active run, and wait for its task."""
        active = self._runs.get(run.spec.run_id)
        if active is not None:
            await _cancel(run, active[1])
            await asyncio.wait([active[1]])

    async def wait_for_all(self, seconds: float) -> None:
        """Wait until the active runs have ended, up to a timeout."""
        tasks = [task for _, task in self._runs.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def interrupt(self) -> None:
        """Cancel all runs and wait for their end."""
        active = list(self._runs.values())
        for run, task in active:
            await _cancel(run, task)
        await asyncio.gather(*(task for _, task in active), return_exceptions=True)


async def stop_runs_of(active: ActiveRuns, key_ids: Collection[str]) -> None:
    """Stop all runs that were started with these API keys, and wait for their ends."""
    found = [run.spec.run_id for run in active if run.spec.principal.key_id in key_ids]
    found += [each.record.run_id for each in active.parked if each.key_id in key_ids]
    await asyncio.gather(*(active.stop(run_id) for run_id in found))


async def stop_when_left(active: ActiveRuns, run: Run, grace: float, clock: Clock) -> None:
    """Stop a run once its conversation has had no follower for `grace` seconds.

    The time starts when the run is stored: it can't be followed before that.
    """
    log = run.log
    await run.stored.wait()
    while run.spec.run_id in active:
        await log.watchers.none.wait()
        watches = log.watchers.times
        await clock.sleep(grace)
        if log.watchers.times == watches:
            await active.stop(run.spec.run_id)


async def until_stored(active: ActiveRuns, owner: str, idempotency_key: str) -> None:
    """Wait until the runs with this key are stored or refused."""
    key = (owner, idempotency_key)
    for run in active:
        if (run.spec.owner, run.spec.idempotency_key) == key:
            await run.stored.wait()


async def _not_open(run_id: str) -> None:
    raise InternalError(f"{run_id} cannot be stopped: the agent is not open.")


async def _cancel(run: Run, task: asyncio.Task[None]) -> None:
    # A task cancelled before its first step never runs, so its run would never end.
    await run.has_started.wait()
    task.cancel()
