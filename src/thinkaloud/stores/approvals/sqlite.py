"""Remembered approvals in a SQLite file of their own, which several processes may use."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar

from thinkaloud.errors import StoreError
from thinkaloud.ports.execution.approvals import RememberedApproval
from thinkaloud.stores.sqlite.schema import Migration
from thinkaloud.stores.sqlite.shared_file import open_shared_file
from thinkaloud.stores.sqlite.writer import Failure, Writer

FILE_NAME: Final = "approvals.db"
MIGRATIONS: Final[Sequence[Migration]] = (
    (
        """
        CREATE TABLE remembered (
            owner TEXT NOT NULL,
            action TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            at_ms INTEGER NOT NULL,
            PRIMARY KEY (owner, action)
        ) WITHOUT ROWID
        """,
    ),
)
"""Forward only; append to it."""

T = TypeVar("T")


class SqliteApprovals:
    """Implements `RememberedApprovals` with one file. Create it with `open`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, *, busy_timeout: float = 5.0) -> AsyncGenerator[Self]:
        """Open the file for the duration of a block, creating it with mode 0600 if needed.

        Raises `ConfigurationError` if it cannot be used, or a newer thinkaloud wrote it.
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

    async def remember(self, approval: RememberedApproval) -> None:
        """Remember an approval, instead of the one of the same owner and tool."""
        await self._run(partial(_remember, approval=approval))

    async def remembered(self, owner: str) -> Sequence[RememberedApproval]:
        """Return what is remembered for an owner, oldest first."""
        return await self._run(partial(_remembered, owner=owner))

    async def forget(self, owner: str, action: str | None = None) -> int:
        """Forget the approval of a tool, or all of them. Returns how many there were."""
        return await self._run(partial(_forget, owner=owner, action=action))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._writer.write(work)
        except Failure as error:
            raise StoreError(f"Remembered approvals cannot be used: {error}.") from error


def _remember(connection: sqlite3.Connection, approval: RememberedApproval) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO remembered (owner, action, fingerprint, at_ms) VALUES (?, ?, ?, ?)",
        (approval.owner, approval.action, approval.fingerprint, approval.at_ms),
    )


def _remembered(connection: sqlite3.Connection, owner: str) -> Sequence[RememberedApproval]:
    with closing(
        connection.execute(
            "SELECT owner, action, fingerprint, at_ms FROM remembered WHERE owner = ?"
            " ORDER BY at_ms, action",
            (owner,),
        )
    ) as rows:
        return [RememberedApproval(*row) for row in rows]


def _forget(connection: sqlite3.Connection, owner: str, action: str | None) -> int:
    done = connection.execute(
        "DELETE FROM remembered WHERE owner = ? AND (? IS NULL OR action = ?)",
        (owner, action, action),
    )
    return done.rowcount
