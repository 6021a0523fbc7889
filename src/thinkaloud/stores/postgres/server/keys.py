"""API keys, sessions and the audit log in PostgreSQL."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import msgspec

from thinkaloud.ports.keys import ApiKey, AuditEntry, LastAdminKey, Session
from thinkaloud.stores.keys.records import key_of, key_record
from thinkaloud.stores.postgres.connection import Connection, Link
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.server.owners import PostgresSelections, PostgresUsage
from thinkaloud.stores.postgres.server.text import storable

_AUDIT_COLUMNS: Final = 'at_ms, act, "by", key_id, address, request_id, detail'


class PostgresKeyStore:
    """Implements `KeyStore`. Create it with `open`."""

    def __init__(self, link: Link) -> None:
        self.usage = PostgresUsage(link)
        """The tokens that keys, owners and roles have used."""
        self.selections = PostgresSelections(link)
        """The models and efforts that owners have selected."""
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address) -> AsyncGenerator[Self]:
        """Use a migrated database for the length of a block."""
        async with address.link() as link:
            yield cls(link)

    async def revision(self) -> int:
        """Return a number that changes with every change of keys and sessions."""
        statement = "SELECT number FROM thinkaloud.key_revision"
        return await self._link.call(lambda connection: connection.fetchval(statement))

    async def keys(self) -> Sequence[ApiKey]:
        """Return all keys, oldest first."""
        return await self._link.call(_keys)

    async def add_key(self, key: ApiKey) -> bool:
        """Add a key. Returns False if its id exists."""

        async def work(connection: Connection) -> bool:
            await _change(connection)
            added = await connection.fetchval(
                "INSERT INTO thinkaloud.keys (key_id, record, last_used_ms) VALUES ($1, $2, $3)"
                " ON CONFLICT (key_id) DO NOTHING RETURNING 1",
                key.key_id,
                key_record(key),
                key.last_used_ms,
            )
            return added is not None

        return await self._link.transact(work)

    async def change_key(
        self, before: ApiKey, after: ApiKey, *, keep_admin_at_ms: int | None = None
    ) -> bool:
        """Replace a key. Returns False if it is no longer `before`."""

        async def work(connection: Connection) -> bool | None:
            await _change(connection)
            found = await connection.fetchval(
                "SELECT record FROM thinkaloud.keys WHERE key_id = $1", before.key_id
            )
            if found != key_record(before):
                return False
            if keep_admin_at_ms is not None:
                others = [key for key in await _keys(connection) if key.key_id != after.key_id]
                if not any(key.is_admin(keep_admin_at_ms) for key in (*others, after)):
                    return None
            await connection.execute(
                "UPDATE thinkaloud.keys SET record = $2 WHERE key_id = $1",
                before.key_id,
                key_record(after),
            )
            return True

        outcome = await self._link.transact(work)
        if outcome is None:
            raise LastAdminKey
        return outcome

    async def forget_keys(self, key_ids: Collection[str]) -> None:
        """Delete keys and their sessions."""

        async def work(connection: Connection) -> None:
            await _change(connection)
            for table in ("keys", "sessions"):
                await connection.execute(
                    f"DELETE FROM thinkaloud.{table} WHERE key_id = any($1::text[])", list(key_ids)
                )

        await self._link.transact(work)

    async def mark_used(self, at_ms: Mapping[str, int]) -> None:
        """Set when keys were last used."""
        await self._link.call(
            lambda connection: connection.executemany(
                "UPDATE thinkaloud.keys SET last_used_ms = $2 WHERE key_id = $1",
                sorted(at_ms.items()),
            )
        )

    async def sessions(self) -> Sequence[Session]:
        """Return all sessions, oldest first."""
        statement = (
            "SELECT digest, key_id, secret_number, created_at_ms, last_used_ms"
            " FROM thinkaloud.sessions ORDER BY number"
        )
        rows = await self._link.call(lambda connection: connection.fetch(statement))
        return [Session(*row) for row in rows]

    async def add_session(self, session: Session) -> None:
        """Add a session."""

        async def work(connection: Connection) -> None:
            await _change(connection)
            await connection.execute(
                "INSERT INTO thinkaloud.sessions"
                " (digest, key_id, secret_number, created_at_ms, last_used_ms)"
                " VALUES ($1, $2, $3, $4, $5)",
                *msgspec.structs.astuple(session),
            )

        await self._link.transact(work)

    async def end_sessions(self, digests: Collection[bytes]) -> None:
        """Delete sessions."""

        async def work(connection: Connection) -> None:
            await _change(connection)
            await connection.execute(
                "DELETE FROM thinkaloud.sessions WHERE digest = any($1::bytea[])", list(digests)
            )

        await self._link.transact(work)

    async def mark_sessions_used(self, at_ms: Mapping[bytes, int]) -> None:
        """Set when sessions were last used."""
        await self._link.call(
            lambda connection: connection.executemany(
                "UPDATE thinkaloud.sessions SET last_used_ms = $2 WHERE digest = $1",
                sorted(at_ms.items()),
            )
        )

    async def append_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries to the audit log."""
        rows = [_audit_row(entry) for entry in entries]
        await self._link.call(
            lambda connection: connection.executemany(
                f"INSERT INTO thinkaloud.audit ({_AUDIT_COLUMNS})"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                rows,
            )
        )

    async def audit(
        self, *, before: int | None = None, limit: int, by: str | None = None
    ) -> Sequence[AuditEntry]:
        """Return entries, newest first."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                f"SELECT {_AUDIT_COLUMNS}, number FROM thinkaloud.audit"
                " WHERE ($1::bigint IS NULL OR number < $1)"
                ' AND ($2::text IS NULL OR "by" = $2) ORDER BY number DESC LIMIT $3',
                before,
                None if by is None else storable(by),
                limit,
            )

        names = AuditEntry.__struct_fields__
        rows = await self._link.call(work)
        return [AuditEntry(**dict(zip(names, row, strict=True))) for row in rows]

    async def trim_audit(self, *, before_ms: int, keep: int) -> None:
        """Delete old entries."""
        await self._link.call(
            lambda connection: connection.execute(
                "DELETE FROM thinkaloud.audit WHERE at_ms < $1 OR number <= ("
                " SELECT number FROM thinkaloud.audit ORDER BY number DESC LIMIT 1 OFFSET $2)",
                before_ms,
                keep,
            )
        )


async def _change(connection: Connection) -> None:
    """Wait for other changes of keys and sessions, and count this one."""
    await connection.execute("UPDATE thinkaloud.key_revision SET number = number + 1")


async def _keys(connection: Connection) -> Sequence[ApiKey]:
    rows = await connection.fetch(
        "SELECT record, last_used_ms FROM thinkaloud.keys ORDER BY number"
    )
    return [key_of(record, last_used_ms) for record, last_used_ms in rows]


def _audit_row(entry: AuditEntry) -> Sequence[object]:
    values = msgspec.structs.astuple(entry)[:-1]
    return [storable(value) if isinstance(value, str) else value for value in values]
