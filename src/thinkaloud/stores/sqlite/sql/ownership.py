"""SQL for which replica executes a run.

Transactions are serialized, so a condition that was checked holds until the commit.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from thinkaloud.ports.store import RunRecord, TakenRun, Token, Unfinished
from thinkaloud.stores.sqlite.sql.replicas import check
from thinkaloud.stores.sqlite.sql.runs import COLUMNS, TABLES, unfinished_of

_ADOPTED_AT_ONCE: Final = 20
_IS_NEXT: Final = (
    "state = 'queued' AND NOT EXISTS (SELECT 1 FROM runs AS other"
    " WHERE other.conversation = runs.conversation AND other.ended = 0"
    " AND (other.state <> 'queued' OR other.number < runs.number))"
)
_OPEN: Final = "compacted = 0 AND ended = 0"  # The index `runs_unfinished` is for the former.


def take(connection: sqlite3.Connection, token: Token, room: int) -> Sequence[TakenRun]:
    """Take `ready` runs, and `queued` ones whose conversation has no other open run before."""
    check(connection, token)
    row = connection.execute("SELECT state FROM replicas WHERE token = ?", (token,)).fetchone()
    if row[0] == "draining":
        return []
    rows = connection.execute(
        f"SELECT runs.number FROM runs WHERE {_OPEN} AND (state = 'ready' OR ({_IS_NEXT}))"
        " ORDER BY runs.number LIMIT ?",
        (room,),
    ).fetchall()
    _give(connection, token, rows, adopted=False)
    taken = [_one(connection, "spec, stopping", number) for (number,) in rows]
    return [
        TakenRun(RunRecord(*run), spec or b"", bool(stopping)) for *run, spec, stopping in taken
    ]


def adopt(connection: sqlite3.Connection, token: Token) -> Sequence[Unfinished]:
    """Take over a batch of runs that nobody executes any more, oldest first."""
    check(connection, token)
    rows = connection.execute(
        f"SELECT number FROM runs WHERE {_OPEN} AND state = 'running'"
        " AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.token = runs.token)"
        " ORDER BY number LIMIT ?",
        (_ADOPTED_AT_ONCE,),
    ).fetchall()
    return _adopted(connection, token, rows)


def take_stopped(connection: sqlite3.Connection, token: Token) -> Sequence[Unfinished]:
    """Take queued runs that somebody asked to stop, to append their end."""
    check(connection, token)
    rows = connection.execute(
        f"SELECT number FROM runs WHERE {_OPEN} AND state = 'queued' AND stopping = 1"
        " AND NOT EXISTS (SELECT 1 FROM runs AS other"
        " WHERE other.conversation = runs.conversation AND other.ended = 0"
        " AND other.state <> 'queued' AND other.token IS NOT ?) ORDER BY number",
        (token,),
    ).fetchall()
    return _adopted(connection, token, rows)


def request_stop(connection: sqlite3.Connection, owner: str, run_id: str) -> bool:
    """Ask the replica that executes a run, or will, to stop it."""
    changed = connection.execute(
        "UPDATE runs SET stopping = 1 WHERE run_id = ? AND owner = ? AND ended = 0", (run_id, owner)
    )
    return changed.rowcount > 0


def _adopted(
    connection: sqlite3.Connection, token: Token, rows: Sequence[tuple[int]]
) -> Sequence[Unfinished]:
    _give(connection, token, rows, adopted=True)
    return [unfinished_of(_one(connection, "message, stopping", number)) for (number,) in rows]


def _give(
    connection: sqlite3.Connection, token: Token, rows: Sequence[tuple[int]], *, adopted: bool
) -> None:
    # In an UPDATE, expressions see the row as it was before: only a queued run has no events yet.
    connection.executemany(
        "UPDATE runs SET state = 'running', token = ?, adopted = ?, first_seq = CASE state"
        " WHEN 'queued' THEN (SELECT coalesce(max(seq), 0) + 1 FROM events"
        " WHERE conversation = runs.conversation) ELSE first_seq END WHERE number = ?",
        [(token, adopted, number) for (number,) in rows],
    )


def _one(connection: sqlite3.Connection, columns: str, number: int) -> Sequence[Any]:
    return connection.execute(
        f"SELECT {COLUMNS}, {columns} FROM {TABLES} WHERE runs.number = ?", (number,)
    ).fetchone()
