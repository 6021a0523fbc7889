"""A database as a file to take away, and back: SQLite's own backup, row by row into another."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.errors import Conflict, InvalidRequest, StoreError
from thinkaloud.events.codec import decode, decode_message
from thinkaloud.stores.sqlite import search
from thinkaloud.stores.sqlite.faults import explained, primary_code
from thinkaloud.stores.sqlite.schema import migrate

_BUSY_SECONDS: Final = 5.0
_DAMAGED: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
_CONVERSATION: Final = "conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq"
_RUN: Final = (
    "run_id, conversation_id, owner, first_seq, idempotency_key, ended, compacted, message"
)
_EVENT: Final = "conversation_id, seq, first_seq, run_id, event, lengths"
_TEXT: Final = "run_id, words.text"
_TEXTS: Final = "texts JOIN words ON words.rowid = texts.number"


class Added(msgspec.Struct, frozen=True):
    """What came of adding a backup."""

    added: int
    """Conversations that were not there."""
    there: int
    """Conversations that were, and stay as they are."""
    damaged: int = 0
    """Conversations of the backup that cannot be read, and were left out."""


class Copy(msgspec.Struct, frozen=True):
    """A copy of a backup that can be added."""

    path: Path
    sound: tuple[str, ...]
    """The conversations all of which can be read."""
    damaged: int
    """How many others there are."""


def connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open a connection that leaves transactions to its user."""
    return sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )


def make_private(path: Path) -> None:
    """Make the file where it is not there, and let nobody else look into it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def copy_database(path: Path, to: Path) -> None:
    """Copy a database as it stands to a new file, whoever writes it meanwhile. Blocks.

    The copy is whole or not there; it has mode 0600 and needs no other file beside it.
    Raises `Conflict` where there is such a file, `StoreError` where it cannot be written.
    """
    if to.exists():
        raise Conflict(f"There is already a file {to}. A backup never replaces another.")
    if not path.is_file():
        raise StoreError(f"There is no database {path}: nothing was kept yet.")
    unfinished = _unfinished(to)
    try:
        _remove(unfinished)
        make_private(unfinished)
        with (
            closing(connect(path, _BUSY_SECONDS)) as source,
            closing(connect(unfinished, _BUSY_SECONDS)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        unfinished.replace(to)
    except sqlite3.Error as error:
        raise explained(error, to) from error
    except OSError as error:
        raise StoreError(f"{to} cannot be written: {error.strerror}.") from error
    finally:
        _remove(unfinished)


def scratch_of(path: Path) -> Path:
    """Return where the copy of a backup lies while it is added to the database at `path`."""
    return path.with_name(f"{path.name}.import")


def discard(scratch: Path) -> None:
    """Delete such a copy, whole or not, and all that a process that died left beside it."""
    _remove(scratch)
    _remove(_unfinished(scratch))


@contextmanager
def readable(backup: Path, scratch: Path) -> Generator[Copy]:
    """Have a copy of a backup, in today's form, for the length of a block. Blocks.

    The backup itself is only read. Raises `InvalidRequest` where it is no database of
    thinkaloud's or is damaged, `ConfigurationError` where a newer thinkaloud wrote it.
    """
    if not backup.is_file():
        raise InvalidRequest(f"There is no file {backup}.", field="file")
    discard(scratch)
    try:
        yield _checked(backup, scratch)
    finally:
        discard(scratch)


def add(connection: sqlite3.Connection, copy: Copy) -> Added:
    """Insert the sound conversations of a backup that are not there yet, with all of theirs.

    To be called in a transaction.
    """
    added = 0
    with closing(connect(copy.path, _BUSY_SECONDS)) as source:
        for name in copy.sound:
            row = source.execute(
                f"SELECT {_CONVERSATION} FROM conversations WHERE conversation_id = ?", (name,)
            ).fetchone()
            inserted = connection.execute(
                f"INSERT INTO conversations ({_CONVERSATION}) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (conversation_id) DO NOTHING",
                row,
            )
            if inserted.rowcount == 1:
                _add_one(connection, source, name)
                added += 1
    return Added(added, len(copy.sound) - added, copy.damaged)


def _unfinished(to: Path) -> Path:
    return to.with_name(f"{to.name}.partial")


def _remove(database: Path) -> None:
    database.unlink(missing_ok=True)
    database.with_name(f"{database.name}-journal").unlink(missing_ok=True)


def _checked(backup: Path, scratch: Path) -> Copy:
    try:
        copy_database(backup, scratch)
        with closing(connect(scratch, _BUSY_SECONDS)) as connection:
            ours = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
            sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if ours is None or sound != "ok":
                raise InvalidRequest(f"{backup} is no backup, or is damaged.", field="file")
            migrate(connection, backup)
            names = [
                each for (each,) in connection.execute("SELECT conversation_id FROM conversations")
            ]
            kept = tuple(name for name in names if _is_sound(connection, name))
            return Copy(scratch, kept, len(names) - len(kept))
    except StoreError as error:
        if primary_code(error.__cause__) not in _DAMAGED:
            raise
        raise InvalidRequest(f"{backup} is no backup, or is damaged.", field="file") from error
    except sqlite3.Error as error:
        raise InvalidRequest(f"{backup} is no backup, or is damaged: {error}", field="file") from (
            error
        )


def _is_sound(connection: sqlite3.Connection, name: str) -> bool:
    """Whether all of a conversation can be read: SQLite does not know what its rows mean."""
    try:
        for table, columns in (("conversations", _CONVERSATION), ("runs", _RUN), (_TEXTS, _TEXT)):
            rows = f"SELECT {columns} FROM {table} WHERE conversation_id = ?"
            for row in connection.execute(rows, (name,)):
                if table == "runs" and row[-1] is not None:
                    decode_message(row[-1])
        for _, seq, _, run_id, event, _ in connection.execute(
            f"SELECT {_EVENT} FROM events WHERE conversation_id = ?", (name,)
        ):
            found = decode(event)
            if (found.conversation_id, found.run_id, found.seq) != (name, run_id, seq):
                return False
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    except sqlite3.OperationalError as error:
        if primary_code(error):
            raise
        return False  # a text that is no UTF-8: Python's word, not SQLite's
    return True


def _add_one(connection: sqlite3.Connection, source: sqlite3.Connection, name: str) -> None:
    for table, columns, order in (("runs", _RUN, "number"), ("events", _EVENT, "seq")):
        rows = source.execute(
            f"SELECT {columns} FROM {table} WHERE conversation_id = ? ORDER BY {order}", (name,)
        )
        marks = ", ".join("?" * (columns.count(",") + 1))
        connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    texts = source.execute(f"SELECT {_TEXT} FROM {_TEXTS} WHERE conversation_id = ?", (name,))
    for run_id, text in texts:
        search.put(connection, name, run_id, text)
