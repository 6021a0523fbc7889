"""Conversations in PostgreSQL, and the whole store."""

from collections.abc import Sequence
from typing import Any, Final

from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    RunStart,
)
from thinkaloud.stores.postgres.connection import Connection
from thinkaloud.stores.postgres.log import TITLE, compact, put_text
from thinkaloud.stores.postgres.runs import RunDatabase, insert_run
from thinkaloud.stores.search_terms import phrases

_COLUMNS: Final = "conversation_id, owner, created_at_ms, updated_at_ms, title, unlisted"
_LAST_MS: Final = 2**63 - 1
_PURGED_AT_ONCE: Final = 64
_DELETE: Final = """
    WITH gone AS (DELETE FROM thinkaloud.conversations WHERE number = any($1::bigint[]))
    DELETE FROM thinkaloud.events WHERE conversation = any($1::bigint[])
"""


class PostgresStore(RunDatabase):
    """Implements `Store` with a PostgreSQL database. Create it with `open`.

    Methods that write return after the commit. The queries themselves filter by owner.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs. False if its owner already uses the id."""

        async def work(connection: Connection) -> bool:
            number = await connection.fetchval(
                f"INSERT INTO thinkaloud.conversations ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)"
                " ON CONFLICT DO NOTHING RETURNING number",
                conversation.conversation_id,
                conversation.owner,
                conversation.created_at_ms,
                conversation.updated_at_ms,
                conversation.title.replace("\0", ""),
                conversation.unlisted,
            )
            if number is None:
                return False
            await put_text(connection, number, TITLE, conversation.title)
            for each in runs:
                start = RunStart(each.run, conversation)
                await insert_run(connection, number, start, each.run, "running", None)
                await compact(connection, each)
            return True

        return await self._write(work)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""

        async def work(connection: Connection) -> Any:  # noqa: ANN401 - a row
            return await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM thinkaloud.conversations WHERE owner = $1"
                " AND conversation_id = $2",
                owner,
                conversation_id,
            )

        row = await self._read(work)
        return None if row is None else _conversation(row)

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations, most recently updated first."""
        wanted = [f"% {' '.join(phrase)}%" for phrase in phrases(search or "")]
        if search and not search.isspace() and not wanted:
            return []

        async def work(connection: Connection) -> Sequence[Any]:
            # Words have no character that is special in a pattern but "_".
            return await connection.fetch(
                f"SELECT {_COLUMNS} FROM thinkaloud.conversations c WHERE owner = $1"
                " AND NOT unlisted AND (updated_at_ms, conversation_id) < ($2, $3)"
                " AND (SELECT coalesce(bool_and(EXISTS (SELECT 1 FROM thinkaloud.texts t"
                " WHERE t.conversation = c.number AND t.words LIKE p)), true)"
                " FROM unnest($4::text[]) AS p)"
                " ORDER BY updated_at_ms DESC, conversation_id DESC LIMIT $5",
                owner,
                *(before or (_LAST_MS, "")),
                [each.replace("_", r"\_") for each in wanted],
                limit,
            )

        return [_conversation(row) for row in await self._read(work)]

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return the updated conversation."""

        async def work(connection: Connection) -> Conversation | None:
            row = await connection.fetchrow(
                f"SELECT number, {_COLUMNS} FROM thinkaloud.conversations WHERE owner = $1"
                " AND conversation_id = $2 FOR UPDATE",
                owner,
                conversation_id,
            )
            if row is None:
                return None
            before = _conversation(row[1:])
            after = change.applied(before)
            await connection.execute(
                "UPDATE thinkaloud.conversations SET updated_at_ms = $2, title = $3"
                " WHERE number = $1",
                row[0],
                after.updated_at_ms,
                after.title.replace("\0", ""),
            )
            if after.title != before.title:
                await put_text(connection, row[0], TITLE, after.title)
            return after

        return await self._write(work)

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log. False if it does not exist."""

        async def work(connection: Connection) -> bool:
            number = await connection.fetchval(
                "SELECT number FROM thinkaloud.conversations WHERE owner = $1"
                " AND conversation_id = $2 FOR UPDATE",
                owner,
                conversation_id,
            )
            if number is not None:
                await connection.execute(_DELETE, [number])
            return number is not None

        deleted = await self._write(work)
        if deleted:
            self._publish([(owner, conversation_id)], runs=True)
        return deleted

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete some conversations last updated before this time (Unix ms)."""

        async def work(connection: Connection) -> Sequence[Any]:
            rows = await connection.fetch(
                "SELECT number, owner, conversation_id FROM thinkaloud.conversations c"
                " WHERE updated_at_ms < $1 AND NOT EXISTS (SELECT 1 FROM thinkaloud.runs r"
                " WHERE r.conversation = c.number AND r.state <> 'ended')"
                " LIMIT $2 FOR UPDATE SKIP LOCKED",
                older_than_ms,
                _PURGED_AT_ONCE,
            )
            await connection.execute(_DELETE, [number for number, *_ in rows])
            return rows

        gone = [(owner, name) for _, owner, name in await self._write(work)]
        self._publish(gone)
        return gone


def _conversation(row: Sequence[Any]) -> Conversation:
    *fields, unlisted = row
    return Conversation(*fields, unlisted=unlisted)
