"""SQL for conversations: functions of a connection, to be called in a transaction."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from thinkaloud.ports.store import Conversation, ConversationCursor, ConversationPatch, FinishedRun
from thinkaloud.stores.sqlite import log, search

_COLUMNS: Final = "conversation_id, owner, created_at_ms, updated_at_ms, title"
_LAST_MS: Final = 2**63 - 1
_PURGED_AT_ONCE: Final = 64


def create(
    connection: sqlite3.Connection, conversation: Conversation, runs: Sequence[FinishedRun] = ()
) -> bool:
    """Insert a conversation with its title and these runs. False if the id is taken."""
    inserted = connection.execute(
        f"INSERT INTO conversations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (conversation_id) DO NOTHING",
        (
            conversation.conversation_id,
            conversation.owner,
            conversation.created_at_ms,
            conversation.updated_at_ms,
            conversation.title,
        ),
    )
    if inserted.rowcount != 1:
        return False
    search.put(connection, conversation.conversation_id, search.TITLE, conversation.title)
    for each in runs:
        rows = log.rows_of(each.events).get(conversation.conversation_id, [])
        log.add_run(connection, each.run, None)
        new = log.Compacted(rows, log.ended_in(each.events), each.text)
        log.compact(connection, each.run, new)
    return True


def find(connection: sqlite3.Connection, owner: str, conversation_id: str) -> Conversation | None:
    """Look up a conversation by owner and id together."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE conversation_id = ? AND owner = ?",
        (conversation_id, owner),
    ).fetchone()
    return None if row is None else Conversation(*row)


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
        "(updated_at_ms, conversation_id) < (?, ?)",
        *([search.MATCHING] * len(wanted)),
    ]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE {' AND '.join(conditions)}"
        " ORDER BY updated_at_ms DESC, conversation_id DESC LIMIT ?",
        (owner, *(before or (_LAST_MS, "")), *wanted, limit),
    )
    return [Conversation(*row) for row in rows]


def update(
    connection: sqlite3.Connection, owner: str, conversation_id: str, change: ConversationPatch
) -> Conversation | None:
    """Update a conversation and return it. None if this owner has no such conversation."""
    before = find(connection, owner, conversation_id)
    if before is None:
        return None
    after = change.applied(before)
    connection.execute(
        "UPDATE conversations SET updated_at_ms = ?, title = ? WHERE conversation_id = ?",
        (after.updated_at_ms, after.title, conversation_id),
    )
    if after.title != before.title:
        search.put(connection, conversation_id, search.TITLE, after.title)
    return after


def delete(connection: sqlite3.Connection, owner: str, conversation_id: str) -> bool:
    """Delete a conversation with all its data. False if it does not exist."""
    if find(connection, owner, conversation_id) is None:
        return False
    _delete(connection, conversation_id)
    return True


def purge(connection: sqlite3.Connection, older_than_ms: int) -> Sequence[tuple[str, str]]:
    """Delete some conversations last updated before this that have no active run.

    Returns the owner and the id of each.
    """
    rows = connection.execute(
        "SELECT owner, conversation_id FROM conversations WHERE updated_at_ms < ? AND NOT EXISTS ("
        " SELECT 1 FROM runs WHERE runs.conversation_id = conversations.conversation_id"
        " AND ended = 0) LIMIT ?",
        (older_than_ms, _PURGED_AT_ONCE),
    ).fetchall()
    for _, conversation_id in rows:
        _delete(connection, conversation_id)
    return rows


def _delete(connection: sqlite3.Connection, conversation_id: str) -> None:
    # Events first: on a full disk, their pages are needed to record the index deletions.
    connection.execute("DELETE FROM events WHERE conversation_id = ?", (conversation_id,))
    search.drop(connection, conversation_id)
    connection.execute("DELETE FROM conversations WHERE conversation_id = ?", (conversation_id,))
