"""The tables of everything but conversations: uploads, keys, channels, approvals and records
of protocols."""

from collections.abc import Sequence
from typing import Final

OTHER_TABLES: Final[Sequence[str]] = (
    """
    CREATE TABLE thinkaloud.uploads (
        upload_id text COLLATE "C" PRIMARY KEY,
        owner text COLLATE "C" NOT NULL,
        name text NOT NULL,
        media_type text NOT NULL,
        bytes bigint NOT NULL,
        created_at_ms bigint NOT NULL
    )
    """,
    """
    CREATE INDEX uploads_by_owner
    ON thinkaloud.uploads (owner, created_at_ms DESC, upload_id DESC)
    """,
    """
    CREATE TABLE thinkaloud.upload_chunks (
        upload_id text COLLATE "C" NOT NULL REFERENCES thinkaloud.uploads ON DELETE CASCADE,
        number int NOT NULL,
        data bytea NOT NULL,
        PRIMARY KEY (upload_id, number)
    )
    """,
    # Most uploads are compressed already.
    "ALTER TABLE thinkaloud.upload_chunks ALTER data SET STORAGE EXTERNAL",
    """
    CREATE TABLE thinkaloud.upload_uses (
        number bigint GENERATED ALWAYS AS IDENTITY,
        upload_id text COLLATE "C" NOT NULL REFERENCES thinkaloud.uploads ON DELETE CASCADE,
        conversation_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (upload_id, conversation_id)
    )
    """,
    "CREATE INDEX upload_uses_by_conversation ON thinkaloud.upload_uses (conversation_id)",
    # `record` is JSON of `ApiKey` without its last use.
    """
    CREATE TABLE thinkaloud.keys (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key_id text COLLATE "C" NOT NULL UNIQUE,
        record bytea NOT NULL,
        last_used_ms bigint
    )
    """,
    """
    CREATE TABLE thinkaloud.sessions (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        digest bytea NOT NULL UNIQUE,
        key_id text COLLATE "C" NOT NULL,
        secret_number int NOT NULL,
        created_at_ms bigint NOT NULL,
        last_used_ms bigint NOT NULL
    )
    """,
    # One row, which each change of keys or sessions locks first.
    "CREATE TABLE thinkaloud.key_revision (number bigint NOT NULL)",
    "INSERT INTO thinkaloud.key_revision VALUES (0)",
    """
    CREATE TABLE thinkaloud.audit (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at_ms bigint NOT NULL,
        act text NOT NULL,
        "by" text NOT NULL,
        key_id text,
        address text,
        request_id text,
        detail text NOT NULL
    )
    """,
    "CREATE INDEX audit_by_time ON thinkaloud.audit (at_ms)",
    """
    CREATE TABLE thinkaloud.usage (
        account text COLLATE "C" PRIMARY KEY,
        day int NOT NULL,
        tokens bigint NOT NULL
    ) WITH (fillfactor = 70)
    """,
    # `record` is JSON of `Selection`.
    """
    CREATE TABLE thinkaloud.selections (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner text COLLATE "C" NOT NULL UNIQUE,
        record bytea NOT NULL
    )
    """,
    # `number` is the order of insertion; replacing a value keeps its place.
    """
    CREATE TABLE thinkaloud.channel_state (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        channel text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        value bytea NOT NULL,
        UNIQUE (kind, channel, key)
    )
    """,
    """
    CREATE TABLE thinkaloud.secrets (
        name text COLLATE "C" PRIMARY KEY,
        value bytea NOT NULL
    )
    """,
    """
    CREATE TABLE thinkaloud.records (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner text COLLATE "C" NOT NULL,
        kind text COLLATE "C" NOT NULL,
        name text COLLATE "C" NOT NULL,
        saved_at_ms bigint NOT NULL,
        conversation_id text COLLATE "C" NOT NULL,
        value bytea NOT NULL,
        UNIQUE (owner, kind, name)
    )
    """,
    """
    CREATE TABLE thinkaloud.remembered_approvals (
        owner text COLLATE "C" NOT NULL,
        action text COLLATE "C" NOT NULL,
        fingerprint text NOT NULL,
        at_ms bigint NOT NULL,
        PRIMARY KEY (owner, action)
    )
    """,
    """
    CREATE INDEX records_by_conversation ON thinkaloud.records (owner, conversation_id)
    WHERE conversation_id <> ''
    """,
)
"""Statements that create them."""
