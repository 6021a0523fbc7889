"""SQL for runs and events: functions of a connection, to be called in a transaction."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.events.codec import decode, decode_message, encode, encode_message
from thinkaloud.events.event import RunEnded, RunStarted
from thinkaloud.ports.store import (
    ConversationKey,
    LogEnd,
    RunRecord,
    RunStart,
    Started,
    Stored,
    Unfinished,
)
from thinkaloud.stores.sqlite import search

Row = tuple[int, int, str, bytes, bytes | None]
"""A row of `events` without the conversation: seq, first_seq, run, JSON, lengths."""

_log = logging.getLogger(__name__)
_RUNS: Final = (
    "SELECT run_id, conversation_id, runs.owner, first_seq, idempotency_key, message"
    " FROM runs JOIN conversations ON conversations.number = runs.conversation"
)
_NUMBER: Final = "(SELECT number FROM conversations WHERE conversation_id = ? AND owner = ?)"
_INSERT_EVENT: Final = (
    "INSERT INTO events (conversation, seq, first_seq, run_id, event, lengths)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


def rows_of(events: Sequence[Stored]) -> list[Row]:
    """Return events as rows. Does not access the database."""
    return [
        (
            stored.logged.seq,
            stored.first_seq,
            stored.logged.run_id,
            encode(stored.logged),
            stored.lengths or None,
        )
        for stored in events
    ]


def ended_in(events: Sequence[Stored]) -> list[str]:
    """Return the run id of every terminal event."""
    return [each.logged.run_id for each in events if isinstance(each.logged.event, RunEnded)]


def number_of(connection: sqlite3.Connection, owner: str, conversation_id: str) -> int | None:
    """Return the number of a conversation's row, to which other tables refer."""
    row: tuple[int] | None = connection.execute(
        "SELECT number FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    return None if row is None else row[0]


def add_run(
    connection: sqlite3.Connection, conversation: int, run: RunRecord, message: RunStarted | None
) -> None:
    """Insert a run of the conversation with this number."""
    connection.execute(
        "INSERT INTO runs (run_id, conversation, owner, first_seq, idempotency_key, message)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO NOTHING",
        (
            run.run_id,
            conversation,
            run.owner,
            run.first_seq,
            run.idempotency_key,
            None if message is None else encode_message(message),
        ),
    )


def start_run(connection: sqlite3.Connection, start: RunStart) -> Started:
    """Insert a run, create or update its conversation, and reserve its numbers."""
    new = start.conversation
    number = number_of(connection, new.owner, new.conversation_id)
    if number is not None:
        connection.execute(
            "UPDATE conversations SET updated_at_ms = ?, reserved_seq = max(reserved_seq, ?)"
            " WHERE number = ?",
            (new.updated_at_ms, start.reserved_seq, number),
        )
        add_run(connection, number, start.run, start.message)
        return "continued"
    inserted = connection.execute(
        "INSERT INTO conversations"
        " (conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq)"
        " VALUES (?, ?, ?, ?, '', ?)",
        (
            new.conversation_id,
            new.owner,
            new.created_at_ms,
            new.updated_at_ms,
            start.reserved_seq,
        ),
    )
    add_run(connection, inserted.lastrowid or 0, start.run, start.message)
    return "created"


def find_run(connection: sqlite3.Connection, owner: str, run_id: str) -> RunRecord | None:
    """Look up a run by owner and id together."""
    row = connection.execute(
        f"{_RUNS} WHERE run_id = ? AND runs.owner = ?", (run_id, owner)
    ).fetchone()
    return None if row is None else RunRecord(*row[:-1])


def find_run_by_key(connection: sqlite3.Connection, owner: str, key: str) -> RunRecord | None:
    """Look up the first run of this owner with this idempotency key."""
    row = connection.execute(
        f"{_RUNS} WHERE runs.owner = ? AND idempotency_key = ? ORDER BY runs.number LIMIT 1",
        (owner, key),
    ).fetchone()
    return None if row is None else RunRecord(*row[:-1])


def unfinished_runs(connection: sqlite3.Connection) -> Sequence[Unfinished]:
    """List the runs that are not both ended and compacted, oldest first.

    An unreadable message does not block a start: the run is returned without its message.
    """
    rows = connection.execute(f"{_RUNS} WHERE compacted = 0 ORDER BY runs.number").fetchall()
    return [Unfinished(RunRecord(*run), _message(message)) for *run, message in rows]


class Appended(msgspec.Struct, frozen=True):
    """What `append` stores in one conversation."""

    rows: Sequence[Row]
    ended: Sequence[str]
    """The runs that ended."""


def append(connection: sqlite3.Connection, batch: Mapping[ConversationKey, Appended]) -> None:
    """Insert events that are not stored yet, and mark the runs that ended."""
    added: list[tuple[int, *Row]] = []
    ended: list[tuple[str, int]] = []
    for (owner, conversation_id), new in batch.items():
        found = _number_and_last(connection, owner, conversation_id)
        if found is None:
            continue
        number, last = found
        rows = [row for row in new.rows if row[0] > last]
        if rows and rows[0][1] <= last:
            # A retried event, now merged with later ones: it replaces the events it covers.
            connection.execute(
                "DELETE FROM events WHERE conversation = ? AND seq >= ? AND first_seq >= ?",
                (number, rows[0][1], rows[0][1]),
            )
        added += [(number, *row) for row in rows]
        ended += [(run_id, number) for run_id in new.ended]
    connection.executemany(_INSERT_EVENT, added)
    _mark_ended(connection, ended)


class Compacted(msgspec.Struct, frozen=True):
    """What `compact` stores."""

    rows: Sequence[Row]
    ended: Sequence[str]
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
        "SELECT conversations.number, title, reserved_seq"
        " FROM conversations JOIN runs ON runs.conversation = conversations.number"
        " WHERE conversation_id = ? AND conversations.owner = ? AND run_id = ?",
        (run.conversation_id, run.owner, run.run_id),
    ).fetchone()
    if found is None:
        return
    number, old_title, old_reserved = found
    if rows:
        # The upper bound avoids scanning the rest of a long conversation for an early run.
        connection.execute(
            "DELETE FROM events WHERE conversation = ? AND seq BETWEEN ? AND ? AND run_id = ?",
            (number, run.first_seq, rows[-1][0], run.run_id),
        )
        connection.executemany(_INSERT_EVENT, [(number, *row) for row in rows])
    _mark_ended(connection, [(run_id, number) for run_id in new.ended])
    connection.execute(
        "UPDATE runs SET compacted = 1, message = NULL WHERE run_id = ? AND ended = 1",
        (run.run_id,),
    )
    search.put(connection, number, run.run_id, new.text)
    title = old_title or new.title
    reserved = old_reserved if new.reserved_seq is None else new.reserved_seq
    if (title, reserved) != (old_title, old_reserved):
        connection.execute(
            "UPDATE conversations SET title = ?, reserved_seq = ? WHERE number = ?",
            (title, reserved, number),
        )
    if title != old_title:
        search.put(connection, number, search.TITLE, title)


def read(
    connection: sqlite3.Connection, owner: str, conversation_id: str, after: int, limit: int
) -> Sequence[Stored]:
    """Return up to `limit` events after `after`, in order."""
    rows = connection.execute(
        f"SELECT first_seq, event, lengths FROM events WHERE conversation = {_NUMBER}"
        " AND seq > ? ORDER BY seq LIMIT ?",
        (conversation_id, owner, after, limit),
    ).fetchall()
    # Fetch all rows first: an open cursor left by a decoding error would block the connection.
    return [
        Stored(first_seq, decode(event), lengths if isinstance(lengths, bytes) else b"")
        for first_seq, event, lengths in rows
    ]


def end(connection: sqlite3.Connection, owner: str, conversation_id: str) -> LogEnd:
    """Return the last and the reserved sequence number of a log."""
    row = connection.execute(
        "SELECT reserved_seq, (SELECT max(seq) FROM events WHERE conversation = number)"
        " FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    if row is None:
        return LogEnd()
    last = row[1] or 0
    return LogEnd(last, max(last, row[0]))


def reserve(
    connection: sqlite3.Connection, owner: str, conversation_id: str, through_seq: int
) -> None:
    """Persist that sequence numbers up to this one may be assigned."""
    connection.execute(
        "UPDATE conversations SET reserved_seq = ? WHERE conversation_id = ? AND owner = ?",
        (through_seq, conversation_id, owner),
    )


def _message(data: bytes | None) -> RunStarted | None:
    if data is None:
        return None
    try:
        return decode_message(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        _log.exception("the first event of a run cannot be read")
        return None


def _number_and_last(
    connection: sqlite3.Connection, owner: str, conversation_id: str
) -> tuple[int, int] | None:
    """Return the number of a conversation's row and the last stored `seq`; 0 for an empty log."""
    row = connection.execute(
        "SELECT number, (SELECT max(seq) FROM events WHERE conversation = number)"
        " FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    return None if row is None else (row[0], row[1] or 0)


def _mark_ended(connection: sqlite3.Connection, ended: Sequence[tuple[str, int]]) -> None:
    connection.executemany("UPDATE runs SET ended = 1 WHERE run_id = ? AND conversation = ?", ended)
