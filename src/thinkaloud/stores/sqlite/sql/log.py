"""SQL for the event log."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec

from thinkaloud.events.codec import decode, encode
from thinkaloud.ports.store import (
    Appended,
    ConversationKey,
    LogEnd,
    LogPage,
    RunRecord,
    Stored,
    Token,
)
from thinkaloud.stores.sqlite.sql import search
from thinkaloud.stores.sqlite.sql.replicas import check

Row = tuple[int, int, str, bytes, bytes | None]
"""A row of `events` without the conversation: seq, first_seq, run, JSON, lengths."""

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


def number_of(connection: sqlite3.Connection, owner: str, conversation_id: str) -> int | None:
    """Return the number of a conversation's row, to which other tables refer."""
    row: tuple[int] | None = connection.execute(
        "SELECT number FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    return None if row is None else row[0]


class Appending(msgspec.Struct, frozen=True):
    """What `append` stores in one conversation."""

    rows: Sequence[Row]
    ended: Sequence[str]
    """The runs that ended."""


def append(
    connection: sqlite3.Connection,
    batch: Mapping[ConversationKey, Appending],
    token: Token | None,
    running: Collection[str],
) -> Appended:
    """Insert events that are not stored yet, and mark the runs that ended."""
    found = Appended() if token is None else _fenced(connection, batch, token, running)
    added: list[tuple[int, *Row]] = []
    ended: list[tuple[str, int]] = []
    for (owner, conversation_id), new in batch.items():
        place = _number_and_last(connection, owner, conversation_id)
        if place is None:
            continue
        number, last = place
        rows = [row for row in new.rows if row[0] > last]
        if found.lost:
            rows = [row for row in rows if row[2] not in found.lost]
        if rows and rows[0][1] <= last:
            # A retried event, now merged with later ones: it replaces the events it covers.
            connection.execute(
                "DELETE FROM events WHERE conversation = ? AND seq >= ? AND first_seq >= ?",
                (number, rows[0][1], rows[0][1]),
            )
        added += [(number, *row) for row in rows]
        ended += [(run_id, number) for run_id in new.ended if run_id not in found.lost]
    connection.executemany(_INSERT_EVENT, added)
    _mark_ended(connection, ended)
    return found


def _fenced(
    connection: sqlite3.Connection,
    batch: Mapping[ConversationKey, Appending],
    token: Token,
    running: Collection[str],
) -> Appended:
    """Return which runs of a batch are not the replica's, and which somebody asked to stop."""
    check(connection, token)
    rows = connection.execute(
        "SELECT run_id, stopping FROM runs WHERE compacted = 0 AND ended = 0 AND token = ?",
        (token,),
    ).fetchall()
    asked = {row[2] for new in batch.values() for row in new.rows}
    return Appended(
        asked.union(running) - {run_id for run_id, _ in rows},
        [run_id for run_id, stopping in rows if stopping],
    )


def append_between_runs(
    connection: sqlite3.Connection, owner: str, conversation_id: str, row: Row, after: int
) -> bool:
    """Insert an event that is not of a run, unless a run is open."""
    found = _number_and_last(connection, owner, conversation_id)
    if found is None or found[1] != after:
        return False
    number = found[0]
    busy = connection.execute(
        "SELECT 1 FROM runs WHERE conversation = ? AND ended = 0 LIMIT 1", (number,)
    ).fetchone()
    if busy is not None:
        return False
    connection.execute(_INSERT_EVENT, (number, *row))
    return True


class Compacted(msgspec.Struct, frozen=True):
    """What `compact` stores."""

    rows: Sequence[Row]
    ended: Sequence[str]
    text: str
    title: str = ""
    reserved_seq: int | None = None


def compact(
    connection: sqlite3.Connection, run: RunRecord, new: Compacted, token: Token | None = None
) -> bool:
    """Replace all events of a run up to its last with these, and index its text.

    An untitled conversation gets the title.
    """
    if token is not None:
        check(connection, token)
    rows = new.rows
    found = connection.execute(
        # A run of an earlier conversation of this id, which was deleted, is not in `runs` any more.
        "SELECT conversations.number, title, reserved_seq, ended, token"
        " FROM conversations JOIN runs ON runs.conversation = conversations.number"
        " WHERE conversation_id = ? AND conversations.owner = ? AND run_id = ?",
        (run.conversation_id, run.owner, run.run_id),
    ).fetchone()
    if found is None:
        return False
    number, old_title, old_reserved, has_ended, executed_by = found
    if token is not None and not has_ended and executed_by != token:
        return False
    if rows:
        # The upper bound avoids scanning the rest of a long conversation for an early run.
        connection.execute(
            "DELETE FROM events WHERE conversation = ? AND seq BETWEEN ? AND ? AND run_id = ?",
            (number, run.first_seq, rows[-1][0], run.run_id),
        )
        connection.executemany(_INSERT_EVENT, [(number, *row) for row in rows])
    _mark_ended(connection, [(run_id, number) for run_id in new.ended])
    connection.execute(
        "UPDATE runs SET compacted = 1, message = NULL, spec = NULL WHERE run_id = ? AND ended = 1",
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
    return True


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


def read_many(
    connection: sqlite3.Connection, after: Mapping[ConversationKey, int], limit: int
) -> Mapping[ConversationKey, LogPage]:
    """Return up to `limit` events of each of these conversations."""
    pages: dict[ConversationKey, LogPage] = {}
    for (owner, conversation_id), seq in after.items():
        row = connection.execute(
            "SELECT number || '-' || generation FROM conversations"
            " WHERE conversation_id = ? AND owner = ?",
            (conversation_id, owner),
        ).fetchone()
        if row is not None:
            page = read(connection, owner, conversation_id, seq, limit)
            pages[owner, conversation_id] = LogPage(row[0], page)
    return pages


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
    connection.executemany(
        "UPDATE runs SET ended = 1, token = NULL WHERE run_id = ? AND conversation = ?", ended
    )
