"""A key store in a SQLite file of its own, which several processes may use at the same time.

It is separate from the conversations' database, because that one belongs to a single process:
`thinkaloud keys` must be able to revoke a key while the server runs.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final, Self

import msgspec

from thinkaloud.ports.keys import ApiKey, AuditEntry, LastAdminKey, Session
from thinkaloud.stores.keys.jobs import read, write
from thinkaloud.stores.keys.records import key_of, key_record
from thinkaloud.stores.keys.sqlite_owners import SqliteSelections, SqliteUsage
from thinkaloud.stores.sqlite.schema import Migration
from thinkaloud.stores.sqlite.shared_file import open_shared_file
from thinkaloud.stores.sqlite.writer import Writer

FILE_NAME: Final = "keys.db"
MIGRATIONS: Final[Sequence[Migration]] = (
    (
        # `record` is JSON of `ApiKey` without its last use.
        """
        CREATE TABLE keys (
            number INTEGER PRIMARY KEY,
            key_id TEXT NOT NULL UNIQUE,
            record BLOB NOT NULL,
            last_used_ms INTEGER
        )
        """,
        """
        CREATE TABLE sessions (
            number INTEGER PRIMARY KEY,
            digest BLOB NOT NULL UNIQUE,
            key_id TEXT NOT NULL,
            secret_number INTEGER NOT NULL,
            created_at_ms INTEGER NOT NULL,
            last_used_ms INTEGER NOT NULL
        )
        """,
        """
        CREATE TABLE audit (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            at_ms INTEGER NOT NULL,
            act TEXT NOT NULL,
            "by" TEXT NOT NULL,
            key_id TEXT,
            address TEXT,
            request_id TEXT,
            detail TEXT NOT NULL
        )
        """,
        "CREATE INDEX audit_by_time ON audit (at_ms)",
        "CREATE TABLE revision (number INTEGER NOT NULL)",
        "INSERT INTO revision VALUES (0)",
    ),
    (
        """
        CREATE TABLE usage (
            account TEXT PRIMARY KEY,
            day INTEGER NOT NULL,
            tokens INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (
        # `record` is JSON of `Selection`.
        """
        CREATE TABLE selections (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL UNIQUE,
            record BLOB NOT NULL
        )
        """,
    ),
)
"""Forward only; append to it."""

_AUDIT_COLUMNS: Final = 'at_ms, act, "by", key_id, address, request_id, detail'


class SqliteKeyStore:
    """Implements `KeyStore` with one file. Create it with `open`."""

    def __init__(self, writer: Writer) -> None:
        self.usage = SqliteUsage(writer)
        """The tokens that keys, owners and roles have used."""
        self.selections = SqliteSelections(writer)
        """The models and efforts that owners have selected."""
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, busy_timeout: float = 5.0) -> AsyncGenerator[Self]:
        """Open the file for the duration of a block, creating it with mode 0600 if needed.

        Changes survive a power failure. Raises `ConfigurationError` if the file cannot be used, or
        a newer thinkaloud wrote it.
        """
        connection = await asyncio.to_thread(
            open_shared_file, path, MIGRATIONS, busy_timeout=busy_timeout
        )
        writer = Writer(connection)
        try:
            yield cls(writer)
        finally:
            await asyncio.to_thread(writer.close)
            await asyncio.to_thread(connection.close)

    async def revision(self) -> int:
        """Return a number that changes with every change of keys and sessions."""
        return await read(self._writer, _revision)

    async def keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""
        return await read(self._writer, _keys)

    async def add_key(self, key: ApiKey) -> bool:
        """Add a key. Returns False if its id exists."""
        return await write(self._writer, partial(_add_key, key=key))

    async def change_key(
        self, before: ApiKey, after: ApiKey, *, keep_admin_at_ms: int | None = None
    ) -> bool:
        """Replace a key. Returns False if it is no longer `before`."""
        change = partial(_change_key, before=before, after=after, keep_admin_at_ms=keep_admin_at_ms)
        outcome = await write(self._writer, change)
        if outcome is None:
            raise LastAdminKey
        return outcome

    async def forget_keys(self, key_ids: Collection[str]) -> None:
        """Delete keys and their sessions."""
        await write(self._writer, partial(_forget_keys, key_ids=key_ids))

    async def mark_used(self, at_ms: Mapping[str, int]) -> None:
        """Set when keys were last used."""
        rows = [(when, key_id) for key_id, when in at_ms.items()]
        statement = "UPDATE keys SET last_used_ms = ? WHERE key_id = ?"
        await write(
            self._writer, lambda connection: connection.executemany(statement, rows).close()
        )

    async def sessions(self) -> Sequence[Session]:
        """Return all sessions, oldest first."""
        return await read(self._writer, _sessions)

    async def add_session(self, session: Session) -> None:
        """Add a session."""
        await write(self._writer, partial(_add_session, session=session))

    async def end_sessions(self, digests: Collection[bytes]) -> None:
        """Delete sessions."""
        await write(self._writer, partial(_end_sessions, digests=digests))

    async def mark_sessions_used(self, at_ms: Mapping[bytes, int]) -> None:
        """Set when sessions were last used."""
        rows = [(when, digest) for digest, when in at_ms.items()]
        statement = "UPDATE sessions SET last_used_ms = ? WHERE digest = ?"
        await write(
            self._writer, lambda connection: connection.executemany(statement, rows).close()
        )

    async def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries to the audit log."""
        await write(self._writer, partial(_append_audit, entries=entries))

    async def audit(
        self, *, before: int | None = None, limit: int, by: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first."""
        return await read(self._writer, partial(_audit, before=before, limit=limit, by=by))

    async def trim_audit(self, *, before_ms: int, keep: int) -> None:
        """Delete old entries."""
        await write(self._writer, partial(_trim_audit, before_ms=before_ms, keep=keep))


def _revision(connection: sqlite3.Connection) -> int:
    with closing(connection.execute("SELECT number FROM revision")) as rows:
        number: int = rows.fetchone()[0]
    return number


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE revision SET number = number + 1")


def _keys(connection: sqlite3.Connection) -> Sequence[ApiKey]:
    rows = connection.execute("SELECT record, last_used_ms FROM keys ORDER BY number")
    return [key_of(record, last_used_ms) for record, last_used_ms in rows]


def _add_key(connection: sqlite3.Connection, key: ApiKey) -> bool:
    done = connection.execute(
        "INSERT INTO keys (key_id, record, last_used_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (key_id) DO NOTHING",
        (key.key_id, key_record(key), key.last_used_ms),
    )
    _changed(connection)
    return done.rowcount == 1


def _change_key(
    connection: sqlite3.Connection, before: ApiKey, after: ApiKey, keep_admin_at_ms: int | None
) -> bool | None:
    """Return whether the key was changed; None if it is the last admin key."""
    with closing(
        connection.execute("SELECT record FROM keys WHERE key_id = ?", (before.key_id,))
    ) as rows:
        found = rows.fetchone()
    if found is None or found[0] != key_record(before):
        return False
    if keep_admin_at_ms is not None:
        others = [key for key in _keys(connection) if key.key_id != after.key_id]
        if not any(key.is_admin(keep_admin_at_ms) for key in (*others, after)):
            return None
    connection.execute(
        "UPDATE keys SET record = ? WHERE key_id = ?", (key_record(after), before.key_id)
    )
    _changed(connection)
    return True


def _forget_keys(connection: sqlite3.Connection, key_ids: Collection[str]) -> None:
    rows = [(key_id,) for key_id in key_ids]
    connection.executemany("DELETE FROM keys WHERE key_id = ?", rows)
    connection.executemany("DELETE FROM sessions WHERE key_id = ?", rows)
    _changed(connection)


def _sessions(connection: sqlite3.Connection) -> Sequence[Session]:
    rows = connection.execute(
        "SELECT digest, key_id, secret_number, created_at_ms, last_used_ms"
        " FROM sessions ORDER BY number"
    )
    return [Session(*row) for row in rows]


def _add_session(connection: sqlite3.Connection, session: Session) -> None:
    connection.execute(
        "INSERT INTO sessions (digest, key_id, secret_number, created_at_ms, last_used_ms)"
        " VALUES (?, ?, ?, ?, ?)",
        msgspec.structs.astuple(session),
    )
    _changed(connection)


def _end_sessions(connection: sqlite3.Connection, digests: Collection[bytes]) -> None:
    rows = [(digest,) for digest in digests]
    connection.executemany("DELETE FROM sessions WHERE digest = ?", rows)
    _changed(connection)


def _append_audit(connection: sqlite3.Connection, entries: Sequence[AuditEntry]) -> None:
    connection.executemany(
        f"INSERT INTO audit ({_AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [msgspec.structs.astuple(entry)[:-1] for entry in entries],
    )


def _audit(
    connection: sqlite3.Connection, before: int | None, limit: int, by: str | None
) -> Sequence[AuditEntry]:
    rows = connection.execute(
        f"SELECT {_AUDIT_COLUMNS}, number FROM audit"
        ' WHERE (?1 IS NULL OR number < ?1) AND (?2 IS NULL OR "by" = ?2)'
        " ORDER BY number DESC LIMIT ?3",
        (before, by, limit),
    )
    names = AuditEntry.__struct_fields__
    return [AuditEntry(**dict(zip(names, row, strict=True))) for row in rows]


def _trim_audit(connection: sqlite3.Connection, before_ms: int, keep: int) -> None:
    connection.execute(
        "DELETE FROM audit WHERE at_ms < ? OR number <= ("
        " SELECT number FROM audit ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (before_ms, keep),
    )
