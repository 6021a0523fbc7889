"""The ports for runs, replicas and hints on one SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from thinkaloud.errors import StoreError
from thinkaloud.ports.store import (
    Accepted,
    Hint,
    OpenRun,
    Replica,
    ReplicaCounts,
    RunRecord,
    RunStart,
    RunState,
    Subscription,
    TakenRun,
    Token,
    Unfinished,
)
from thinkaloud.stores.local_hints import LocalSubscription
from thinkaloud.stores.sqlite.owners import OwnersDatabase
from thinkaloud.stores.sqlite.sql import ownership, replicas, runs

_POLL_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05


class ReplicaDatabase(OwnersDatabase):
    """Implements `Replicas` and `Hints`."""

    def shares(self, owner: str, conversation_id: str) -> bool:
        """Whether other runtimes see this conversation."""
        return self.is_shared

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[Subscription]:
        """Receive hints for the length of a block."""
        with self._hints.subscribe(_POLL_SECONDS) as subscription:
            yield _FileSubscription(self, subscription) if self.is_shared else subscription

    async def version(self) -> int:
        """Return a number that changes with each transaction of another process."""
        return await self._maintain(_version)

    async def register(self, name: str, version: str, now_ms: int) -> Token:
        """Add a replica, and return its token."""
        return await self._write(
            partial(replicas.register, name=name, version=version, now_ms=now_ms)
        )

    async def beat(self, token: Token, counts: ReplicaCounts) -> bool:
        """Increment the beat of a replica, unless it was declared dead."""
        return await self._write(partial(replicas.beat, token=token, counts=counts))

    async def replicas(self) -> Sequence[Replica]:
        """List the replicas that were not declared dead, by token."""
        return await self._read(replicas.listed)

    async def reap(self, token: Token, beat: int) -> bool:
        """Declare a replica dead, unless its beat has changed since."""
        is_dead = await self._write(partial(replicas.reap, token=token, beat=beat))
        if is_dead:
            self._hints.publish(runs=True)
        return is_dead

    async def drain(self, token: Token) -> None:
        """Give a replica no more runs."""
        await self._write(partial(replicas.drain, token=token))

    async def retire(self, token: Token) -> None:
        """Remove a replica that stops."""
        await self._write(partial(replicas.retire, token=token))
        self._hints.publish(runs=True)


class RunDatabase(ReplicaDatabase):
    """Implements `RunStore` and `RunOwnership`."""

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        """Create a run, its conversation and its reserved numbers in one transaction."""
        accepted = await self._write(partial(runs.accept, start=start, token=token, take=take))
        if accepted.outcome == "queued":
            self._hints.publish(runs=True)
        return accepted

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        return await self._read(partial(runs.find, owner=owner, run_id=run_id))

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run created with this idempotency key."""
        return await self._read(partial(runs.find_by_key, owner=owner, key=idempotency_key))

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that are not both ended and compacted, oldest first."""
        return await self._read(partial(runs.unfinished, ended=self.is_shared))

    async def take(self, token: Token, room: int) -> Sequence[TakenRun]:
        """Take `ready` runs, and `queued` ones whose conversation has no other open run before."""
        return await self._write(partial(ownership.take, token=token, room=room))

    async def adopt(self, token: Token) -> Sequence[Unfinished]:
        """Take over a batch of runs that nobody executes any more, oldest first."""
        return await self._write(partial(ownership.adopt, token=token))

    async def take_stopped(self, token: Token) -> Sequence[Unfinished]:
        """Take queued runs that somebody asked to stop, to append their end."""
        return await self._write(partial(ownership.take_stopped, token=token))

    async def request_stop(self, owner: str, run_id: str) -> bool:
        """Ask the replica that executes a run, or will, to stop it."""
        asked = await self._write(partial(ownership.request_stop, owner=owner, run_id=run_id))
        if asked:
            self._hints.publish(runs=True)
        return asked

    async def open_runs(self, owner: str, conversation_id: str) -> Sequence[OpenRun]:
        """List the runs of a conversation that have not ended, oldest first."""
        return await self._read(partial(runs.open_in, owner=owner, conversation_id=conversation_id))

    async def run_state(self, owner: str, run_id: str) -> RunState | None:
        """Return the state of a run of this owner."""
        return await self._read(partial(runs.state_of, owner=owner, run_id=run_id))


class _FileSubscription:
    """Receives the hints of this process, and looks for changes by others."""

    def __init__(self, database: ReplicaDatabase, local: LocalSubscription) -> None:
        self.poll_seconds = local.poll_seconds
        self._database = database
        self._local = local
        self._seen = -1

    async def next(self) -> Hint:
        """Wait for a change of the file, by this process or another one."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    return await self._local.next()
            with suppress(StoreError):
                version = await self._database.version()
                if version != self._seen:
                    self._seen = version
                    return Hint(runs=True, everything=True)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA data_version").fetchone()[0]
