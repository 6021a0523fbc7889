"""What owners have used and selected, in PostgreSQL."""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from thinkaloud.ports.selections import Selection
from thinkaloud.stores.postgres.connection import Connection, Link

_ADD_USAGE: Final = (
    "INSERT INTO thinkaloud.usage AS u (account, day, tokens) VALUES ($1, $2, $3)"
    " ON CONFLICT (account) DO UPDATE SET day = excluded.day, tokens = excluded.tokens"
    " + CASE WHEN excluded.day = u.day THEN u.tokens ELSE 0 END WHERE excluded.day >= u.day"
)
_DELETE_SELECTION: Final = "DELETE FROM thinkaloud.selections WHERE owner = $1"


class PostgresUsage:
    """Implements `UsageStore`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def tokens(self, day: int) -> Mapping[str, int]:
        """Return the tokens of each account on this day."""
        statement = "SELECT account, tokens FROM thinkaloud.usage WHERE day = $1"
        rows = await self._link.call(lambda connection: connection.fetch(statement, day))
        return dict(rows)

    async def add(self, day: int, tokens: Mapping[str, int]) -> None:
        """Add tokens of this day, and delete those of earlier days."""

        async def work(connection: Connection) -> None:
            # In a fixed order, so that servers don't wait for each other in a circle.
            for account, number in sorted(tokens.items()):
                await connection.execute(_ADD_USAGE, account, day, number)
            await connection.execute(
                "DELETE FROM thinkaloud.usage WHERE account IN (SELECT account"
                " FROM thinkaloud.usage WHERE day < $1 ORDER BY account FOR UPDATE SKIP LOCKED)",
                day,
            )

        await self._link.transact(work)

    async def rename(self, accounts: Mapping[str, str]) -> None:
        """Move the tokens of accounts to others."""

        async def work(connection: Connection) -> None:
            for account, new in accounts.items():
                rows = await connection.fetch(
                    "DELETE FROM thinkaloud.usage WHERE account = $1 RETURNING day, tokens", account
                )
                for day, tokens in rows:
                    await connection.execute(_ADD_USAGE, new, day, tokens)

        await self._link.transact(work)

    async def delete(self, accounts: Collection[str]) -> None:
        """Delete the tokens of accounts."""
        statement = "DELETE FROM thinkaloud.usage WHERE account = any($1::text[])"
        await self._link.call(lambda connection: connection.execute(statement, list(accounts)))


class PostgresSelections:
    """Implements `SelectionStore`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def all(self) -> Mapping[str, Selection]:
        """Return the selection of each owner, the latest last."""
        statement = "SELECT owner, record FROM thinkaloud.selections ORDER BY number"
        rows = await self._link.call(lambda connection: connection.fetch(statement))
        return {owner: msgspec.json.decode(record, type=Selection) for owner, record in rows}

    async def save(self, owner: str, selection: Selection, *, keep: int) -> None:
        """Set what an owner has selected."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "INSERT INTO thinkaloud.selections (owner, record) VALUES ($1, $2)"
                " ON CONFLICT (owner) DO UPDATE SET record = excluded.record, number = DEFAULT",
                owner,
                msgspec.json.encode(selection),
            )
            await connection.execute(
                "DELETE FROM thinkaloud.selections WHERE number <= (SELECT number"
                " FROM thinkaloud.selections ORDER BY number DESC LIMIT 1 OFFSET $1)",
                keep,
            )

        await self._link.transact(work)

    async def rename(self, owner: str, new: str) -> None:
        """Give an owner's selection to `new`, unless that owner has one."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE thinkaloud.selections SET owner = $2 WHERE owner = $1 AND NOT EXISTS ("
                "SELECT 1 FROM thinkaloud.selections WHERE owner = $2)",
                owner,
                new,
            )
            await connection.execute(_DELETE_SELECTION, owner)

        await self._link.transact(work)

    async def delete(self, owner: str) -> None:
        """Delete an owner's selection."""
        await self._link.call(lambda connection: connection.execute(_DELETE_SELECTION, owner))
