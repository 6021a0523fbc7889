"""SQL for replicas. A replica that was declared dead has no row, and its token is never reused."""

import sqlite3
from collections.abc import Sequence

from thinkaloud.errors import Fenced
from thinkaloud.ports.store import Replica, ReplicaCounts, Token


def check(connection: sqlite3.Connection, token: Token) -> None:
    """Raise `Fenced` if a replica was declared dead."""
    row = connection.execute("SELECT 1 FROM replicas WHERE token = ?", (token,)).fetchone()
    if row is None:
        raise Fenced


def register(connection: sqlite3.Connection, name: str, version: str, now_ms: int) -> Token:
    """Add a replica, and return its token."""
    added = connection.execute(
        "INSERT INTO replicas (name, version, started_at_ms) VALUES (?, ?, ?)",
        (name, version, now_ms),
    )
    return Token(added.lastrowid or 0)


def beat(connection: sqlite3.Connection, token: Token, counts: ReplicaCounts) -> bool:
    """Increment the beat of a replica, unless it was declared dead."""
    changed = connection.execute(
        "UPDATE replicas SET beat = beat + 1, active_runs = ?, queued_runs = ?, followers = ?"
        " WHERE token = ?",
        (counts.active_runs, counts.queued_runs, counts.followers, token),
    )
    return changed.rowcount > 0


def listed(connection: sqlite3.Connection) -> Sequence[Replica]:
    """List the replicas that were not declared dead, by token."""
    rows = connection.execute(
        "SELECT token, name, version, started_at_ms, beat, state, active_runs, queued_runs,"
        " followers FROM replicas ORDER BY token"
    )
    return [
        Replica(token, name, version, started_at_ms, beat, state, ReplicaCounts(*counts))
        for token, name, version, started_at_ms, beat, state, *counts in rows
    ]


def reap(connection: sqlite3.Connection, token: Token, beat: int) -> bool:
    """Declare a replica dead, unless its beat has changed since."""
    gone = connection.execute("DELETE FROM replicas WHERE token = ? AND beat = ?", (token, beat))
    return gone.rowcount > 0


def drain(connection: sqlite3.Connection, token: Token) -> None:
    """Give a replica no more runs."""
    connection.execute("UPDATE replicas SET state = 'draining' WHERE token = ?", (token,))


def retire(connection: sqlite3.Connection, token: Token) -> None:
    """Remove a replica that stops."""
    connection.execute("DELETE FROM replicas WHERE token = ?", (token,))
