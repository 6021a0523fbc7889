"""Accepting and finding runs in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

import msgspec

from thinkaloud.events.codec import encode_message
from thinkaloud.ports.store import (
    Accepted,
    Outcome,
    RunRecord,
    RunStart,
    Token,
    Unfinished,
)
from thinkaloud.stores.postgres.connection import Connection
from thinkaloud.stores.postgres.log import check
from thinkaloud.stores.postgres.ownership import RECORD, RUNS, OwnershipDatabase, unfinished_of


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
                    f"SELECT {RECORD} FROM {RUNS} WHERE r.run_id = $1 AND r.owner = $2",
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
                f"SELECT {RECORD}, r.message, r.stopping FROM {RUNS} WHERE NOT r.compacted"
                " AND (r.state = 'ended' OR NOT $1) ORDER BY r.number",
                only_ended,
            )

        return [unfinished_of(row) for row in await self._read(work)]


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
        f"SELECT {RECORD}, r.state FROM {RUNS} WHERE r.run_id = $1", run.run_id
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
            f"SELECT {RECORD} FROM {RUNS} WHERE r.owner = $1 AND r.idempotency_key = $2",
            owner,
            key,
        )
    )


def _record(row: Sequence[Any] | None) -> RunRecord | None:
    return None if row is None else RunRecord(*row)
