"""The store port over one SQLite file."""

from collections.abc import Sequence
from functools import partial

from thinkaloud.events.event import RunStarted
from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    RunRecord,
    Stored,
    Unfinished,
)
from thinkaloud.stores.sqlite import conversations, log
from thinkaloud.stores.sqlite.database import Database


class SqliteStore(Database):
    """Keeps everything in a file. Made by `open`.

    What `Store` promises, it promises; a writing method returns when its work is committed.
    Another owner's objects are not found by the query itself.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Keep a new conversation with these runs. False where the id is taken, by whomever."""
        return await self._write(
            partial(conversations.create, conversation=conversation, runs=runs)
        )

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        return await self._read(
            partial(conversations.find, owner=owner, conversation_id=conversation_id)
        )

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations, the latest updated first."""
        return await self._read(
            partial(
                conversations.latest,
                owner=owner,
                before=before,
                limit=limit,
                searched=search,
            )
        )

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Change a conversation of this owner and return it as it is now."""
        return await self._write(
            partial(
                conversations.update, owner=owner, conversation_id=conversation_id, change=change
            )
        )

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log. False where there is none.

        Words of it may stand in the file until `scrub`.
        """
        return await self._write(
            partial(conversations.delete, owner=owner, conversation_id=conversation_id)
        )

    async def purge(self, older_than_ms: int) -> Sequence[tuple[str, str]]:
        """Delete some conversations last updated before this moment (Unix ms)."""
        return await self._write(partial(conversations.purge, older_than_ms=older_than_ms))

    async def add_run(self, run: RunRecord, message: RunStarted | None = None) -> bool:
        """Keep a new run. One of a conversation that is gone goes nowhere."""
        return await self._write(partial(log.add_run, run=run, message=message))

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        return await self._read(partial(log.find_run, owner=owner, run_id=run_id))

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the run that a request with this key made first."""
        return await self._read(partial(log.find_run_by_key, owner=owner, key=idempotency_key))

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that were not compacted with their end, oldest first."""
        return await self._read(log.unfinished_runs)

    async def append(self, batch: Sequence[Stored]) -> None:
        """Append events. Those of a deleted conversation go nowhere."""
        if batch:
            await self._write(
                partial(log.append, rows=log.rows_of(batch), ended=log.ended_in(batch))
            )

    async def compact(self, run: RunRecord, events: Sequence[Stored], text: str) -> None:
        """Replace all events of a run with these, and index its text."""
        rows = log.rows_of(events).get(run.conversation_id, [])
        await self._write(
            partial(log.compact, run=run, rows=rows, ended=log.ended_in(events), text=text)
        )

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        return await self._read(
            partial(
                log.read, owner=owner, conversation_id=conversation_id, after=after, limit=limit
            )
        )

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return how far the log goes."""
        return await self._read(partial(log.end, owner=owner, conversation_id=conversation_id))

    async def reserve(self, conversation_id: str, through_seq: int) -> None:
        """Keep that numbers up to this one may be given out."""
        await self._write(
            partial(log.reserve, conversation_id=conversation_id, through_seq=through_seq)
        )
