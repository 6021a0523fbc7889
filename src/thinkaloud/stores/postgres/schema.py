"""The tables and their migrations: forward only, counted in `meta`.

Two versions of thinkaloud may use the tables at the same time, so a migration only adds. A later
release removes what has become unused.
"""

from collections.abc import Sequence
from typing import Final

from thinkaloud.stores.postgres.other_tables import OTHER_TABLES

MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    (
        """
        CREATE TABLE thinkaloud.replicas (
            token bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            version text NOT NULL,
            started_at_ms bigint NOT NULL,
            beat bigint NOT NULL DEFAULT 0,
            state text NOT NULL DEFAULT 'alive' CHECK (state IN ('alive', 'draining')),
            active_runs int NOT NULL DEFAULT 0,
            queued_runs int NOT NULL DEFAULT 0,
            followers int NOT NULL DEFAULT 0
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE thinkaloud.conversations (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            conversation_id text COLLATE "C" NOT NULL,
            owner text COLLATE "C" NOT NULL,
            created_at_ms bigint NOT NULL,
            updated_at_ms bigint NOT NULL,
            title text NOT NULL DEFAULT '',
            unlisted bool NOT NULL DEFAULT false,
            head_seq bigint NOT NULL DEFAULT 0,
            reserved_seq bigint NOT NULL DEFAULT 0,
            UNIQUE (owner, conversation_id)
        ) WITH (fillfactor = 80)
        """,
        """
        CREATE INDEX conversations_by_owner
        ON thinkaloud.conversations (owner, updated_at_ms DESC, conversation_id DESC)
        """,
        """
        CREATE TABLE thinkaloud.runs (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            run_id text COLLATE "C" NOT NULL UNIQUE,
            conversation bigint NOT NULL REFERENCES thinkaloud.conversations ON DELETE CASCADE,
            owner text COLLATE "C" NOT NULL,
            first_seq bigint NOT NULL,
            idempotency_key text,
            message bytea,
            spec bytea,
            replaces text,
            state text NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'ready', 'ended')),
            token bigint,
            adopted bool NOT NULL DEFAULT false,
            stopping bool NOT NULL DEFAULT false,
            compacted bool NOT NULL DEFAULT false,
            CHECK (state = 'running' OR token IS NULL)
        ) WITH (fillfactor = 70)
        """,
        """
        CREATE UNIQUE INDEX runs_by_key ON thinkaloud.runs (owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL
        """,
        # One run of a conversation writes its log.
        """
        CREATE UNIQUE INDEX runs_writing ON thinkaloud.runs (conversation)
        WHERE state IN ('running', 'waiting', 'ready') AND token IS NOT NULL AND NOT adopted
        """,
        "CREATE INDEX runs_by_conversation ON thinkaloud.runs (conversation, number)",
        "CREATE INDEX runs_open ON thinkaloud.runs (number) WHERE state <> 'ended'",
        "CREATE INDEX runs_uncompacted ON thinkaloud.runs (number) WHERE NOT compacted",
        # A row covers the numbers first_seq … seq. The event is JSON of thinkaloud.events.codec.
        # Without a foreign key, which would lock a row of the conversation for each event.
        """
        CREATE TABLE thinkaloud.events (
            conversation bigint NOT NULL,
            seq bigint NOT NULL,
            first_seq bigint NOT NULL,
            run_id text COLLATE "C" NOT NULL,
            event bytea NOT NULL,
            lengths bytea,
            PRIMARY KEY (conversation, seq)
        ) WITH (
            autovacuum_vacuum_scale_factor = 0.02,
            autovacuum_vacuum_insert_scale_factor = 0.05,
            autovacuum_vacuum_cost_delay = 0
        )
        """,
        # The words of each compacted run, and those of the title, with run_id ''.
        """
        CREATE TABLE thinkaloud.texts (
            conversation bigint NOT NULL REFERENCES thinkaloud.conversations ON DELETE CASCADE,
            run_id text COLLATE "C" NOT NULL,
            words text NOT NULL,
            PRIMARY KEY (conversation, run_id)
        )
        """,
    ),
    OTHER_TABLES,
)
"""Statements that upgrade from one version to the next, in one transaction."""

READABLE_FROM: Final = 1
"""The oldest version of the program, counted in migrations, that can use these tables."""
