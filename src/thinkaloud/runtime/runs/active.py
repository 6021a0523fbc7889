"""The runs that go on or queue for their conversation."""

import asyncio
from collections import OrderedDict
from typing import Final

from thinkaloud.ports.clock import Clock
from thinkaloud.runtime.log.live_log import LiveLog
from thinkaloud.runtime.runs.run import Run

_KEPT_ERRORS: Final = 256


class ActiveRuns:
    """Which runs are going on, and their tasks."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[Run, asyncio.Task[None]]] = {}
        self._errors: OrderedDict[str, Exception] = OrderedDict()

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs

    def in_conversation(self, conversation_id: str) -> list[str]:
        """Return the ids of the runs that go on or queue in a conversation, oldest first."""
        return [
            run_id
            for run_id, (run, _) in self._runs.items()
            if run.spec.conversation_id == conversation_id
        ]

    def takes_place_of(self, run_id: str) -> bool:
        """Whether one of them, active or queued, replaces this run."""
        return any(run.spec.replaces == run_id for run, _ in self._runs.values())

    def add(self, run: Run, task: asyncio.Task[None]) -> None:
        """Take in a run with the task that carries it out."""
        self._runs[run.spec.run_id] = (run, task)

    def remove(self, run: Run) -> None:
        """Let go of a run that has ended. What a hook raised is kept for a while."""
        self._runs.pop(run.spec.run_id, None)
        if run.error is not None:
            self._errors[run.spec.run_id] = run.error
            if len(self._errors) > _KEPT_ERRORS:
                self._errors.popitem(last=False)

    def take_error(self, run_id: str) -> Exception | None:
        """Return, once, what a hook of this run raised."""
        return self._errors.pop(run_id, None)

    async def wait(self, run_id: str) -> None:
        """Return when the run has ended, however. Leaving early does not touch it."""
        active = self._runs.get(run_id)
        if active is not None:
            await asyncio.wait([active[1]])

    async def stop(self, run_id: str) -> None:
        """Stop a run and return when it has ended. A run that is not here: nothing."""
        active = self._runs.get(run_id)
        if active is not None:
            run, task = active
            if run.stop():
                await _cancel(run, task)
            await asyncio.wait([task])

    async def wait_for_all(self, seconds: float) -> None:
        """Return when no run is left, or the time is over."""
        tasks = [task for _, task in self._runs.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def stop_when_left(self, run_id: str, log: LiveLog, grace: float, clock: Clock) -> None:
        """Stop a run once nobody has watched its conversation for `grace` seconds."""
        while run_id in self._runs:
            await log.unwatched.wait()
            watches = log.watches
            await clock.sleep(grace)
            if log.watches == watches:
                await self.stop(run_id)

    async def interrupt(self) -> None:
        """Cancel all runs and return when they have ended."""
        active = list(self._runs.values())
        for run, task in active:
            await _cancel(run, task)
        await asyncio.gather(*(task for _, task in active), return_exceptions=True)


async def _cancel(run: Run, task: asyncio.Task[None]) -> None:
    # A task that is cancelled before its first step never takes it, and its run would never end.
    await run.begun.wait()
    task.cancel()
