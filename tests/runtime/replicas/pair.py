"""Two runtimes on one store."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.harness import OWNER, open_runs
from thinkaloud.errors import StoreError
from thinkaloud.events.event import LoggedEvent, RunEnded
from thinkaloud.ports.model import Model
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.log.follower import Follower, Snapshot
from thinkaloud.runtime.runs.limits import Lease, Limits
from thinkaloud.runtime.runs.supervisor import Runs

DEADLINE = 30.0


class ManualClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self._now_ms = 1_000
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []

    def steady_ms(self) -> int:
        return self._now_ms

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + self._now_ms

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now_ms + int(seconds * 1_000), woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake those who have slept long enough."""
        self._now_ms += int(seconds * 1_000)
        for sleeper in [*self._sleepers]:
            if sleeper[0] <= self._now_ms:
                self._sleepers.remove(sleeper)
                if not sleeper[1].done():
                    sleeper[1].set_result(None)


class Connection:
    """A store behind a connection that can be cut."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_cut = False
        self.refused: set[str] = set()
        """The methods that fail."""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name in {"is_shared", "shares", "subscribe"}:
            return method

        async def call(*arguments: object, **named: object) -> object:
            if self.is_cut or name in self.refused:
                raise StoreError("The connection is cut.")
            return await method(*arguments, **named)

        return call


@asynccontextmanager
async def replica(
    store: Store, model: Model, clock: ManualClock | None = None, limits: Limits | None = None
) -> AsyncGenerator[Runs]:
    """Open a runtime that shares a store."""
    async with open_runs(
        model,
        store=store,
        clock=clock or ManualClock(),
        flush_interval=0.0,
        limits=limits,
        lease=Lease("replica", "1.0", 6.0),
    ) as runs:
        yield runs


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.005)


async def everything(runs: Runs, record: RunRecord, after: int | None = None) -> list[LoggedEvent]:
    """Follow a run to its end; its numbers follow one another."""
    async with asyncio.timeout(DEADLINE), runs.follow(record, after) as follower:
        return await rest_of(follower)


async def rest_of(follower: Follower) -> list[LoggedEvent]:
    found: list[LoggedEvent] = []
    seq = follower.cursor
    while batch := await follower.batch():
        if isinstance(batch, Snapshot):
            assert batch.exact
            continue
        for entry in batch:
            assert entry.first_seq > seq
            seq = entry.logged.seq
            found.append(entry.logged)
    return found


def status_of(events: Sequence[LoggedEvent]) -> tuple[str, str | None]:
    """The status of the run that these events end, and its error."""
    end = events[-1].event
    assert isinstance(end, RunEnded), events
    return end.status, None if end.error is None else end.error.code


async def logged_texts(runs: Runs, conversation_id: str = "c") -> list[tuple[str, str]]:
    """What was asked and answered."""
    fold = await runs.hub.fold(OWNER, conversation_id)
    return [(run.input.text, run.response) for run in fold.view().runs]
