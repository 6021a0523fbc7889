"""Uploads in PostgreSQL, in chunks."""

import re
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from thinkaloud.ports.clock import Clock
from thinkaloud.ports.uploads import UPLOAD_ID, Upload, UploadCursor, UploadQuota
from thinkaloud.stores.postgres.connection import Connection, Link
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.server.text import storable
from thinkaloud.stores.upload_rules import described, too_many

_CHUNK_BYTES: Final = 2**20
_CALL_SECONDS: Final = 30.0
_LAST_MS: Final = 2**63 - 1
_IS_ID: Final = re.compile(UPLOAD_ID)
_SELECT: Final = """
    SELECT upload_id, owner, name, media_type, bytes, created_at_ms, array(
        SELECT s.conversation_id FROM thinkaloud.upload_uses s
        WHERE s.upload_id = u.upload_id ORDER BY s.number
    ) FROM thinkaloud.uploads u WHERE owner = $1
"""


class PostgresUploads:
    """Implements `Uploads`. Create it with `open`."""

    def __init__(self, link: Link, clock: Clock, room: UploadQuota | None = None) -> None:
        self._link = link
        self._clock = clock
        self._room = room or UploadQuota()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, address: Address, clock: Clock, room: UploadQuota | None = None
    ) -> AsyncGenerator[Self]:
        """Use a migrated database for the length of a block; `room` is the quota of each owner."""
        async with address.link(_CALL_SECONDS) as link:
            yield cls(link, clock, room)

    async def keep(self, owner: str, name: str, media_type: str, data: bytes) -> Upload:
        """Store a file. Deletes the owner's oldest files over the quota."""
        upload = described(owner, storable(name), storable(media_type), data, self._clock)

        async def work(connection: Connection) -> None:
            # Other uploads of this owner wait, so that the quota holds.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", owner)
            kept = [_upload(row) for row in await connection.fetch(_SELECT, owner)]
            gone = [each.id for each in too_many(upload, kept, self._room)]
            await connection.execute(
                "DELETE FROM thinkaloud.uploads WHERE upload_id = any($1::text[])", gone
            )
            await connection.execute(
                "INSERT INTO thinkaloud.uploads"
                " (upload_id, owner, name, media_type, bytes, created_at_ms)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                upload.id,
                owner,
                upload.name,
                upload.media_type,
                upload.bytes,
                upload.created_at_ms,
            )
            for number, start in enumerate(range(0, len(data), _CHUNK_BYTES)):
                await connection.execute(
                    "INSERT INTO thinkaloud.upload_chunks (upload_id, number, data)"
                    " VALUES ($1, $2, $3)",
                    upload.id,
                    number,
                    data[start : start + _CHUNK_BYTES],
                )

        await self._link.transact(work)
        return upload

    async def get(self, owner: str, upload_id: str) -> tuple[Upload, bytes] | None:
        """Return a file of this owner."""
        if not _IS_ID.match(upload_id):
            return None

        async def work(connection: Connection) -> tuple[Any, bytes] | None:
            row = await connection.fetchrow(f"{_SELECT} AND upload_id = $2", owner, upload_id)
            if row is None:
                return None
            data = await connection.fetchval(
                "SELECT coalesce(string_agg(data, ''::bytea ORDER BY number), ''::bytea)"
                " FROM thinkaloud.upload_chunks WHERE upload_id = $1",
                upload_id,
            )
            return row, data

        found = await self._link.call(work)
        if found is None:
            return None
        upload = _upload(found[0])
        # It may have been deleted between the two statements.
        return (upload, found[1]) if len(found[1]) == upload.bytes else None

    async def page(
        self, owner: str, *, before: UploadCursor | None, limit: int
    ) -> Sequence[Upload]:
        """List this owner's uploads, newest first."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                f"{_SELECT} AND (created_at_ms, upload_id) < ($2, $3)"
                " ORDER BY created_at_ms DESC, upload_id DESC LIMIT $4",
                owner,
                *(before or (_LAST_MS, "")),
                limit,
            )

        return [_upload(row) for row in await self._link.call(work)]

    async def delete(self, owner: str, upload_id: str) -> bool:
        """Delete a file of this owner."""
        if not _IS_ID.match(upload_id):
            return False

        async def work(connection: Connection) -> bool:
            deleted = await connection.fetchval(
                "DELETE FROM thinkaloud.uploads WHERE owner = $1 AND upload_id = $2 RETURNING 1",
                owner,
                upload_id,
            )
            return deleted is not None

        return await self._link.call(work)

    async def use(self, owner: str, upload_ids: Collection[str], conversation_id: str) -> None:
        """Record that a conversation uses these uploads."""
        ids = [each for each in upload_ids if _IS_ID.match(each)]
        if not ids:
            return

        async def work(connection: Connection) -> None:
            # The lock keeps another server from deleting an upload whose last use ended.
            await connection.execute(
                "INSERT INTO thinkaloud.upload_uses (upload_id, conversation_id)"
                " SELECT upload_id, $3 FROM thinkaloud.uploads WHERE owner = $1"
                " AND upload_id = any($2::text[]) ORDER BY upload_id FOR UPDATE"
                " ON CONFLICT DO NOTHING",
                owner,
                ids,
                conversation_id,
            )

        await self._link.call(work)

    async def release(self, owner: str, conversation_id: str) -> None:
        """Remove a conversation from its uploads, and delete uploads that no other one uses."""

        async def work(connection: Connection) -> None:
            rows = await connection.fetch(
                "SELECT u.upload_id FROM thinkaloud.uploads u JOIN thinkaloud.upload_uses s"
                " USING (upload_id) WHERE u.owner = $1 AND s.conversation_id = $2"
                " ORDER BY u.upload_id FOR UPDATE OF u",
                owner,
                conversation_id,
            )
            ids = [upload_id for (upload_id,) in rows]
            await connection.execute(
                "DELETE FROM thinkaloud.upload_uses"
                " WHERE upload_id = any($1::text[]) AND conversation_id = $2",
                ids,
                conversation_id,
            )
            await connection.execute(
                "DELETE FROM thinkaloud.uploads u WHERE upload_id = any($1::text[])"
                " AND NOT EXISTS (SELECT 1 FROM thinkaloud.upload_uses s"
                " WHERE s.upload_id = u.upload_id)",
                ids,
            )

        await self._link.transact(work)

    async def used(self) -> Collection[tuple[str, str]]:
        """Return the owner and id of every conversation that uses uploads."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "SELECT DISTINCT u.owner, s.conversation_id"
                " FROM thinkaloud.uploads u JOIN thinkaloud.upload_uses s USING (upload_id)"
            )

        return {(owner, conversation_id) for owner, conversation_id in await self._link.call(work)}


def _upload(row: Sequence[Any]) -> Upload:
    *fields, conversations = row
    return Upload(*fields, conversations=tuple(conversations))
