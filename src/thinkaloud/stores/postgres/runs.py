"""Runs, replicas and which replica executes a run, in PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from thinkaloud.events.codec import decode_message, encode_message
from thinkaloud.ports.store import (
    Accepted,
    OpenRun,
    Outcome,
    Replica,
    ReplicaCounts,
    RunRecord,
    RunStart,
    RunState,
    TakenRun,
    Token,
    Unfinished,
)
from thinkaloud.stores.postgres.connection import Connection
from thinkaloud.stores.postgres.log import LogDatabase, check

_ADOPTED_AT_ONCE: Final = 20
_RECORD: Final = "r.run_id, c.conversation_id, r.owner, r.first_seq, r.idempotency_key"
_RUNS: Final = "thinkaloud.runs r JOIN thinkaloud.conversations c ON c.number = r.conversation"
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

        return [_unfinished(row[:-1]) for row in sorted(await self._write(work), key=_number)]

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

        return [_unfinished(row[:-1]) for row in sorted(await self._write(work), key=_number)]

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
                f"SELECT {_RECORD}, r.state, r.stopping FROM {_RUNS} WHERE c.owner = $1"
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


class RunDatabase(OwnershipDatabase):
    """Implements `RunStore`."""

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        """Create a run, its conversation and its reserved numbers in one transaction."""

        async def work(connection: Connection) -> Accepted:
            return await _accept(connection, start, token, take=take)

        accepted = await self._write(work)
        self._publish(runs=accepted.outcome == "queued")
        return accepted

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""

        async def work(connection: Connection) -> RunRecord | None:
            return _record(
                await connection.fetchrow(
                    f"SELECT {_RECORD} FROM {_RUNS} WHERE r.run_id = $1 AND r.owner = $2",
                    run_id,
                    owner,
                )
            )

        return await self._read(work)

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run created with this idempotency key."""

        async def work(connection: Connection) -> RunRecord | None:
            return await _by_key(connection, owner, idempotency_key)

        return await self._read(work)

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that are not both ended and compacted, oldest first."""
        only_ended = self.is_shared

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                f"SELECT {_RECORD}, r.message, r.stopping FROM {_RUNS} WHERE NOT r.compacted"
                " AND (r.state = 'ended' OR NOT $1) ORDER BY r.number",
                only_ended,
            )

        return [_unfinished(row) for row in await self._read(work)]


async def _accept(
    connection: Connection, start: RunStart, token: Token | None, *, take: bool
) -> Accepted:
    if token is not None:
        await check(connection, token)
    run, new = start.run, start.conversation
    # The lock on the conversation's row puts messages that arrive at the same time in an order.
    number, head_seq, created = await connection.fetchrow(
        "INSERT INTO thinkaloud.conversations AS c (conversation_id, owner, created_at_ms,"
        " updated_at_ms, unlisted, reserved_seq) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (owner, conversation_id) DO UPDATE SET updated_at_ms = c.updated_at_ms"
        " RETURNING c.number, c.head_seq, xmax = 0",
        new.conversation_id,
        new.owner,
        new.created_at_ms,
        new.updated_at_ms,
        new.unlisted,
        start.reserved_seq,
    )
    known = await _known(connection, run)
    outcome: Outcome = "running"
    if known is None and token is not None:
        outcome = await _outcome(connection, start, number, take=take)
        run = msgspec.structs.replace(run, first_seq=head_seq + 1)
    if known is not None or outcome in {"full", "replacing"}:
        if created:
            await connection.execute(
                "DELETE FROM thinkaloud.conversations WHERE number = $1", number
            )
        return known or Accepted(outcome, start.run)
    inserted = await insert_run(connection, number, start, run, outcome, token)
    if not inserted:
        # Another replica used the key, or took the turn, at the same time.
        first = await _by_key(connection, run.owner, run.idempotency_key or "")
        if created:
            await connection.execute(
                "DELETE FROM thinkaloud.conversations WHERE number = $1", number
            )
        return Accepted("repeated", first or run)
    if not created:
        await connection.execute(
            "UPDATE thinkaloud.conversations SET updated_at_ms = $2,"
            " reserved_seq = greatest(reserved_seq, $3) WHERE number = $1",
            number,
            new.updated_at_ms,
            start.reserved_seq,
        )
    return Accepted(outcome, run, created)


async def insert_run(
    connection: Connection,
    number: int,
    start: RunStart,
    run: RunRecord,
    outcome: Outcome,
    token: Token | None,
) -> bool:
    """Insert a run. Returns False if another run has its key."""
    row = await connection.fetchval(
        "INSERT INTO thinkaloud.runs (run_id, conversation, owner, first_seq, idempotency_key,"
        " message, spec, replaces, state, token) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (owner, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING"
        " RETURNING number",
        run.run_id,
        number,
        run.owner,
        run.first_seq,
        run.idempotency_key,
        None if start.message is None else encode_message(start.message),
        start.spec or None,
        start.replaces,
        "queued" if outcome == "queued" else "running",
        token if outcome == "running" else None,
    )
    return row is not None


async def _known(connection: Connection, run: RunRecord) -> Accepted | None:
    """Return the run with this id or key, if there is one."""
    row = await connection.fetchrow(
        f"SELECT {_RECORD}, r.state FROM {_RUNS} WHERE r.run_id = $1", run.run_id
    )
    if row is not None:
        *record, state = row
        return Accepted("queued" if state == "queued" else "running", RunRecord(*record))
    if run.idempotency_key is None:
        return None
    first = await _by_key(connection, run.owner, run.idempotency_key)
    return None if first is None else Accepted("repeated", first)


async def _outcome(connection: Connection, start: RunStart, number: int, *, take: bool) -> Outcome:
    ahead = await connection.fetch(
        "SELECT replaces FROM thinkaloud.runs WHERE conversation = $1 AND state <> 'ended'", number
    )
    if start.replaces and any(replaces == start.replaces for (replaces,) in ahead):
        return "replacing"
    if start.ahead is not None and len(ahead) > start.ahead:
        return "full"
    return "running" if take and not ahead else "queued"


async def _by_key(connection: Connection, owner: str, key: str) -> RunRecord | None:
    return _record(
        await connection.fetchrow(
            f"SELECT {_RECORD} FROM {_RUNS} WHERE r.owner = $1 AND r.idempotency_key = $2",
            owner,
            key,
        )
    )


def _record(row: Sequence[Any] | None) -> RunRecord | None:
    return None if row is None else RunRecord(*row)


def _unfinished(row: Sequence[Any]) -> Unfinished:
    *run, message, stopping = row
    started = None if message is None else decode_message(message)
    return Unfinished(RunRecord(*run), started, stopping)


def _number(row: Sequence[Any]) -> int:
    return row[-1]
