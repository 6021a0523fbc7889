"""The event log in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from thinkaloud.errors import Fenced, UnreadableLog
from thinkaloud.events.codec import decode, encode
from thinkaloud.ports.store import (
    Appended,
    ConversationKey,
    FinishedRun,
    LogEnd,
    LogPage,
    RunRecord,
    Stored,
    Token,
    ended_in,
)
from thinkaloud.stores.postgres.connection import Connection
from thinkaloud.stores.postgres.database import Database
from thinkaloud.stores.search_terms import words

TITLE: Final = ""
"""Stands for the run of a text that is a title."""

# One statement, so that a process that is paused never holds a lock. Of the events that are above
# the head of the log, those that cover earlier ones replace them: a batch was retried, merged.
_NEW: Final = """
    new AS (
        SELECT c.number, t.seq, t.first_seq, t.run_id, t.event, t.lengths, c.head_seq
        FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[],
            $8::bytea[]) AS t (owner, conversation_id, seq, first_seq, run_id, event, lengths)
        JOIN thinkaloud.conversations c USING (owner, conversation_id)
        {mine}
        WHERE t.seq > c.head_seq
    ),
    gone AS (
        DELETE FROM thinkaloud.events e USING new
        WHERE e.conversation = new.number AND new.first_seq <= new.head_seq
            AND e.seq >= new.first_seq AND e.first_seq >= new.first_seq
    ),
    added AS (
        INSERT INTO thinkaloud.events (conversation, seq, first_seq, run_id, event, lengths)
        SELECT number, seq, first_seq, run_id, event, lengths FROM new
        ON CONFLICT (conversation, seq) DO NOTHING
    ),
    moved AS (
        UPDATE thinkaloud.conversations c SET head_seq = greatest(c.head_seq, h.seq)
        FROM (SELECT number, max(seq) AS seq FROM new GROUP BY number) h WHERE c.number = h.number
    ),
    ended AS (
        UPDATE thinkaloud.runs r SET state = 'ended', token = NULL
        FROM thinkaloud.conversations c {of_mine}
        WHERE r.run_id = any($9::text[]) AND c.number = r.conversation
            AND (c.owner, c.conversation_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
            {is_mine}
    )
"""
_FENCED: Final = (
    """
    WITH me AS (SELECT token FROM thinkaloud.replicas WHERE token = $1 FOR KEY SHARE),
    mine AS (
        SELECT r.run_id, r.stopping FROM thinkaloud.runs r, me
        WHERE r.token = me.token AND r.state = 'running' FOR KEY SHARE OF r
    ),
    """
    + _NEW.format(
        mine="JOIN mine ON mine.run_id = t.run_id",
        of_mine=", mine",
        is_mine="AND mine.run_id = r.run_id",
    )
    + """
    SELECT (SELECT count(*) FROM me), array(SELECT run_id FROM mine),
        array(SELECT run_id FROM mine WHERE stopping)
    """
)
_ALONE: Final = (
    "WITH "
    + _NEW.format(mine="", of_mine="", is_mine="")
    + "SELECT 1, '{}'::text[], '{}'::text[] WHERE $1::bigint IS NULL"
)


class LogDatabase(Database):
    """Implements `EventLog`."""

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        """Append events. Events of deleted conversations and of other replicas' runs are dropped."""
        rows = [(*key, *_row(each)) for key, events in batch.items() for each in events]
        ended = [each for events in batch.values() for each in ended_in(events)]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 7
        statement = _ALONE if token is None else _FENCED

        async def work(connection: Connection) -> tuple[int, list[str], list[str]]:
            return await connection.fetchrow(statement, token, *columns, ended)

        # One statement is a transaction of its own.
        alive, mine, stopping = await self._writer.call(work)
        if not alive:
            raise Fenced
        self._publish(batch, runs=bool(ended))
        if token is None:
            return Appended()
        asked = {row[4] for row in rows}
        return Appended(asked.union(running) - set(mine), stopping)

    async def append_between_runs(
        self, owner: str, conversation_id: str, event: Stored, after: int
    ) -> bool:
        """Append an event that is not of a run, unless a run is open."""

        async def work(connection: Connection) -> bool:
            number = await connection.fetchval(
                "UPDATE thinkaloud.conversations c SET head_seq = $4 WHERE owner = $1"
                " AND conversation_id = $2 AND head_seq = $3 AND NOT EXISTS (SELECT 1"
                " FROM thinkaloud.runs r WHERE r.conversation = c.number AND r.state <> 'ended')"
                " RETURNING number",
                owner,
                conversation_id,
                after,
                event.logged.seq,
            )
            if number is not None:
                await insert_events(connection, number, [event])
            return number is not None

        appended = await self._write(work)
        if appended:
            self._publish([(owner, conversation_id)])
        return appended

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        *,
        title: str = "",
        reserved_seq: int | None = None,
        token: Token | None = None,
    ) -> bool:
        """Replace all events of a run with these, index its text, and set a missing title."""
        finished = FinishedRun(run, events, text)

        async def work(connection: Connection) -> bool:
            if token is not None:
                await check(connection, token)
            return await compact(connection, finished, title, reserved_seq, token)

        compacted = await self._write(work)
        self._publish([(run.owner, run.conversation_id)], runs=bool(ended_in(events)))
        return compacted

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        pages = await self.read_many({(owner, conversation_id): after}, limit)
        page = pages.get((owner, conversation_id))
        return [] if page is None else page.events

    async def read_many(
        self, after: Mapping[ConversationKey, int], limit: int
    ) -> Mapping[ConversationKey, LogPage]:
        """Return up to `limit` events of each of these conversations."""

        async def work(connection: Connection) -> Sequence[Any]:
            return await connection.fetch(
                "SELECT c.owner, c.conversation_id, c.number, e.first_seq, e.event, e.lengths"
                " FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t (owner, conversation_id, seq)"
                " JOIN thinkaloud.conversations c USING (owner, conversation_id)"
                " LEFT JOIN LATERAL (SELECT * FROM thinkaloud.events e WHERE e.conversation = c.number"
                " AND e.seq > t.seq ORDER BY e.seq LIMIT $4) e ON true ORDER BY c.number, e.seq",
                [owner for owner, _ in after],
                [conversation_id for _, conversation_id in after],
                list(after.values()),
                limit,
            )

        pages: dict[ConversationKey, tuple[str, list[Stored]]] = {}
        for owner, name, number, first_seq, event, lengths in await self._read(work):
            _, events = pages.setdefault((owner, name), (str(number), []))
            if event is not None:
                events.append(_stored(first_seq, event, lengths))
        return {key: LogPage(*page) for key, page in pages.items()}

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the last and the reserved sequence number of the log."""

        async def work(connection: Connection) -> Any:  # noqa: ANN401 - a row
            return await connection.fetchrow(
                "SELECT head_seq, greatest(head_seq, reserved_seq) FROM thinkaloud.conversations"
                " WHERE owner = $1 AND conversation_id = $2",
                owner,
                conversation_id,
            )

        row = await self._read(work)
        return LogEnd() if row is None else LogEnd(*row)

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that sequence numbers up to this one may be assigned."""

        async def work(connection: Connection) -> None:
            await connection.execute(
                "UPDATE thinkaloud.conversations SET reserved_seq = $3 WHERE owner = $1"
                " AND conversation_id = $2",
                owner,
                conversation_id,
                through_seq,
            )

        await self._write(work)


async def check(connection: Connection, token: Token) -> None:
    """Raise `Fenced` if a replica was declared dead; otherwise it is not until the commit."""
    row = await connection.fetchval(
        "SELECT 1 FROM thinkaloud.replicas WHERE token = $1 FOR KEY SHARE", token
    )
    if row is None:
        raise Fenced


async def compact(
    connection: Connection,
    finished: FinishedRun,
    title: str = "",
    reserved_seq: int | None = None,
    token: Token | None = None,
) -> bool:
    """Replace all events of a run up to its last with these, and index its text."""
    run, events = finished.run, finished.events
    found = await connection.fetchrow(
        "SELECT c.number, c.title, r.state, r.token FROM thinkaloud.runs r"
        " JOIN thinkaloud.conversations c ON c.number = r.conversation"
        " WHERE r.run_id = $1 AND c.owner = $2 AND c.conversation_id = $3 FOR UPDATE OF c, r",
        run.run_id,
        run.owner,
        run.conversation_id,
    )
    if found is None:
        return False
    number, old_title, state, executed_by = found
    if token is not None and state != "ended" and executed_by != token:
        return False
    if events:
        await connection.execute(
            "DELETE FROM thinkaloud.events WHERE conversation = $1 AND seq BETWEEN $2 AND $3"
            " AND run_id = $4",
            number,
            run.first_seq,
            events[-1].logged.seq,
            run.run_id,
        )
        await insert_events(connection, number, events)
    await _mark_compacted(connection, run.run_id, ended=run.run_id in ended_in(events))
    await connection.execute(
        "UPDATE thinkaloud.conversations SET head_seq = greatest(head_seq, $2),"
        " reserved_seq = coalesce($3, reserved_seq), title = $4 WHERE number = $1",
        number,
        events[-1].logged.seq if events else 0,
        reserved_seq,
        old_title or title.replace("\0", ""),
    )
    await put_text(connection, number, run.run_id, finished.text)
    if title and not old_title:
        await put_text(connection, number, TITLE, title)
    return True


async def _mark_compacted(connection: Connection, run_id: str, *, ended: bool) -> None:
    """Note that a run was compacted, if it has ended, and whether it has with this."""
    await connection.execute(
        "UPDATE thinkaloud.runs SET state = CASE WHEN $2 THEN 'ended' ELSE state END,"
        " token = CASE WHEN $2 THEN NULL ELSE token END,"
        " compacted = compacted OR $2 OR state = 'ended',"
        " message = CASE WHEN $2 OR state = 'ended' THEN NULL ELSE message END,"
        " spec = CASE WHEN $2 OR state = 'ended' THEN NULL ELSE spec END WHERE run_id = $1",
        run_id,
        ended,
    )


async def insert_events(connection: Connection, number: int, events: Sequence[Stored]) -> None:
    """Insert events of the conversation with this number."""
    await connection.executemany(
        "INSERT INTO thinkaloud.events (conversation, seq, first_seq, run_id, event, lengths)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        [(number, *_row(each)) for each in events],
    )


async def put_text(connection: Connection, number: int, run_id: str, text: str) -> None:
    """Index the text of a run, or a title (`run_id` empty), replacing any previous text."""
    await connection.execute(
        "INSERT INTO thinkaloud.texts (conversation, run_id, words) VALUES ($1, $2, $3)"
        " ON CONFLICT (conversation, run_id) DO UPDATE SET words = excluded.words",
        number,
        run_id,
        f" {' '.join(words(text))}",
    )


def _row(stored: Stored) -> tuple[int, int, str, bytes, bytes | None]:
    logged = stored.logged
    return logged.seq, stored.first_seq, logged.run_id, encode(logged), stored.lengths or None


def _stored(first_seq: int, event: bytes, lengths: bytes | None) -> Stored:
    try:
        return Stored(first_seq, decode(event), lengths or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableLog(f"The database holds an event that cannot be read: {error}") from error
