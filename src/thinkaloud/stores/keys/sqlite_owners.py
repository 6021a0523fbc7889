"""What owners have used and selected, in the file of a `SqliteKeyStore`."""

import sqlite3
from collections.abc import Collection, Mapping
from functools import partial
from typing import Final

import msgspec

from thinkaloud.ports.selections import Selection
from thinkaloud.stores.keys.jobs import read, write
from thinkaloud.stores.sqlite.writer import Writer

_ADD_USAGE: Final = (
    "INSERT INTO usage (account, day, tokens) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE"
    " SET tokens = excluded.tokens + iif(excluded.day = day, tokens, 0), day = excluded.day"
    " WHERE excluded.day >= day"
)


class SqliteUsage:
    """Implements `UsageStore`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def tokens(self, day: int) -> Mapping[str, int]:
        """Return the tokens of each account on this day."""
        statement = "SELECT account, tokens FROM usage WHERE day = ?"
        return await read(self._writer, lambda file: dict(file.execute(statement, (day,))))

    async def add(self, day: int, tokens: Mapping[str, int]) -> None:
        """Add tokens of this day, and delete those of earlier days."""
        await write(self._writer, partial(_add_usage, day=day, tokens=tokens))

    async def rename(self, accounts: Mapping[str, str]) -> None:
        """Move the tokens of accounts to others."""
        await write(self._writer, partial(_rename_usage, accounts=accounts))

    async def delete(self, accounts: Collection[str]) -> None:
        """Delete the tokens of accounts."""
        await write(self._writer, partial(_delete_usage, accounts=accounts))


class SqliteSelections:
    """Implements `SelectionStore`."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def all(self) -> Mapping[str, Selection]:
        """Return the selection of each owner, the latest last."""
        return await read(self._writer, _selections)

    async def save(self, owner: str, selection: Selection, *, keep: int) -> None:
        """Set what an owner has selected."""
        await write(self._writer, partial(_select, owner=owner, selection=selection, keep=keep))

    async def rename(self, owner: str, new: str) -> None:
        """Give an owner's selection to `new`."""
        await write(self._writer, partial(_rename_selection, owner=owner, new=new))

    async def delete(self, owner: str) -> None:
        """Delete an owner's selection."""
        await write(self._writer, partial(_delete_selection, owner=owner))


def _add_usage(connection: sqlite3.Connection, day: int, tokens: Mapping[str, int]) -> None:
    connection.execute("DELETE FROM usage WHERE day < ?", (day,))
    connection.executemany(_ADD_USAGE, [(name, day, number) for name, number in tokens.items()])


def _rename_usage(connection: sqlite3.Connection, accounts: Mapping[str, str]) -> None:
    for name, new in accounts.items():
        statement = "DELETE FROM usage WHERE account = ? RETURNING day, tokens"
        for day, tokens in connection.execute(statement, (name,)).fetchall():
            connection.execute(_ADD_USAGE, (new, day, tokens))


def _delete_usage(connection: sqlite3.Connection, accounts: Collection[str]) -> None:
    connection.executemany("DELETE FROM usage WHERE account = ?", [(name,) for name in accounts])


def _selections(connection: sqlite3.Connection) -> Mapping[str, Selection]:
    rows = connection.execute("SELECT owner, record FROM selections ORDER BY number")
    try:
        return {owner: msgspec.json.decode(record, type=Selection) for owner, record in rows}
    except msgspec.MsgspecError as error:
        raise ValueError(f"a selected model is damaged ({error})") from error


def _select(connection: sqlite3.Connection, owner: str, selection: Selection, keep: int) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO selections (owner, record) VALUES (?, ?)",
        (owner, msgspec.json.encode(selection)),
    )
    connection.execute(
        "DELETE FROM selections WHERE number <= ("
        " SELECT number FROM selections ORDER BY number DESC LIMIT 1 OFFSET ?)",
        (keep,),
    )


def _rename_selection(connection: sqlite3.Connection, owner: str, new: str) -> None:
    connection.execute("UPDATE OR IGNORE selections SET owner = ? WHERE owner = ?", (new, owner))
    _delete_selection(connection, owner)


def _delete_selection(connection: sqlite3.Connection, owner: str) -> None:
    connection.execute("DELETE FROM selections WHERE owner = ?", (owner,))
