"""Replicas, and which replica executes a run, in PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.events.codec import decode_message
from thinkaloud.ports.store import (
    OpenRun,
    Replica,
    ReplicaCounts,
    RunRecord,
    RunState,
    TakenRun,
    Token,
    Unfinished,
)
from thinkaloud.stores.postgres.connection import Connection
from thinkaloud.stores.postgres.log import LogDatabase, check

_ADOPTED_AT_ONCE: Final = 20
RECORD: Final = "r.run_id, c.conversation_id, r.owner, r.first_seq, r.idempotency_key"
RUNS: Final = "thinkaloud.runs r JOIN thinkaloud.conversations c ON c.number = r.conversation"
_RETURNING: Final = (
    " RETURNING r.run_id, c.conversation_id, r.owner, r.first_seq, r.idempotency_key"
)
_TAKE: Final = f"""
    WITH me AS (
        SELECT 1 FROM thinkaloud.replicas WHERE token = $1 AND state = 'alive' FOR KEY SHARE
    ),
    head AS (
        SELECT r.number FROM thinkaloud.runs r, me
        WHERE r.state = 'ready' OR (r.state = 'queued' AND NOT EXISTS (
            SELECT 1 FROM thinkaloud.runs o WHERE o.conversation = r.conversation
            AND o.state <> 'ended' AND (o.state <> 'queued' OR o.number < r.number)
        ))
        ORDER BY r.number LIMIT $2 FOR UPDATE OF r SKIP LOCKED
    )
    UPDATE thinkaloud.runs r SET state = 'running', token = $1,
        first_seq = CASE r.state WHEN 'queued' THEN c.head_seq + 1 ELSE r.first_seq END
    FROM head, thinkaloud.conversations c
    WHERE r.number = head.number AND c.number = r.conversation
    {_RETURNING}, r.spec, r.stopping, r.number
"""
_ADOPT: Final = f"""
    WITH me AS (SELECT 1 FROM thinkaloud.replicas WHERE token = $1 FOR KEY SHARE),
    left_ AS (
        SELECT r.number FROM thinkaloud.runs r, me
        WHERE r.state = 'running' AND NOT EXISTS (
            SELECT 1 FROM thinkaloud.replicas d WHERE d.token = r.token
        )
        ORDER BY r.number LIMIT {_ADOPTED_AT_ONCE} FOR UPDATE OF r SKIP LOCKED
    )
    UPDATE thinkaloud.runs r SET token = $1, adopted = true
    FROM left_, thinkaloud.conversations c
    WHERE r.number = left_.number AND c.number = r.conversation
    {_RETURNING}, r.message, r.stopping, r.number
"""


class ReplicaDatabase(LogDatabase):
    """Implements `Replicas`."""

    async def register(self, name: str, version: str, now_ms: int) -> Token:
        """Add a replica, and return its token."""

        async def work(connection: Connection) -> int:
            return await connection.fetchval(
                "INSERT INTO thinkaloud.replicas (name, version, started_at_ms)"
                " VALUES ($1, $2, $3) RETURNING token",
                name,
                version,
                now_ms,
            )

        return Token(await self._beater.call(work))

    async def beat(self, token: Token, counts: ReplicaCounts) -> bool:
        """Increment the beat of a replica, unless it was declared dead."""

        async def work(connection: Connection) -> bool:
            # A standby that hangs must not make this replica silent.
            beat = await connection.fetchval(
                "UPDATE thinkaloud.replicas SET beat = beat + 1, active_runs = $2,"
                " queued_runs = $3, followers = $4"
                " FROM (SELECT set_config('synchronous_commit', 'off', true)) AS setting"
                " WHERE token = $1 RETURNING beat",
                token,
                counts.active_runs,
                counts.queued_runs,
                counts.followers,
            )
            return beat is not None

        return await self._beater.call(work)

    async def replicas(self) -> Sequence[Replica]:
        """List the replicas that were not declared dead, by token."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "SELECT token, name, version, started_at_ms, beat, state, active_runs,"
                " queued_runs, followers FROM thinkaloud.replicas ORDER BY token"
            )

        return [
            Replica(token, name, version, started_at_ms, beat, state, ReplicaCounts(*counts))
            for token, name, version, started_at_ms, beat, state, *counts in (
                await self._beater.call(work)
            )
        ]

    async def reap(self, token: Token, beat: int) -> bool:
        """Declare a replica dead, unless its beat has changed since."""

        async def work(connection: Connection) -> bool:
            gone = await connection.fetchval(
                "DELETE FROM thinkaloud.replicas WHERE token = $1 AND beat = $2 RETURNING token",
                token,
                beat,
            )
            return gone is not None

        is_dead = await self._beater.call(work)
        self._publish(runs=is_dead)
        return is_dead

    async def drain(self, token: Token) -> None:
        """Give a replica no more runs."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE thinkaloud.replicas SET state = 'draining' WHERE token = $1", token
            )

        await self._beater.call(work)

    async def retire(self, token: Token) -> None:
        """Remove a replica that stops."""

        async def work(connection: Connection) -> None:
            await connection.execute("DELETE FROM thinkaloud.replicas WHERE token = $1", token)

        await self._beater.call(work)
        self._publish(runs=True)


class OwnershipDatabase(ReplicaDatabase):
    """Implements `RunOwnership`."""

    async def take(self, token: Token, room: int) -> Sequence[TakenRun]:
        """Take `ready` runs, and `queued` ones whose conversation has no other open run before."""

        async def work(connection: Connection) -> Sequence[Any]:
            try:
                rows = await connection.fetch(_TAKE, token, room)
            except asyncpg.UniqueViolationError:
                return []  # Another replica was faster; its hint, or the next look, shows what is left.
            if not rows:
                await check(connection, token)
            return rows

        rows = await self._writer.call(work)
        return [
            TakenRun(RunRecord(*run), spec or b"", stopping)
            for *run, spec, stopping, _ in sorted(rows, key=_number)
        ]

    async def adopt(self, token: Token) -> Sequence[Unfinished]:
        """Take over a batch of runs that nobody executes any more, oldest first."""

        async def work(connection: Connection) -> Sequence[Any]:
            await check(connection, token)
            return await connection.fetch(_ADOPT, token)

        return [unfinished_of(row[:-1]) for row in sorted(await self._write(work), key=_number)]

    async def take_stopped(self, token: Token) -> Sequence[Unfinished]:
        """Take queued runs that somebody asked to stop, to append their end."""

        async def work(connection: Connection) -> Sequence[Any]:
            await check(connection, token)
            # The row of the conversation is locked, so that no other replica takes a run of it.
            numbers = await connection.fetch(
                "SELECT c.number FROM thinkaloud.conversations c WHERE EXISTS (SELECT 1"
                " FROM thinkaloud.runs r WHERE r.conversation = c.number AND r.state = 'queued'"
                " AND r.stopping) FOR UPDATE SKIP LOCKED"
            )
            return await connection.fetch(
                "UPDATE thinkaloud.runs r SET state = 'running', token = $1, adopted = true,"
                " first_seq = c.head_seq + 1 FROM thinkaloud.conversations c"
                " WHERE c.number = r.conversation AND c.number = any($2::bigint[])"
                " AND r.state = 'queued' AND r.stopping AND NOT EXISTS (SELECT 1"
                " FROM thinkaloud.runs o WHERE o.conversation = r.conversation"
                " AND o.state NOT IN ('queued', 'ended') AND o.token IS DISTINCT FROM $1)"
                f"{_RETURNING}, r.message, r.stopping, r.number",
                token,
                [number for (number,) in numbers],
            )

        return [unfinished_of(row[:-1]) for row in sorted(await self._write(work), key=_number)]

    async def request_stop(self, owner: str, run_id: str) -> bool:
        """Ask the replica that executes a run, or will, to stop it."""

        async def work(connection: Connection) -> bool:
            found = await connection.fetchval(
                "UPDATE thinkaloud.runs SET stopping = true WHERE run_id = $1 AND owner = $2"
                " AND state <> 'ended' RETURNING 1",
                run_id,
                owner,
            )
            return found is not None

        asked = await self._write(work)
        self._publish(runs=asked)
        return asked

    async def open_runs(self, owner: str, conversation_id: str) -> Sequence[OpenRun]:
        """List the runs of a conversation that have not ended, oldest first."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                f"SELECT {RECORD}, r.state, r.stopping FROM {RUNS} WHERE c.owner = $1"
                " AND c.conversation_id = $2 AND r.state <> 'ended' ORDER BY r.number",
                owner,
                conversation_id,
            )

        return [
            OpenRun(RunRecord(*run), state, stopping)
            for *run, state, stopping in await self._read(work)
        ]

    async def run_state(self, owner: str, run_id: str) -> RunState | None:
        """Return the state of a run of this owner."""

        async def work(connection: Connection) -> RunState | None:
            return await connection.fetchval(
                "SELECT state FROM thinkaloud.runs WHERE run_id = $1 AND owner = $2", run_id, owner
            )

        return await self._read(work)


def unfinished_of(row: Sequence[Any]) -> Unfinished:
    """Return a row of `RECORD`, the message, and whether somebody asked to stop the run."""
    *run, message, stopping = row
    started = None if message is None else decode_message(message)
    return Unfinished(RunRecord(*run), started, stopping)


def _number(row: Sequence[Any]) -> int:
    return row[-1]
