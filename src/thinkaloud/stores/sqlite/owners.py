"""Owners of the database: listing, renaming and deleting them with everything they own."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.errors import Conflict, StoreError
from thinkaloud.stores.sqlite.database import Database
from thinkaloud.stores.sqlite.sql import search

_SHOWN: Final = 3


class OwnedConversations(msgspec.Struct, frozen=True):
    """How many conversations an owner has."""

    owner: str
    conversations: int
    updated_at_ms: int
    """When one of them last changed, in Unix milliseconds."""


class OwnersDatabase(Database):
    """A database whose owners can be managed. Raises `StoreError`."""

    async def owners(self) -> Sequence[OwnedConversations]:
        """Return every owner of conversations, by name."""
        return await self._read(_owners)

    async def check_rename(self, owner: str, new: str) -> None:
        """Raise `Conflict` if both owners have a conversation with the same id."""
        shared = await self._read(partial(_shared, owner=owner, new=new))
        if shared:
            raise _conflict(new, shared)

    async def rename_owner(self, owner: str, new: str) -> int:
        """Give an owner's conversations, with their runs and logs, to `new` atomically.

        Idempotency keys keep finding their runs. Returns the number of conversations. Raises
        `Conflict`, and changes nothing, if both owners have a conversation with the same id.
        """
        moved = await self._write(partial(_rename, owner=owner, new=new))
        if not isinstance(moved, int):
            raise _conflict(new, moved)
        return moved

    async def delete_owner(self, owner: str) -> int:
        """Delete an owner's conversations atomically, and return their number.

        Some of their words may remain in the file until `scrub`.
        """
        return await self._write(partial(_delete, owner=owner))


def read_owners(path: Path, busy_timeout: float) -> Sequence[OwnedConversations]:
    """Return every owner of conversations in a database that another process may be using.

    Blocks. Raises `StoreError`.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=busy_timeout)) as connection:
            return _owners(connection)
    except sqlite3.Error as error:
        raise StoreError(f"The database {path} cannot be read: {error}.") from error


def _conflict(new: str, shared: Sequence[str]) -> Conflict:
    others = len(shared) - _SHOWN
    more = f" and {others} more" if others > 0 else ""
    return Conflict(
        f"{new} already has conversations with the same ids: {', '.join(shared[:_SHOWN])}{more}."
        " Delete them on one side, or choose another name."
    )


def _owners(connection: sqlite3.Connection) -> Sequence[OwnedConversations]:
    rows = connection.execute(
        "SELECT owner, count(*), max(updated_at_ms) FROM conversations GROUP BY owner"
        " ORDER BY owner"
    )
    return [OwnedConversations(*row) for row in rows]


def _shared(connection: sqlite3.Connection, owner: str, new: str) -> Sequence[str]:
    """Return the ids that both owners use, for different conversations."""
    rows = connection.execute(
        "SELECT conversation_id FROM conversations WHERE owner = ? INTERSECT"
        " SELECT conversation_id FROM conversations WHERE owner = ?",
        (owner, new),
    )
    return [conversation_id for (conversation_id,) in rows]


def _rename(connection: sqlite3.Connection, owner: str, new: str) -> int | Sequence[str]:
    """Return the number of conversations, or the ids that prevented the change."""
    shared = _shared(connection, owner, new)
    if shared:
        return shared
    connection.execute(
        "UPDATE runs SET idempotency_key = NULL WHERE owner = ? AND idempotency_key IN"
        " (SELECT idempotency_key FROM runs WHERE owner = ?)",
        (owner, new),
    )
    connection.execute("UPDATE runs SET owner = ? WHERE owner = ?", (new, owner))
    moved = connection.execute("UPDATE conversations SET owner = ? WHERE owner = ?", (new, owner))
    return moved.rowcount


def _delete(connection: sqlite3.Connection, owner: str) -> int:
    rows = connection.execute("SELECT number FROM conversations WHERE owner = ?", (owner,))
    numbers = rows.fetchall()
    # Events first: on a full disk, their pages are needed to record the index deletions.
    connection.executemany("DELETE FROM events WHERE conversation = ?", numbers)
    for (number,) in numbers:
        search.drop(connection, number)
    connection.executemany("DELETE FROM conversations WHERE number = ?", numbers)
    return len(numbers)
