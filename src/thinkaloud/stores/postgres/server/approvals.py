"""Remembered approvals in PostgreSQL."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from thinkaloud.ports.execution.approvals import RememberedApproval
from thinkaloud.stores.postgres.connection import Connection, Link
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.server.text import storable


class PostgresApprovals:
    """Implements `RememberedApprovals`. Create it with `open`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address) -> AsyncGenerator[Self]:
        """Use a migrated database for the length of a block."""
        async with address.link() as link:
            yield cls(link)

    async def remember(self, approval: RememberedApproval) -> None:
        """Remember an approval, instead of the one of the same owner and tool."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO thinkaloud.remembered_approvals (owner, action, fingerprint, at_ms)"
                " VALUES ($1, $2, $3, $4) ON CONFLICT (owner, action) DO UPDATE"
                " SET fingerprint = excluded.fingerprint, at_ms = excluded.at_ms",
                approval.owner,
                storable(approval.action),
                approval.fingerprint,
                approval.at_ms,
            )

        await self._link.call(work)

    async def remembered(self, owner: str) -> Sequence[RememberedApproval]:
        """Return what is remembered for an owner, oldest first."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "SELECT owner, action, fingerprint, at_ms FROM thinkaloud.remembered_approvals"
                " WHERE owner = $1 ORDER BY at_ms, action",
                owner,
            )

        return [RememberedApproval(*row) for row in await self._link.call(work)]

    async def forget(self, owner: str, action: str | None = None) -> int:
        """Forget the approval of a tool, or all of them. Returns how many there were."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "DELETE FROM thinkaloud.remembered_approvals WHERE owner = $1"
                " AND ($2::text IS NULL OR action = $2) RETURNING 1",
                owner,
                None if action is None else storable(action),
            )

        return len(await self._link.call(work))
