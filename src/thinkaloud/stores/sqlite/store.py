"""The `Store` port on one SQLite file."""

from collections.abc import Mapping, Sequence
from functools import partial

from thinkaloud.ports.store import (
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    RunRecord,
    RunStart,
    Started,
    Stored,
    Unfinished,
)
from thinkaloud.stores.sqlite import conversations, log
from thinkaloud.stores.sqlite.owners import OwnersDatabase


class SqliteStore(OwnersDatabase):
    """Implements `Store` with one file. Create it with `open`.

    Methods that write return after the commit. The queries themselves filter by owner.
    """

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs. False if its owner already uses the id."""
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
        """List this owner's conversations, most recently updated first."""
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
        """Update a conversation of this owner and return the updated conversation."""
        return await self._write(
            partial(
                conversations.update, owner=owner, conversation_id=conversation_id, change=change
            )
        )

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log. False if it does not exist.

        Some of its words may remain in the file until `scrub`.
        """
        return await self._write(
            partial(conversations.delete, owner=owner, conversation_id=conversation_id)
        )

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete some conversations last updated before this time (Unix ms)."""
        return await self._write(partial(conversations.purge, older_than_ms=older_than_ms))

    async def start_run(self, start: RunStart) -> Started:
        """Create a run, its conversation and its reserved numbers in one transaction."""
        return await self._write(partial(log.start_run, start=start))

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        return await self._read(partial(log.find_run, owner=owner, run_id=run_id))

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the first run created with this idempotency key."""
        return await self._read(partial(log.find_run_by_key, owner=owner, key=idempotency_key))

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that are not both ended and compacted, oldest first."""
        return await self._read(log.unfinished_runs)

    async def append(self, batch: Mapping[ConversationKey, Sequence[Stored]]) -> None:
        """Append events. Events of deleted conversations are dropped."""
        if batch:
            new = {
                key: log.Appended(log.rows_of(events), log.ended_in(events))
                for key, events in batch.items()
            }
            await self._write(partial(log.append, batch=new))

    async def compact(
        self,
        run: RunRecord,
        events: Sequence[Stored],
        text: str,
        *,
        title: str = "",
        reserved_seq: int | None = None,
    ) -> None:
        """Replace all events of a run with these, index its text, and set a missing title."""
        new = log.Compacted(log.rows_of(events), log.ended_in(events), text, title, reserved_seq)
        await self._write(partial(log.compact, run=run, new=new))

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
        """Return the last and the reserved sequence number of the log."""
        return await self._read(partial(log.end, owner=owner, conversation_id=conversation_id))

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that sequence numbers up to this one may be assigned."""
        await self._write(
            partial(
                log.reserve, owner=owner, conversation_id=conversation_id, through_seq=through_seq
            )
        )
