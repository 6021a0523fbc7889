"""Combines two stores: temporary conversations in memory, all others in a persistent store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from thinkaloud.ports.store import (
    Accepted,
    Appended,
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    LogEnd,
    LogPage,
    OpenRun,
    Replica,
    ReplicaCounts,
    RunRecord,
    RunStart,
    RunState,
    Store,
    Stored,
    Subscription,
    TakenRun,
    Token,
    Unfinished,
)
from thinkaloud.stores.memory import MemoryStore


class TemporaryStore:
    """Keeps temporary conversations in memory and all others in a persistent store.

    A temporary conversation can be looked up by id but is never listed. It is lost when the
    process ends.
    """

    def __init__(self, lasting: Store) -> None:
        self._lasting = lasting
        self._memory = MemoryStore()
        self._temporary: set[ConversationKey] = set()

    def _of(self, owner: str, conversation_id: str) -> Store:
        return self._memory if (owner, conversation_id) in self._temporary else self._lasting

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation in the right store. False if its owner uses the id in either."""
        conversation_id, owner = conversation.conversation_id, conversation.owner
        if (owner, conversation_id) in self._temporary:
            return False
        if not conversation.temporary:
            return await self._lasting.create_conversation(conversation, runs)
        if await self._lasting.conversation(owner, conversation_id) is not None:
            return False
        self._temporary.add((owner, conversation_id))
        return await self._memory.create_conversation(conversation, runs)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        return await self._of(owner, conversation_id).conversation(owner, conversation_id)

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List the persistent conversations of this owner."""
        return await self._lasting.conversations(owner, before=before, limit=limit, search=search)

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return the updated conversation."""
        return await self._of(owner, conversation_id).update_conversation(
            owner, conversation_id, change
        )

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log."""
        deleted = await self._of(owner, conversation_id).delete_conversation(owner, conversation_id)
        if deleted:
            self._temporary.discard((owner, conversation_id))
        return deleted

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete some old conversations, including temporary ones."""
        passing = await self._memory.purge(older_than_ms)
        self._temporary.difference_update(passing)
        return [*passing, *await self._lasting.purge(older_than_ms)]

    async def check_writing(self) -> None:
        """Raise `StoreError` while the persistent store cannot be written."""
        await self._lasting.check_writing()

    async def scrub(self) -> None:
        """Remove the remaining traces of deleted data."""
        await self._lasting.scrub()

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        """Create a run with its conversation in the right store.

        A temporary conversation's id comes from this process, so it is not looked up in the
        persistent store.
        """
        new = start.conversation
        key = (new.owner, new.conversation_id)
        if new.temporary:
            self._temporary.add(key)
        if key not in self._temporary:
            return await self._lasting.accept(start, token, take=take)
        return await self._memory.accept(start)

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        found = await self._memory.run(owner, run_id)
        return found or await self._lasting.run(owner, run_id)

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the first run created with this idempotency key."""
        found = await self._memory.run_for_key(owner, idempotency_key)
        return found or await self._lasting.run_for_key(owner, idempotency_key)

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the persistent runs that are not both ended and compacted."""
        return await self._lasting.unfinished_runs()

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        """Append events, each to its conversation's store."""
        appended = Appended()
        lasting = {key: events for key, events in batch.items() if key not in self._temporary}
        if lasting or token is not None:
            appended = await self._lasting.append(lasting, token, running)
        if len(lasting) < len(batch):
            await self._memory.append(
                {key: events for key, events in batch.items() if key in self._temporary}
            )
        return appended

    async def append_between_runs(
        self, owner: str, conversation_id: str, event: Stored, after: int
    ) -> bool:
        """Append an event that is not of a run, unless a run is open."""
        store = self._of(owner, conversation_id)
        return await store.append_between_runs(owner, conversation_id, event, after)

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
        """Replace all events of a run with these."""
        if (run.owner, run.conversation_id) in self._temporary:
            return await self._memory.compact(
                run, events, text, title=title, reserved_seq=reserved_seq
            )
        return await self._lasting.compact(
            run, events, text, title=title, reserved_seq=reserved_seq, token=token
        )

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        """Return up to `limit` events with `seq` greater than `after`, in order."""
        return await self._of(owner, conversation_id).read(owner, conversation_id, after, limit)

    async def read_many(
        self, after: Mapping[ConversationKey, int], limit: int
    ) -> Mapping[ConversationKey, LogPage]:
        """Return up to `limit` events of each of these conversations."""
        temporary = {key: seq for key, seq in after.items() if key in self._temporary}
        lasting = {key: seq for key, seq in after.items() if key not in self._temporary}
        pages = dict(await self._memory.read_many(temporary, limit))
        if lasting:
            pages.update(await self._lasting.read_many(lasting, limit))
        return pages

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        """Return the last and the reserved sequence number of the log."""
        return await self._of(owner, conversation_id).log_end(owner, conversation_id)

    async def reserve(self, owner: str, conversation_id: str, through_seq: int) -> None:
        """Persist that sequence numbers up to this one may be assigned."""
        await self._of(owner, conversation_id).reserve(owner, conversation_id, through_seq)

    @property
    def is_shared(self) -> bool:
        """Whether other runtimes may use the persistent store at the same time."""
        return self._lasting.is_shared

    def shares(self, owner: str, conversation_id: str) -> bool:
        """Whether other runtimes see this conversation: never a temporary one."""
        return self.is_shared and (owner, conversation_id) not in self._temporary

    def subscribe(self) -> AbstractAsyncContextManager[Subscription]:
        """Receive hints about the persistent store."""
        return self._lasting.subscribe()

    async def register(self, name: str, version: str, now_ms: int) -> Token:
        """Add a replica, and return its token."""
        return await self._lasting.register(name, version, now_ms)

    async def beat(self, token: Token, counts: ReplicaCounts) -> bool:
        """Increment the beat of a replica, unless it was declared dead."""
        return await self._lasting.beat(token, counts)

    async def replicas(self) -> Sequence[Replica]:
        """List the replicas that were not declared dead, by token."""
        return await self._lasting.replicas()

    async def reap(self, token: Token, beat: int) -> bool:
        """Declare a replica dead, unless its beat has changed since."""
        return await self._lasting.reap(token, beat)

    async def drain(self, token: Token) -> None:
        """Give a replica no more runs."""
        await self._lasting.drain(token)

    async def retire(self, token: Token) -> None:
        """Remove a replica that stops."""
        await self._lasting.retire(token)

    async def take(self, token: Token, room: int) -> Sequence[TakenRun]:
        """Take persistent runs to execute."""
        return await self._lasting.take(token, room)

    async def adopt(self, token: Token) -> Sequence[Unfinished]:
        """Take over persistent runs that nobody executes any more."""
        return await self._lasting.adopt(token)

    async def take_stopped(self, token: Token) -> Sequence[Unfinished]:
        """Take persistent queued runs that somebody asked to stop."""
        return await self._lasting.take_stopped(token)

    async def request_stop(self, owner: str, run_id: str) -> bool:
        """Ask for a run to be stopped."""
        asked = await self._memory.request_stop(owner, run_id)
        return asked or await self._lasting.request_stop(owner, run_id)

    async def open_runs(self, owner: str, conversation_id: str) -> Sequence[OpenRun]:
        """List the runs of a conversation that have not ended, oldest first."""
        return await self._of(owner, conversation_id).open_runs(owner, conversation_id)

    async def run_state(self, owner: str, run_id: str) -> RunState | None:
        """Return the state of a run of this owner."""
        found = await self._memory.run_state(owner, run_id)
        return found or await self._lasting.run_state(owner, run_id)
