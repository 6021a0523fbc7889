"""Records of other protocols in a SQLite file of their own, apart from the conversations."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

from thinkaloud.errors import StoreError
from thinkaloud.ports.protocols.records import ProtocolRecord, RecordKind, RecordLimits
from thinkaloud.stores.sqlite.schema import Migration
from thinkaloud.stores.sqlite.shared_file import open_shared_file
from thinkaloud.stores.sqlite.writer import Failure, Writer

MIGRATIONS: Final[Sequence[Migration]] = (
    (
        "CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE records (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            owner TEXT NOT NULL,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            saved_at_ms INTEGER NOT NULL,
            conversation_id TEXT NOT NULL,
            value BLOB NOT NULL,
            UNIQUE (owner, kind, name)
        )
        """,
        """
        CREATE INDEX records_by_conversation ON records (owner, conversation_id)
        WHERE conversation_id != ''
        """,
    ),
)
"""Forward only; append to it."""

_COLUMNS: Final = "owner, kind, name, saved_at_ms, value, conversation_id, number"
_NAMED: Final = "owner = ? AND kind = ? AND name = ?"
T = TypeVar("T")


class SqliteProtocolRecords:
    """Implements `ProtocolRecords` with one file. Create it with `open`."""

    shared = False
    """The process that uses the file holds the lock of the data directory."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, busy_timeout: float = 5.0) -> AsyncGenerator[Self]:
        """Open the file for the duration of a block, creating it with mode 0600 if needed.

        A power failure can undo the latest changes. Raises `ConfigurationError` if the file cannot
        be used, or a newer thinkaloud wrote it.
        """
        connection = await asyncio.to_thread(
            open_shared_file, path, MIGRATIONS, synchronous="NORMAL", busy_timeout=busy_timeout
        )
        writer = Writer(connection)
        try:
            yield cls(writer)
        finally:
            await asyncio.to_thread(writer.close)
            await asyncio.to_thread(connection.close)

    async def secret(self, name: str) -> bytes:
        """Return the secret of this name."""
        return await self._run(partial(_secret, name=name))

    async def save(self, record: ProtocolRecord) -> None:
        """Save a record, replacing the previous one."""
        await self._run(partial(_save, record=record))

    async def find(self, owner: str, kind: RecordKind, name: str) -> ProtocolRecord | None:
        """Look up a record."""
        found = await self._run(partial(_select, where=_NAMED, values=(owner, kind, name)))
        return found[0] if found else None

    async def newer(self, kind: RecordKind, after: int = 0) -> Sequence[ProtocolRecord]:
        """Return the records whose number is above `after`, oldest first."""
        where = "kind = ? AND number > ? ORDER BY number"
        return await self._run(partial(_select, where=where, values=(kind, after)))

    async def has_conversation(self, owner: str, kind: RecordKind, conversation_id: str) -> bool:
        """Whether any record belongs to a conversation."""
        values = (owner, conversation_id, kind)
        return await self._run(partial(_has_conversation, values=values))

    async def delete(self, owner: str, kind: RecordKind, name: str) -> None:
        """Delete a record, if there is one."""
        statement = f"DELETE FROM records WHERE {_NAMED}"
        await self._run(lambda file: file.execute(statement, (owner, kind, name)).close())

    async def trim(
        self, kind: RecordKind, limits: RecordLimits, now_ms: int
    ) -> Sequence[ProtocolRecord]:
        """Delete the records that are too old or too many."""
        return await self._run(partial(_trim, kind=kind, limits=limits, now_ms=now_ms))

    async def rename_owner(self, owner: str, new: str) -> None:
        """Give all records of an owner to `new`, except for those that `new` has."""
        await self._run(partial(_rename_owner, owner=owner, new=new))

    async def delete_owner(self, owner: str) -> None:
        """Delete all records of an owner."""
        await self._run(
            lambda file: file.execute("DELETE FROM records WHERE owner = ?", (owner,)).close()
        )

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._writer.write(work)
        except Failure as error:
            raise StoreError(f"The records of other protocols cannot be used: {error}.") from error


def _secret(connection: sqlite3.Connection, name: str) -> bytes:
    connection.execute(
        "INSERT INTO secrets VALUES (?, ?) ON CONFLICT DO NOTHING", (name, secrets.token_bytes(32))
    )
    with closing(connection.execute("SELECT value FROM secrets WHERE name = ?", (name,))) as rows:
        value: bytes = rows.fetchone()[0]
    return value


def _save(connection: sqlite3.Connection, record: ProtocolRecord) -> None:
    # REPLACE gives the record a new number, above all others.
    connection.execute(
        "REPLACE INTO records (owner, kind, name, saved_at_ms, value, conversation_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            record.owner,
            record.kind,
            record.name,
            record.saved_at_ms,
            record.value,
            record.conversation_id,
        ),
    )


def _select(
    connection: sqlite3.Connection, where: str, values: tuple[str | int, ...]
) -> Sequence[ProtocolRecord]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM records WHERE {where}", values)
    return [ProtocolRecord(*row) for row in rows]


def _has_conversation(connection: sqlite3.Connection, values: tuple[str, str, str]) -> bool:
    rows = connection.execute(
        "SELECT 1 FROM records WHERE owner = ? AND conversation_id = ? AND conversation_id != ''"
        " AND kind = ? LIMIT 1",
        values,
    )
    with closing(rows):
        return rows.fetchone() is not None


def _trim(
    connection: sqlite3.Connection, kind: RecordKind, limits: RecordLimits, now_ms: int
) -> Sequence[ProtocolRecord]:
    # `length` of a BLOB reads no content.
    rows = connection.execute(
        "SELECT number, saved_at_ms, length(value) FROM records WHERE kind = ? ORDER BY number",
        (kind,),
    ).fetchall()
    size = sum(length for *_, length in rows)
    oldest_ms = now_ms - limits.max_age_ms
    last = 0
    for place, (number, saved_at_ms, length) in enumerate(rows):
        left = len(rows) - place
        many = left > limits.max_records or size > limits.max_bytes
        if saved_at_ms >= oldest_ms and not (many and left > 1):
            break
        size -= length
        last = number
    if not last:
        return []
    columns = _COLUMNS.replace("value", "x''")
    trimmed = connection.execute(
        f"DELETE FROM records WHERE kind = ? AND number <= ? RETURNING {columns}", (kind, last)
    ).fetchall()
    return sorted((ProtocolRecord(*row) for row in trimmed), key=lambda record: record.number)


def _rename_owner(connection: sqlite3.Connection, owner: str, new: str) -> None:
    connection.execute("UPDATE OR IGNORE records SET owner = ? WHERE owner = ?", (new, owner))
    connection.execute("DELETE FROM records WHERE owner = ?", (owner,))
