"""Records of other protocols in PostgreSQL."""

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from thinkaloud.ports.protocols.records import ProtocolRecord, RecordKind, RecordLimits
from thinkaloud.stores.postgres.connection import Connection, Link
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.server.text import storable

_COLUMNS: Final = "owner, kind, name, saved_at_ms, value, conversation_id, number"
_NAMED: Final = "owner = $1 AND kind = $2 AND name = $3"
_SAVING: Final = 0x746B7072
"""The advisory lock of those that save, so that numbers become visible in their order."""


class PostgresProtocolRecords:
    """Implements `ProtocolRecords`. Create it with `open`."""

    shared = True

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address) -> AsyncGenerator[Self]:
        """Use a migrated database for the length of a block."""
        async with address.link() as link:
            yield cls(link)

    async def secret(self, name: str) -> bytes:
        """Return the secret of this name."""

        async def work(connection: Connection) -> bytes:
            await connection.execute(
                "INSERT INTO thinkaloud.secrets VALUES ($1, $2) ON CONFLICT DO NOTHING",
                name,
                secrets.token_bytes(32),
            )
            return await connection.fetchval(
                "SELECT value FROM thinkaloud.secrets WHERE name = $1", name
            )

        return await self._link.call(work)

    async def save(self, record: ProtocolRecord) -> None:
        """Save a record, replacing the previous one."""

        async def work(connection: Connection) -> None:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SAVING)
            await connection.execute(
                "INSERT INTO thinkaloud.records"
                " (owner, kind, name, saved_at_ms, value, conversation_id)"
                " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, kind, name) DO UPDATE"
                " SET saved_at_ms = excluded.saved_at_ms, value = excluded.value,"
                " conversation_id = excluded.conversation_id, number = DEFAULT",
                record.owner,
                record.kind,
                storable(record.name),
                record.saved_at_ms,
                record.value,
                record.conversation_id,
            )

        await self._link.transact(work)

    async def find(self, owner: str, kind: RecordKind, name: str) -> ProtocolRecord | None:
        """Look up a record."""
        found = await self._select(_NAMED, owner, kind, storable(name))
        return found[0] if found else None

    async def newer(self, kind: RecordKind, after: int = 0) -> Sequence[ProtocolRecord]:
        """Return the records whose number is above `after`, oldest first."""
        return await self._select("kind = $1 AND number > $2 ORDER BY number", kind, after)

    async def has_conversation(self, owner: str, kind: RecordKind, conversation_id: str) -> bool:
        """Whether any record belongs to a conversation."""

        async def work(connection: Connection) -> bool:
            return await connection.fetchval(
                "SELECT EXISTS (SELECT 1 FROM thinkaloud.records WHERE owner = $1 AND kind = $2"
                " AND conversation_id = $3 AND conversation_id <> '')",
                owner,
                kind,
                storable(conversation_id),
            )

        return await self._link.call(work)

    async def delete(self, owner: str, kind: RecordKind, name: str) -> None:
        """Delete a record, if there is one."""
        statement = f"DELETE FROM thinkaloud.records WHERE {_NAMED}"
        await self._execute(statement, owner, kind, storable(name))

    async def trim(
        self, kind: RecordKind, limits: RecordLimits, now_ms: int
    ) -> Sequence[ProtocolRecord]:
        """Delete the records that are too old or too many."""

        async def work(connection: Connection) -> Sequence[Any]:
            # The size of a value that is stored uncompressed is known without reading it.
            return await connection.fetch(
                "WITH sizes AS (SELECT number,"
                " row_number() OVER newest AS place, sum(octet_length(value)) OVER newest AS bytes"
                " FROM thinkaloud.records WHERE kind = $1 WINDOW newest AS (ORDER BY number DESC)),"
                " last AS (SELECT max(number) AS number FROM sizes"
                " WHERE place > 1 AND (place > $2 OR bytes > $3))"
                " DELETE FROM thinkaloud.records r USING last"
                " WHERE r.kind = $1 AND (r.number <= last.number OR r.saved_at_ms < $4)"
                " RETURNING owner, kind, name, saved_at_ms, ''::bytea, conversation_id, r.number",
                kind,
                limits.max_records,
                limits.max_bytes,
                int(now_ms - limits.max_age_ms),
            )

        trimmed = [ProtocolRecord(*row) for row in await self._link.call(work)]
        return sorted(trimmed, key=lambda record: record.number)

    async def rename_owner(self, owner: str, new: str) -> None:
        """Give all records of an owner to `new`, except for those that `new` has."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE thinkaloud.records r SET owner = $2 WHERE owner = $1 AND NOT EXISTS ("
                "SELECT 1 FROM thinkaloud.records o"
                " WHERE o.owner = $2 AND o.kind = r.kind AND o.name = r.name)",
                owner,
                new,
            )
            await connection.execute("DELETE FROM thinkaloud.records WHERE owner = $1", owner)

        await self._link.transact(work)

    async def delete_owner(self, owner: str) -> None:
        """Delete all records of an owner."""
        await self._execute("DELETE FROM thinkaloud.records WHERE owner = $1", owner)

    async def _select(self, where: str, *arguments: object) -> Sequence[ProtocolRecord]:
        statement = f"SELECT {_COLUMNS} FROM thinkaloud.records WHERE {where}"
        rows = await self._link.call(lambda connection: connection.fetch(statement, *arguments))
        return [ProtocolRecord(*row) for row in rows]

    async def _execute(self, statement: str, *arguments: object) -> None:
        await self._link.call(lambda connection: connection.execute(statement, *arguments))
