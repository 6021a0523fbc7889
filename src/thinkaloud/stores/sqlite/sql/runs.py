"""SQL for runs: accepting and finding them."""

import logging
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from thinkaloud.events.codec import decode_message, encode_message
from thinkaloud.events.event import RunStarted
from thinkaloud.ports.store import (
    Accepted,
    OpenRun,
    Outcome,
    RunRecord,
    RunStart,
    RunState,
    Token,
    Unfinished,
)
from thinkaloud.stores.sqlite.sql.log import number_of
from thinkaloud.stores.sqlite.sql.replicas import check

COLUMNS: Final = "run_id, conversation_id, runs.owner, first_seq, idempotency_key"
"""The fields of a `RunRecord`, to be selected from `TABLES`."""
TABLES: Final = "runs JOIN conversations ON conversations.number = runs.conversation"
_log = logging.getLogger(__name__)


def add(connection: sqlite3.Connection, conversation: int, start: RunStart) -> None:
    """Insert a run of the conversation with this number, without a replica."""
    _insert(connection, conversation, start, start.run, "running", None)


def accept(
    connection: sqlite3.Connection, start: RunStart, token: Token | None, *, take: bool
) -> Accepted:
    """Insert a run, create or update its conversation, and reserve its numbers."""
    if token is not None:
        check(connection, token)
    run, new = start.run, start.conversation
    known = _known(connection, run)
    if known is not None:
        return known
    number = number_of(connection, new.owner, new.conversation_id)
    outcome: Outcome = "running"
    if token is not None:
        outcome = "running" if take else "queued"
        if number is not None:
            outcome = _outcome(connection, start, number, take=take)
            if outcome in {"full", "replacing"}:
                return Accepted(outcome, run)
        run = msgspec.structs.replace(run, first_seq=_last_seq(connection, number) + 1)
    created = number is None
    if number is None:
        number = _create(connection, start)
    else:
        connection.execute(
            "UPDATE conversations SET updated_at_ms = ?, reserved_seq = max(reserved_seq, ?)"
            " WHERE number = ?",
            (new.updated_at_ms, start.reserved_seq, number),
        )
    state: RunState = "queued" if outcome == "queued" else "running"
    _insert(connection, number, start, run, state, token if outcome == "running" else None)
    return Accepted(outcome, run, created)


def find(connection: sqlite3.Connection, owner: str, run_id: str) -> RunRecord | None:
    """Look up a run by owner and id together."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE run_id = ? AND runs.owner = ?", (run_id, owner)
    ).fetchone()
    return None if row is None else RunRecord(*row)


def find_by_key(connection: sqlite3.Connection, owner: str, key: str) -> RunRecord | None:
    """Look up the run of this owner with this idempotency key."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM {TABLES} WHERE runs.owner = ? AND idempotency_key = ?", (owner, key)
    ).fetchone()
    return None if row is None else RunRecord(*row)


def unfinished(connection: sqlite3.Connection, *, ended: bool) -> Sequence[Unfinished]:
    """List the runs that are not both ended and compacted, or only the `ended` ones, oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS}, message, stopping FROM {TABLES}"
        " WHERE compacted = 0 AND ended >= ? ORDER BY runs.number",
        (ended,),
    ).fetchall()
    return [unfinished_of(row) for row in rows]


def unfinished_of(row: Sequence[Any]) -> Unfinished:
    """Return a row of `COLUMNS`, `message` and `stopping`.

    An unreadable message does not block a start: the run is returned without its message.
    """
    *run, message, stopping = row
    return Unfinished(RunRecord(*run), _message(message), bool(stopping))


def open_in(connection: sqlite3.Connection, owner: str, conversation_id: str) -> Sequence[OpenRun]:
    """List the runs of a conversation that have not ended, oldest first."""
    rows = connection.execute(
        f"SELECT {COLUMNS}, state, stopping FROM {TABLES}"
        " WHERE conversation_id = ? AND conversations.owner = ? AND ended = 0 ORDER BY runs.number",
        (conversation_id, owner),
    ).fetchall()
    return [OpenRun(RunRecord(*run), state, bool(stopping)) for *run, state, stopping in rows]


def state_of(connection: sqlite3.Connection, owner: str, run_id: str) -> RunState | None:
    """Return the state of a run."""
    row = connection.execute(
        "SELECT state, ended FROM runs WHERE run_id = ? AND owner = ?", (run_id, owner)
    ).fetchone()
    if row is None:
        return None
    return "ended" if row[1] else row[0]


def _known(connection: sqlite3.Connection, run: RunRecord) -> Accepted | None:
    """Return the run with this id or key, if there is one."""
    row = connection.execute(
        f"SELECT {COLUMNS}, state FROM {TABLES} WHERE run_id = ?", (run.run_id,)
    ).fetchone()
    if row is not None:
        return Accepted("queued" if row[-1] == "queued" else "running", RunRecord(*row[:-1]))
    if run.idempotency_key is None:
        return None
    first = find_by_key(connection, run.owner, run.idempotency_key)
    return None if first is None else Accepted("repeated", first)


def _outcome(
    connection: sqlite3.Connection, start: RunStart, number: int, *, take: bool
) -> Outcome:
    ahead = connection.execute(
        "SELECT replaces FROM runs WHERE conversation = ? AND ended = 0", (number,)
    ).fetchall()
    if start.replaces and (start.replaces,) in ahead:
        return "replacing"
    if start.ahead is not None and len(ahead) > start.ahead:
        return "full"
    return "running" if take and not ahead else "queued"


def _create(connection: sqlite3.Connection, start: RunStart) -> int:
    new = start.conversation
    inserted = connection.execute(
        "INSERT INTO conversations"
        " (conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq, unlisted,"
        " generation) VALUES (?, ?, ?, ?, '', ?, ?, random())",
        (
            new.conversation_id,
            new.owner,
            new.created_at_ms,
            new.updated_at_ms,
            start.reserved_seq,
            new.unlisted,
        ),
    )
    return inserted.lastrowid or 0


def _insert(
    connection: sqlite3.Connection,
    conversation: int,
    start: RunStart,
    run: RunRecord,
    state: RunState,
    token: Token | None,
) -> None:
    message = None if start.message is None else encode_message(start.message)
    connection.execute(
        "INSERT INTO runs (run_id, conversation, owner, first_seq, idempotency_key, message,"
        " state, token, replaces, spec) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.run_id,
            conversation,
            run.owner,
            run.first_seq,
            run.idempotency_key,
            message,
            state,
            token,
            start.replaces,
            start.spec or None,
        ),
    )


def _last_seq(connection: sqlite3.Connection, conversation: int | None) -> int:
    row = connection.execute(
        "SELECT max(seq) FROM events WHERE conversation = ?", (conversation,)
    ).fetchone()
    return row[0] or 0


def _message(data: bytes | None) -> RunStarted | None:
    if data is None:
        return None
    try:
        return decode_message(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        _log.exception("the first event of a run cannot be read")
        return None
