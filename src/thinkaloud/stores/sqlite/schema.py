"""The tables and their migrations: forward only, counted by `PRAGMA user_version`."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from thinkaloud.errors import ConfigurationError

APPLICATION_ID: Final = 0x746B6164
"""`tkad` in the file header: identifies a thinkaloud database."""

Migration = Sequence[str]
"""Statements that upgrade from one version to the next, in one transaction."""

MIGRATIONS: Final[Sequence[Migration]] = (
    (
        """
        CREATE TABLE conversations (
            conversation_id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL,
            updated_at_ms INTEGER NOT NULL,
            title TEXT NOT NULL,
            reserved_seq INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID
        """,
        """
        CREATE INDEX conversations_by_owner
        ON conversations (owner, updated_at_ms DESC, conversation_id DESC)
        """,
        """
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            owner TEXT NOT NULL,
            first_seq INTEGER NOT NULL,
            idempotency_key TEXT,
            ended INTEGER NOT NULL DEFAULT 0
        )
        """,
        "CREATE INDEX runs_by_conversation ON runs (conversation_id)",
        "CREATE INDEX runs_open ON runs (number) WHERE ended = 0",
        """
        CREATE INDEX runs_by_key ON runs (owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
        # A row covers the numbers first_seq … seq. The event is JSON of thinkaloud.events.codec.
        """
        CREATE TABLE events (
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            run_id TEXT NOT NULL,
            event BLOB NOT NULL,
            PRIMARY KEY (conversation_id, seq)
        ) WITHOUT ROWID
        """,
        # One text per compacted run, and one for the title, with run_id ''.
        """
        CREATE TABLE texts (
            number INTEGER PRIMARY KEY,
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            run_id TEXT NOT NULL,
            UNIQUE (conversation_id, run_id)
        )
        """,
        # Row ids are the numbers of `texts`. The text is already split into words
        # (stores.search_terms); this tokenizer only splits at spaces.
        "CREATE VIRTUAL TABLE words USING fts5 (text, tokenize = 'ascii')",
        # Work that remains to be done after a crash.
        "CREATE TABLE chores (chore TEXT PRIMARY KEY) WITHOUT ROWID",
    ),
    (
        # In insertion order: a flush fills a few pages at the end, not one per conversation.
        "ALTER TABLE events RENAME TO events_by_key",
        """
        CREATE TABLE events (
            conversation_id TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            run_id TEXT NOT NULL,
            event BLOB NOT NULL,
            PRIMARY KEY (conversation_id, seq)
        )
        """,
        "INSERT INTO events SELECT * FROM events_by_key ORDER BY conversation_id, seq",
        "DROP TABLE events_by_key",
    ),
    (
        # A run is finished once compacted; one that ended just before a crash may not be.
        "ALTER TABLE runs ADD COLUMN compacted INTEGER NOT NULL DEFAULT 0",
        """
        UPDATE runs SET compacted = ended WHERE EXISTS (
            SELECT 1 FROM texts
            WHERE texts.conversation_id = runs.conversation_id AND texts.run_id = runs.run_id
        )
        """,
        "DROP INDEX runs_open",
        "CREATE INDEX runs_unfinished ON runs (number) WHERE compacted = 0",
        # The `RunStarted` of the run, until it is compacted: JSON of thinkaloud.events.codec.
        "ALTER TABLE runs ADD COLUMN message BLOB",
    ),
    (
        # Lengths of merged deltas, packed by thinkaloud.core.delta_offsets; null if unknown.
        "ALTER TABLE events ADD COLUMN lengths BLOB",
    ),
    # Logs may contain `version.selected`, so older versions must refuse the file.
    (),
    (
        # A conversation id is a name within its owner: other tables refer to the row's number.
        "ALTER TABLE conversations RENAME TO conversations_by_id",
        "ALTER TABLE runs RENAME TO runs_by_id",
        "ALTER TABLE events RENAME TO events_by_id",
        "ALTER TABLE texts RENAME TO texts_by_id",
        """
        CREATE TABLE conversations (
            number INTEGER PRIMARY KEY,
            conversation_id TEXT NOT NULL,
            owner TEXT NOT NULL,
            created_at_ms INTEGER NOT NULL,
            updated_at_ms INTEGER NOT NULL,
            title TEXT NOT NULL,
            reserved_seq INTEGER NOT NULL DEFAULT 0,
            UNIQUE (conversation_id, owner)
        )
        """,
        """
        CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
            owner TEXT NOT NULL,
            first_seq INTEGER NOT NULL,
            idempotency_key TEXT,
            ended INTEGER NOT NULL DEFAULT 0,
            compacted INTEGER NOT NULL DEFAULT 0,
            message BLOB
        )
        """,
        """
        CREATE TABLE events (
            conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            run_id TEXT NOT NULL,
            event BLOB NOT NULL,
            lengths BLOB,
            PRIMARY KEY (conversation, seq)
        )
        """,
        """
        CREATE TABLE texts (
            number INTEGER PRIMARY KEY,
            conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
            run_id TEXT NOT NULL,
            UNIQUE (conversation, run_id)
        )
        """,
        """
        INSERT INTO conversations
            (conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq)
        SELECT conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq
        FROM conversations_by_id
        """,
        """
        INSERT INTO runs
        SELECT old.number, run_id, new.number, old.owner, first_seq, idempotency_key, ended,
            compacted, message
        FROM runs_by_id AS old JOIN conversations AS new USING (conversation_id)
        ORDER BY old.number
        """,
        """
        INSERT INTO events
        SELECT new.number, seq, first_seq, run_id, event, lengths
        FROM events_by_id AS old JOIN conversations AS new USING (conversation_id)
        ORDER BY old.rowid
        """,
        """
        INSERT INTO texts
        SELECT old.number, new.number, run_id
        FROM texts_by_id AS old JOIN conversations AS new USING (conversation_id)
        ORDER BY old.number
        """,
        # The referring tables first: a dropped table deletes its rows, which would cascade.
        "DROP TABLE texts_by_id",
        "DROP TABLE events_by_id",
        "DROP TABLE runs_by_id",
        "DROP TABLE conversations_by_id",
        """
        CREATE INDEX conversations_by_owner
        ON conversations (owner, updated_at_ms DESC, conversation_id DESC)
        """,
        "CREATE INDEX runs_by_conversation ON runs (conversation)",
        "CREATE INDEX runs_unfinished ON runs (number) WHERE compacted = 0",
        """
        CREATE INDEX runs_by_key ON runs (owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
    ),
    (
        # A key belongs to the first run with it.
        """
        UPDATE runs SET idempotency_key = NULL WHERE EXISTS (
            SELECT 1 FROM runs AS first WHERE first.owner = runs.owner
            AND first.idempotency_key = runs.idempotency_key AND first.number < runs.number
        )
        """,
        "DROP INDEX runs_by_key",
        """
        CREATE UNIQUE INDEX runs_by_key ON runs (owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
        # The processes that share the file. The token is never reused; a dead one has no row.
        """
        CREATE TABLE replicas (
            token INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            version TEXT NOT NULL,
            started_at_ms INTEGER NOT NULL,
            beat INTEGER NOT NULL DEFAULT 0,
            state TEXT NOT NULL DEFAULT 'alive',
            active_runs INTEGER NOT NULL DEFAULT 0,
            queued_runs INTEGER NOT NULL DEFAULT 0,
            followers INTEGER NOT NULL DEFAULT 0
        )
        """,
        # Of a run that has not ended: 'queued', 'running', 'waiting' or 'ready'.
        "ALTER TABLE runs ADD COLUMN state TEXT NOT NULL DEFAULT 'running'",
        # The replica that executes it; null for a process that uses the file alone.
        "ALTER TABLE runs ADD COLUMN token INTEGER",
        # Whether it is only to be ended, because its replica died or it was stopped while queued.
        "ALTER TABLE runs ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN replaces TEXT",
        "ALTER TABLE runs ADD COLUMN spec BLOB",
        """
        CREATE UNIQUE INDEX runs_writing ON runs (conversation)
        WHERE ended = 0 AND adopted = 0 AND token IS NOT NULL
        """,
    ),
    ("ALTER TABLE conversations ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0",),
    # Tells a conversation from an earlier one whose number it has got.
    ("ALTER TABLE conversations ADD COLUMN generation INTEGER NOT NULL DEFAULT 0",),
)


def refuse_others(
    connection: sqlite3.Connection, path: Path, newest: int = len(MIGRATIONS)
) -> None:
    """Raise `ConfigurationError` if the database is newer than this or not from thinkaloud.

    Changes nothing.
    """
    version = version_of(connection)
    if version > newest:
        raise ConfigurationError(
            f"{path} was written by a newer thinkaloud (its version is {version}, this program"
            f" supports up to {newest}). Install the newer thinkaloud, or set THINKALOUD_DATA_DIR "
            "to another directory."
        )
    if not _is_ours(connection):
        raise ConfigurationError(
            f"{path} is the database of another program. Move it away, or set "
            "THINKALOUD_DATA_DIR to another directory."
        )


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS
) -> bool:
    """Migrate a database to the latest version; create the tables of an empty one.

    Each migration is atomic. Returns whether there were any. Raises like `refuse_others`.
    """
    refuse_others(connection, path, len(migrations))
    first = version_of(connection)
    for number in range(first, len(migrations)):
        _apply(connection, migrations[number], number + 1)
    return first < len(migrations)


def _apply(connection: sqlite3.Connection, statements: Migration, version: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if version_of(connection) >= version:
            return  # Another process did it at the same time.
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def version_of(connection: sqlite3.Connection) -> int:
    """Return how many migrations were applied to a database."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _is_ours(connection: sqlite3.Connection) -> bool:
    # In this order: another process may be creating the tables, and they come with the id.
    if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None:
        return True
    return connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
