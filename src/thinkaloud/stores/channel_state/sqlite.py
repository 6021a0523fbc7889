"""Channel state in a SQLite file of its own, which several processes may use at the same time.

It is separate from the conversations' database, because that one belongs to a single process:
`thinkaloud channels` must be able to approve a code while the server runs.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Final, Literal, Self, TypeVar

from thinkaloud.errors import StoreError
from thinkaloud.ports.channel_state import StateEntry, StateKind
from thinkaloud.stores.sqlite.schema import Migration
from thinkaloud.stores.sqlite.shared_file import open_shared_file
from thinkaloud.stores.sqlite.writer import Failure, Writer

FILE_NAME: Final = "channels.db"
MIGRATIONS: Final[Sequence[Migration]] = (
    (
        # `number` is the order of insertion; replacing a value keeps its place.
        """
        CREATE TABLE channel_state (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            channel TEXT NOT NULL,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            value BLOB NOT NULL,
            UNIQUE (kind, channel, key)
        )
        """,
    ),
)
"""Forward only; append to it."""

T = TypeVar("T")
_WHERE: Final = "kind = ? AND channel = ? AND key = ?"


class SqliteChannelState:
    """Implements `ChannelState` with one file. Create it with `open`.

    Other processes see a change as soon as the call returns.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        durability: Literal["full", "relaxed"] = "full",
        busy_timeout: float = 5.0,
    ) -> AsyncGenerator[Self]:
        """Open the file for the duration of a block, creating it with mode 0600 if needed.

        With `full`, changes survive a power failure. Raises `ConfigurationError` if the file
        cannot be used, or a newer thinkaloud wrote it.
        """
        connection = await asyncio.to_thread(
            open_shared_file,
            path,
            MIGRATIONS,
            synchronous="FULL" if durability == "full" else "NORMAL",
            busy_timeout=busy_timeout,
        )
        writer = Writer(connection)
        try:
            yield cls(writer)
        finally:
            await asyncio.to_thread(writer.close)
            await asyncio.to_thread(connection.close)

    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Return a value."""
        return await self._run(partial(_get, place=(kind, channel, key)))

    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        await self._run(partial(_put, place=(kind, channel, key), value=value))

    async def add(self, channel: str, kind: StateKind, key: str, value: bytes) -> bool:
        """Store a value unless the key has one. Returns whether it was stored."""
        return await self._run(partial(_add, place=(kind, channel, key), value=value))

    async def take(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Delete a value and return it. Of two callers, one gets it."""
        return await self._run(partial(_take, place=(kind, channel, key)))

    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        """List the values of a kind, oldest first, of one channel or of all."""
        return await self._run(partial(_entries, kind=kind, channel=channel))

    async def trim(self, channel: str, kind: StateKind, keep: int) -> None:
        """Delete the oldest values of a kind beyond this many."""
        await self._run(partial(_trim, kind=kind, channel=channel, keep=keep))

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await self._writer.write(work)
        except Failure as error:
            raise StoreError(f"The state of the channels cannot be used: {error}.") from error


_Place = tuple[str, str, str]


def _get(connection: sqlite3.Connection, place: _Place) -> bytes | None:
    with closing(
        connection.execute(f"SELECT value FROM channel_state WHERE {_WHERE}", place)
    ) as rows:
        found = rows.fetchone()
    return found[0] if found else None


def _put(connection: sqlite3.Connection, place: _Place, value: bytes) -> None:
    connection.execute(
        "INSERT INTO channel_state (kind, channel, key, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, channel, key) DO UPDATE SET value = excluded.value",
        (*place, value),
    )


def _add(connection: sqlite3.Connection, place: _Place, value: bytes) -> bool:
    done = connection.execute(
        "INSERT INTO channel_state (kind, channel, key, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (kind, channel, key) DO NOTHING",
        (*place, value),
    )
    return done.rowcount == 1


def _take(connection: sqlite3.Connection, place: _Place) -> bytes | None:
    found = _get(connection, place)
    if found is not None:
        connection.execute(f"DELETE FROM channel_state WHERE {_WHERE}", place)
    return found


def _entries(
    connection: sqlite3.Connection, kind: StateKind, channel: str | None
) -> Sequence[StateEntry]:
    rows = connection.execute(
        "SELECT channel, key, value FROM channel_state"
        " WHERE kind = ? AND (? IS NULL OR channel = ?) ORDER BY number",
        (kind, channel, channel),
    )
    return [StateEntry(*row) for row in rows]


def _trim(connection: sqlite3.Connection, kind: StateKind, channel: str, keep: int) -> None:
    connection.execute(
        "DELETE FROM channel_state WHERE kind = ? AND channel = ? AND number <= ("
        " SELECT number FROM channel_state WHERE kind = ? AND channel = ?"
        " ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (kind, channel, kind, channel, keep),
    )
