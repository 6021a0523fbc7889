"""Backup with SQLite's backup API, and import of a backup row by row."""

import os
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.errors import Conflict, InvalidRequest, StoreError
from thinkaloud.stores.sqlite import untrusted
from thinkaloud.stores.sqlite.errors import explained, primary_code
from thinkaloud.stores.sqlite.sql import search
from thinkaloud.stores.sqlite.sql.log import number_of
from thinkaloud.stores.sqlite.untrusted import (
    ConversationRow,
    EventRow,
    Found,
    RunRow,
    columns,
)

_BUSY_SECONDS: Final = 5.0
_DAMAGED: Final = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})


class Added(msgspec.Struct, frozen=True):
    """The result of adding a backup."""

    added: int
    """Conversations that were added."""
    there: int
    """Conversations that already existed and were not changed."""
    damaged: int = 0
    """Conversations that were skipped because they cannot be read."""
    foreign: int = 0
    """Conversations that were skipped because they belong to another owner."""


class Copy(msgspec.Struct, frozen=True):
    """A checked copy of a backup, ready to be added."""

    path: Path
    sound: tuple[int, ...]
    """The numbers of the conversations that are fully readable."""
    damaged: int
    """Number of conversations that are not readable."""
    foreign: int = 0
    """Number of conversations of other owners."""


def connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open a connection in autocommit mode."""
    return sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )


def make_private(path: Path) -> None:
    """Create the file if needed, and set its mode to 0600."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def copy_database(path: Path, to: Path) -> None:
    """Copy a database to a new file, even while it is in use. Blocks.

    The copy is atomic, has mode 0600 and needs no other files.
    Raises `Conflict` if the file exists, `StoreError` if it cannot be written.
    """
    if to.exists():
        raise Conflict(f"{to} already exists. Choose another file: a backup never overwrites one.")
    if not path.is_file():
        raise StoreError(f"No database at {path}: nothing has been saved yet.")
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
    """Return the path of the temporary copy of a backup while it is added to `path`."""
    return path.with_name(f"{path.name}.import")


def discard(scratch: Path) -> None:
    """Delete such a copy, complete or not, and other files left by a crash."""
    _remove(scratch)
    _remove(_unfinished(scratch))


@contextmanager
def readable(backup: Path, scratch: Path, owner: str | None = None) -> Generator[Copy]:
    """Provide a checked, migrated copy of a backup for the duration of a block. Blocks.

    With an `owner`, includes only the conversations of that owner. Does not modify the backup.
    Raises `InvalidRequest` if it is not a thinkaloud database or is damaged, and
    `ConfigurationError` if a newer thinkaloud wrote it.
    """
    if not backup.is_file():
        raise InvalidRequest(f"File not found: {backup}.", field="file")
    discard(scratch)
    try:
        yield _checked(backup, scratch, owner)
    finally:
        discard(scratch)


def add(connection: sqlite3.Connection, copy: Copy) -> Added:
    """Insert the readable conversations of a backup that do not exist yet, with all their data.

    To be called in a transaction.
    """
    added = clashing = 0
    with closing(connect(copy.path, _BUSY_SECONDS)) as source:
        untrusted.restrain(source, copy.path)
        untrusted.allow_reading_only(source)
        for number in copy.sound:
            found = untrusted.find(source, number)
            if found is not None and _has_conversation(connection, found):
                continue
            if found is None or _has_run(connection, found):
                clashing += 1
                continue
            _add_one(connection, source, found)
            added += 1
    there = len(copy.sound) - added - clashing
    return Added(added, there, copy.damaged + clashing, copy.foreign)


def _unfinished(to: Path) -> Path:
    return to.with_name(f"{to.name}.partial")


def _remove(database: Path) -> None:
    database.unlink(missing_ok=True)
    database.with_name(f"{database.name}-journal").unlink(missing_ok=True)


def _checked(backup: Path, scratch: Path, owner: str | None) -> Copy:
    try:
        copy_database(backup, scratch)
        with closing(connect(scratch, _BUSY_SECONDS)) as connection:
            untrusted.restrain(connection, scratch)
            untrusted.bring_up_to_date(connection, backup)
            sound: list[int] = []
            damaged = foreign = 0
            for number in untrusted.numbers(connection):
                found = untrusted.find(connection, number)
                if found is None:
                    damaged += 1
                elif owner is not None and found.row.owner != owner:
                    foreign += 1
                else:
                    sound.append(number)
            return Copy(scratch, tuple(sound), damaged, foreign)
    except StoreError as error:
        if primary_code(error.__cause__) not in _DAMAGED:
            raise
        raise InvalidRequest(f"{backup} is not a backup, or is damaged.", field="file") from error
    except sqlite3.Error as error:
        raise InvalidRequest(
            f"{backup} is not a backup, or is damaged: {error}", field="file"
        ) from (error)


def _has_conversation(connection: sqlite3.Connection, found: Found) -> bool:
    return number_of(connection, found.row.owner, found.row.conversation_id) is not None


def _has_run(connection: sqlite3.Connection, found: Found) -> bool:
    """Whether a run of this conversation already exists in another conversation."""
    query = "SELECT 1 FROM runs WHERE run_id = ?"
    return any(connection.execute(query, (run.run_id,)).fetchone() for run in found.runs)


def _add_one(connection: sqlite3.Connection, source: sqlite3.Connection, found: Found) -> None:
    inserted = connection.execute(
        f"INSERT INTO conversations ({columns(ConversationRow)}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        msgspec.structs.astuple(found.row),
    )
    number = inserted.lastrowid or 0
    runs = [_without_taken_key(connection, run) for run in found.runs]
    _insert(connection, "runs", RunRow, number, runs)
    _insert(connection, "events", EventRow, number, untrusted.events(source, found.number))
    search.put(connection, number, search.TITLE, found.row.title)
    for run in found.runs:
        if run.compacted:
            text = untrusted.text_of(source, found.number, run)
            search.put(connection, number, run.run_id, text)


def _insert(
    connection: sqlite3.Connection,
    table: str,
    kind: type[msgspec.Struct],
    conversation: int,
    rows: Iterable[msgspec.Struct],
) -> None:
    marks = ", ".join("?" * len(kind.__struct_fields__))
    statement = f"INSERT INTO {table} (conversation, {columns(kind)}) VALUES (?, {marks})"
    connection.executemany(
        statement, ((conversation, *msgspec.structs.astuple(row)) for row in rows)
    )


def _without_taken_key(connection: sqlite3.Connection, run: RunRow) -> RunRow:
    """Return the run without its idempotency key if an existing run already uses it."""
    query = "SELECT 1 FROM runs WHERE owner = ? AND idempotency_key = ?"
    if connection.execute(query, (run.owner, run.idempotency_key)).fetchone() is None:
        return run
    return msgspec.structs.replace(run, idempotency_key=None)
