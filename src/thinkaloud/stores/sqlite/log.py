"""SQL for runs and events: functions of a connection, to be called in a transaction."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.events.codec import decode, decode_message, encode, encode_message
from thinkaloud.events.event import RunEnded, RunStarted
from thinkaloud.ports.store import LogEnd, RunRecord, RunStart, Started, Stored, Unfinished
from thinkaloud.stores.sqlite import search

Row = tuple[str, int, int, str, bytes, bytes | None]
"""A row of `events`: conversation, seq, first_seq, run, JSON, lengths."""

_log = logging.getLogger(__name__)
_RUN: Final = "run_id, conversation_id, owner, first_seq, idempotency_key"
_INSERT_EVENT: Final = (
    "INSERT INTO events (conversation_id, seq, first_seq, run_id, event, lengths)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


def rows_of(events: Sequence[Stored]) -> dict[str, list[Row]]:
    """Return events as rows, grouped by conversation. Does not access the database."""
    rows: dict[str, list[Row]] = {}
    for stored in events:
        logged = stored.logged
        conversation_id = logged.conversation_id
        rows.setdefault(conversation_id, []).append(
            (
                conversation_id,
                logged.seq,
                stored.first_seq,
                logged.run_id,
                encode(logged),
                stored.lengths or None,
            )
        )
    return rows


def ended_in(events: Sequence[Stored]) -> list[tuple[str, str]]:
    """Return the run id and conversation id of every terminal event."""
    return [
        (stored.logged.run_id, stored.logged.conversation_id)
        for stored in events
        if isinstance(stored.logged.event, RunEnded)
    ]


def add_run(connection: sqlite3.Connection, run: RunRecord, message: RunStarted | None) -> None:
    """Insert a run of a conversation that exists."""
    connection.execute(
        f"INSERT INTO runs ({_RUN}, message) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id) DO NOTHING",
        (
            run.run_id,
            run.conversation_id,
            run.owner,
            run.first_seq,
            run.idempotency_key,
            None if message is None else encode_message(message),
        ),
    )


def start_run(connection: sqlite3.Connection, start: RunStart) -> Started:
    """Insert a run, create or update its conversation, and reserve its numbers."""
    new = start.conversation
    started: Started = "created"
    inserted = connection.execute(
        "INSERT INTO conversations"
        " (conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq)"
        " VALUES (?, ?, ?, ?, '', ?) ON CONFLICT (conversation_id) DO NOTHING",
        (
            new.conversation_id,
            new.owner,
            new.created_at_ms,
            new.updated_at_ms,
            start.reserved_seq,
        ),
    )
    if inserted.rowcount != 1:
        started = "continued"
        updated = connection.execute(
            "UPDATE conversations SET updated_at_ms = ?, reserved_seq = max(reserved_seq, ?)"
            " WHERE conversation_id = ? AND owner = ?",
            (new.updated_at_ms, start.reserved_seq, new.conversation_id, new.owner),
        )
        if updated.rowcount != 1:
            return "refused"
    add_run(connection, start.run, start.message)
    return started


def find_run(connection: sqlite3.Connection, owner: str, run_id: str) -> RunRecord | None:
    """Look up a run by owner and id together."""
    row = connection.execute(
        f"SELECT {_RUN} FROM runs WHERE run_id = ? AND owner = ?", (run_id, owner)
    ).fetchone()
    return None if row is None else RunRecord(*row)


def find_run_by_key(connection: sqlite3.Connection, owner: str, key: str) -> RunRecord | None:
    """Look up the first run of this owner with this idempotency key."""
    row = connection.execute(
        f"SELECT {_RUN} FROM runs WHERE owner = ? AND idempotency_key = ? ORDER BY number LIMIT 1",
        (owner, key),
    ).fetchone()
    return None if row is None else RunRecord(*row)


def unfinished_runs(connection: sqlite3.Connection) -> Sequence[Unfinished]:
    """List the runs that are not both ended and compacted, oldest first.

    An unreadable message does not block a start: the run is returned without its message.
    """
    rows = connection.execute(
        f"SELECT message, {_RUN} FROM runs WHERE compacted = 0 ORDER BY number"
    ).fetchall()
    return [Unfinished(RunRecord(*run), _message(message)) for message, *run in rows]


def append(
    connection: sqlite3.Connection,
    rows: Mapping[str, Sequence[Row]],
    ended: Sequence[tuple[str, str]],
) -> None:
    """Insert events that are not stored yet, and mark the runs that ended."""
    added: list[Row] = []
    for conversation_id, events in rows.items():
        last = _last_seq(connection, conversation_id)
        if last is None:
            continue
        new = [row for row in events if row[1] > last]
        if new and new[0][2] <= last:
            # A retried event, now merged with later ones: it replaces the events it covers.
            connection.execute(
                "DELETE FROM events WHERE conversation_id = ? AND seq >= ? AND first_seq >= ?",
                (conversation_id, new[0][2], new[0][2]),
            )
        added += new
    connection.executemany(_INSERT_EVENT, added)
    _mark_ended(connection, ended)


class Compacted(msgspec.Struct, frozen=True):
    """What `compact` stores."""

    rows: Sequence[Row]
    ended: Sequence[tuple[str, str]]
    text: str
    title: str = ""
    reserved_seq: int | None = None


def compact(connection: sqlite3.Connection, run: RunRecord, new: Compacted) -> None:
    """Replace all events of a run up to its last with these, and index its text.

    An untitled conversation gets the title.
    """
    rows = new.rows
    found = connection.execute(
        # A run of an earlier conversation of this id, which was deleted, is not in `runs` any more.
        "SELECT title, reserved_seq FROM conversations"
        " WHERE conversation_id = ?1 AND owner = ?2 AND EXISTS"
        " (SELECT 1 FROM runs WHERE run_id = ?3 AND conversation_id = ?1)",
        (run.conversation_id, run.owner, run.run_id),
    ).fetchone()
    if found is None:
        return
    if rows:
        # The upper bound avoids scanning the rest of a long conversation for an early run.
        connection.execute(
            "DELETE FROM events WHERE conversation_id = ? AND seq BETWEEN ? AND ? AND run_id = ?",
            (run.conversation_id, run.first_seq, rows[-1][1], run.run_id),
        )
        connection.executemany(_INSERT_EVENT, rows)
    _mark_ended(connection, new.ended)
    connection.execute(
        "UPDATE runs SET compacted = 1, message = NULL"
        " WHERE run_id = ? AND conversation_id = ? AND ended = 1",
        (run.run_id, run.conversation_id),
    )
    search.put(connection, run.conversation_id, run.run_id, new.text)
    title = found[0] or new.title
    reserved = found[1] if new.reserved_seq is None else new.reserved_seq
    if (title, reserved) != found:
        connection.execute(
            "UPDATE conversations SET title = ?, reserved_seq = ? WHERE conversation_id = ?",
            (title, reserved, run.conversation_id),
        )
    if title != found[0]:
        search.put(connection, run.conversation_id, search.TITLE, title)


def read(
    connection: sqlite3.Connection, owner: str, conversation_id: str, after: int, limit: int
) -> Sequence[Stored]:
    """Return up to `limit` events after `after`, in order."""
    rows = connection.execute(
        "SELECT first_seq, event, lengths FROM events WHERE conversation_id = ?1 AND seq > ?2"
        " AND EXISTS (SELECT 1 FROM conversations WHERE conversation_id = ?1 AND owner = ?4)"
        " ORDER BY seq LIMIT ?3",
        (conversation_id, after, limit, owner),
    ).fetchall()
    # Fetch all rows first: an open cursor left by a decoding error would block the connection.
    return [
        Stored(first_seq, decode(event), lengths if isinstance(lengths, bytes) else b"")
        for first_seq, event, lengths in rows
    ]


def end(connection: sqlite3.Connection, owner: str, conversation_id: str) -> LogEnd:
    """Return the last and the reserved sequence number of a log."""
    row = connection.execute(
        "SELECT reserved_seq FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    if row is None:
        return LogEnd()
    last = _last_seq(connection, conversation_id) or 0
    return LogEnd(last, max(last, row[0]))


def reserve(connection: sqlite3.Connection, conversation_id: str, through_seq: int) -> None:
    """Persist that sequence numbers up to this one may be assigned."""
    connection.execute(
        "UPDATE conversations SET reserved_seq = ? WHERE conversation_id = ?",
        (through_seq, conversation_id),
    )


def _message(data: bytes | None) -> RunStarted | None:
    if data is None:
        return None
    try:
        return decode_message(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        _log.exception("the first event of a run cannot be read")
        return None


def _last_seq(connection: sqlite3.Connection, conversation_id: str) -> int | None:
    """Return the last stored number, 0 for an empty log, None if there is no conversation."""
    row = connection.execute(
        "SELECT (SELECT max(seq) FROM events WHERE conversation_id = ?1)"
        " FROM conversations WHERE conversation_id = ?1",
        (conversation_id,),
    ).fetchone()
    return None if row is None else row[0] or 0


def _mark_ended(connection: sqlite3.Connection, ended: Sequence[tuple[str, str]]) -> None:
    connection.executemany(
        "UPDATE runs SET ended = 1 WHERE run_id = ? AND conversation_id = ?", ended
    )
