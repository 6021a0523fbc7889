"""The followers of a log that have read everything, and how new events reach them.

A follower that is up to date sleeps. New events are pushed to it from the call that appends them,
without waking its task, as long as it can take them at once. Otherwise it is woken, and pulls.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from thinkaloud.runtime.log.entry import Entry

Push = Callable[[Sequence[Entry]], bool]
"""Takes new entries without waiting. Returns False, having taken none, if it can't right now."""


class Waiting(Protocol):
    """A follower that has read everything."""

    cursor: int
    """The number of the last event that it has read, or that was pushed to it."""
    run_id: str | None
    """The only run that it follows, if any."""
    push: Push | None


class WaitingFollowers:
    """The followers that wait for new events."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, follower: Waiting) -> None:
        """Wait until woken. Until then, new events may be pushed, which moves the cursor."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = follower
        try:
            await waiter
        finally:
            self._waiting.pop(waiter, None)

    def wake(self) -> None:
        """Wake all of them."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def push(
        self, entries: Sequence[Entry], merge: Callable[[Sequence[Entry]], Sequence[Entry]]
    ) -> None:
        """Push new entries of a run, merged once for all, and wake those that don't take them.

        An exception ends the follower that raised it, as if it had pulled, and no other.
        """
        if len(entries) > 1 and self._waiting:
            entries = merge(entries)
        last = entries[-1].logged
        seq, its_run = last.seq, last.run_id
        # A copy, because those that are woken are removed.
        for waiter, follower in [*self._waiting.items()]:
            if waiter.done():
                continue  # Cancelled, or woken.
            run_id = follower.run_id
            try:
                if run_id is not None and run_id != its_run:
                    follower.cursor = seq
                    continue
                push = follower.push
                if push is not None and push(entries):
                    follower.cursor = seq
                    continue
            except Exception as error:  # noqa: BLE001 - belongs to the task of the follower
                waiter.set_exception(error)
            else:
                waiter.set_result(None)
            self._waiting.pop(waiter, None)
