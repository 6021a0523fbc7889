"""The ports for conversations and the event log on one SQLite file."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from thinkaloud.ports.store import (
    Appended,
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    LogPage,
    RunRecord,
    Stored,
    Token,
    ended_in,
)
from thinkaloud.stores.sqlite.runs import RunDatabase
from thinkaloud.stores.sqlite.sql import conversations, log


class LogDatabase(RunDatabase):
    """Implements `EventLog`."""

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        """Append events. Events of deleted conversations and of other replicas' runs are dropped."""
        if not batch and token is None:
            return Appended()
        new = {
            key: log.Appending(log.rows_of(events), ended_in(events))
            for key, events in batch.items()
        }
        appended = await self._write(partial(log.append, batch=new, token=token, running=running))
        self._hints.publish(batch, runs=any(each.ended for each in new.values()))
        return appended

    async def append_between_runs(
        self, owner: str, conversation_id: str, event: Stored, after: int
    ) -> bool:
        """Append an event that is not of a run, unless a run is open."""
        (row,) = log.rows_of([event])
        appended = await self._write(
            partial(
                log.append_between_runs,
                owner=owner,
                conversation_id=conversation_id,
                row=row,
                after=after,
            )
        )
        if appended:
            self._hints.publish([(owner, conversation_id)])
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
        new = log.Compacted(log.rows_of(events), ended_in(events), text, title, reserved_seq)
        compacted = await self._write(partial(log.compact, run=run, new=new, token=token))
        self._hints.publish([(run.owner, run.conversation_id)], runs=bool(new.ended))
        return compacted

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        return await self._read(
            partial(
                log.read, owner=owner, conversation_id=conversation_id, after=after, limit=limit
            )
        )

    async def read_many(
        self, after: Mapping[ConversationKey, int], limit: int
    ) -> Mapping[ConversationKey, LogPage]:
        """Return up to `limit` events of each of these conversations."""
        return await self._read(partial(log.read_many, after=after, limit=limit))

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


class SqliteStore(LogDatabase):
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
        deleted = await self._write(
            partial(conversations.delete, owner=owner, conversation_id=conversation_id)
        )
        if deleted:
            self._hints.publish([(owner, conversation_id)])
        return deleted

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete some conversations last updated before this time (Unix ms)."""
        gone = await self._write(partial(conversations.purge, older_than_ms=older_than_ms))
        self._hints.publish(gone)
        return gone
