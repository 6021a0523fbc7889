"""Channel state in PostgreSQL."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self

from thinkaloud.ports.channel_state import StateEntry, StateKind
from thinkaloud.stores.postgres.connection import Connection, Link
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.server.text import storable

_WHERE: Final = "kind = $1 AND channel = $2 AND key = $3"
_INSERT: Final = (
    "INSERT INTO thinkaloud.channel_state (kind, channel, key, value) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (kind, channel, key)"
)


class PostgresChannelState:
    """Implements `ChannelState`. Create it with `open`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address) -> AsyncGenerator[Self]:
        """Use a migrated database for the length of a block."""
        async with address.link() as link:
            yield cls(link)

    async def get(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Return a value."""
        statement = f"SELECT value FROM thinkaloud.channel_state WHERE {_WHERE}"
        return await self._value(statement, kind, channel, storable(key))

    async def put(self, channel: str, kind: StateKind, key: str, value: bytes) -> None:
        """Store a value, replacing the previous one."""
        statement = f"{_INSERT} DO UPDATE SET value = excluded.value"
        await self._value(statement, kind, channel, storable(key), value)

    async def add(self, channel: str, kind: StateKind, key: str, value: bytes) -> bool:
        """Store a value unless the key has one. Returns whether it was stored."""
        statement = f"{_INSERT} DO NOTHING RETURNING 1"
        return await self._value(statement, kind, channel, storable(key), value) is not None

    async def take(self, channel: str, kind: StateKind, key: str) -> bytes | None:
        """Delete a value and return it. Of two callers, one gets it."""
        statement = f"DELETE FROM thinkaloud.channel_state WHERE {_WHERE} RETURNING value"
        return await self._value(statement, kind, channel, storable(key))

    async def entries(self, kind: StateKind, channel: str | None = None) -> Sequence[StateEntry]:
        """List the values of a kind, oldest first, of one channel or of all."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "SELECT channel, key, value FROM thinkaloud.channel_state"
                " WHERE kind = $1 AND ($2::text IS NULL OR channel = $2) ORDER BY number",
                kind,
                channel,
            )

        return [StateEntry(*row) for row in await self._link.call(work)]

    async def trim(self, channel: str, kind: StateKind, keep: int) -> None:
        """Delete the oldest values of a kind beyond this many."""
        await self._value(
            "DELETE FROM thinkaloud.channel_state WHERE kind = $1 AND channel = $2 AND number <= ("
            " SELECT number FROM thinkaloud.channel_state WHERE kind = $1 AND channel = $2"
            " ORDER BY number DESC LIMIT 1 OFFSET $3)",
            kind,
            channel,
            keep,
        )

    async def _value(self, statement: str, *arguments: object) -> Any:  # noqa: ANN401 - a column
        return await self._link.call(lambda connection: connection.fetchval(statement, *arguments))
