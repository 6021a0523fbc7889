"""SQL for conversations."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    RunStart,
    ended_in,
)
from thinkaloud.stores.sqlite.sql import log, search
from thinkaloud.stores.sqlite.sql import runs as run_rows

_COLUMNS: Final = "conversation_id, owner, created_at_ms, updated_at_ms, title, unlisted"
_LAST_MS: Final = 2**63 - 1
_PURGED_AT_ONCE: Final = 64


def create(
    connection: sqlite3.Connection, conversation: Conversation, runs: Sequence[FinishedRun] = ()
) -> bool:
    """Insert a conversation with its title and these runs. False if its owner uses the id."""
    if log.number_of(connection, conversation.owner, conversation.conversation_id) is not None:
        return False
    inserted = connection.execute(
        f"INSERT INTO conversations ({_COLUMNS}, generation) VALUES (?, ?, ?, ?, ?, ?, random())",
        (
            conversation.conversation_id,
            conversation.owner,
            conversation.created_at_ms,
            conversation.updated_at_ms,
            conversation.title,
            conversation.unlisted,
        ),
    )
    number = inserted.lastrowid or 0
    search.put(connection, number, search.TITLE, conversation.title)
    for each in runs:
        run_rows.add(connection, number, RunStart(each.run, conversation))
        new = log.Compacted(log.rows_of(each.events), ended_in(each.events), each.text)
        log.compact(connection, each.run, new)
    return True


def find(connection: sqlite3.Connection, owner: str, conversation_id: str) -> Conversation | None:
    """Look up a conversation by owner and id together."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    return None if row is None else _conversation(row)


def latest(
    connection: sqlite3.Connection,
    owner: str,
    before: ConversationCursor | None,
    limit: int,
    searched: str | None,
) -> Sequence[Conversation]:
    """List an owner's conversations, most recently updated first."""
    wanted = search.queries(searched or "")
    if searched and not searched.isspace() and not wanted:
        return []
    conditions = [
        "owner = ?",
        "NOT unlisted",
        "(updated_at_ms, conversation_id) < (?, ?)",
        *([search.MATCHING] * len(wanted)),
    ]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE {' AND '.join(conditions)}"
        " ORDER BY updated_at_ms DESC, conversation_id DESC LIMIT ?",
        (owner, *(before or (_LAST_MS, "")), *wanted, limit),
    )
    return [_conversation(row) for row in rows]


def _conversation(row: tuple[str, str, int, int, str, int]) -> Conversation:
    return Conversation(*row[:-1], unlisted=bool(row[-1]))


def update(
    connection: sqlite3.Connection, owner: str, conversation_id: str, change: ConversationPatch
) -> Conversation | None:
    """Update a conversation and return it. None if this owner has no such conversation."""
    number = log.number_of(connection, owner, conversation_id)
    before = find(connection, owner, conversation_id)
    if before is None or number is None:
        return None
    after = change.applied(before)
    connection.execute(
        "UPDATE conversations SET updated_at_ms = ?, title = ? WHERE number = ?",
        (after.updated_at_ms, after.title, number),
    )
    if after.title != before.title:
        search.put(connection, number, search.TITLE, after.title)
    return after


def delete(connection: sqlite3.Connection, owner: str, conversation_id: str) -> bool:
    """Delete a conversation with all its data. False if it does not exist."""
    number = log.number_of(connection, owner, conversation_id)
    if number is None:
        return False
    _delete(connection, number)
    return True


def purge(connection: sqlite3.Connection, older_than_ms: int) -> Sequence[ConversationKey]:
    """Delete some conversations last updated before this that have no active run.

    Returns the owner and the id of each.
    """
    rows = connection.execute(
        "SELECT number, owner, conversation_id FROM conversations WHERE updated_at_ms < ?"
        " AND NOT EXISTS (SELECT 1 FROM runs WHERE conversation = conversations.number"
        " AND ended = 0) LIMIT ?",
        (older_than_ms, _PURGED_AT_ONCE),
    ).fetchall()
    for number, *_ in rows:
        _delete(connection, number)
    return [(owner, conversation_id) for _, owner, conversation_id in rows]


def _delete(connection: sqlite3.Connection, number: int) -> None:
    # Events first: on a full disk, their pages are needed to record the index deletions.
    connection.execute("DELETE FROM events WHERE conversation = ?", (number,))
    search.drop(connection, number)
    connection.execute("DELETE FROM conversations WHERE number = ?", (number,))
