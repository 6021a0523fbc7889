"""Conversations and runs in memory, and the whole store."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from thinkaloud.errors import Fenced
from thinkaloud.ports.store import (
    Accepted,
    Conversation,
    ConversationCursor,
    ConversationKey,
    ConversationPatch,
    FinishedRun,
    Outcome,
    RunRecord,
    RunStart,
    Subscription,
    Token,
    Unfinished,
)
from thinkaloud.stores.local_hints import LocalHints
from thinkaloud.stores.memory.log import MemoryLog
from thinkaloud.stores.memory.ownership import MemoryOwnership
from thinkaloud.stores.memory.tables import RunRow, Tables, Thread, cursor_of
from thinkaloud.stores.search_terms import phrases

_POLL_SECONDS: Final = 1.0


class _MemoryRuns(MemoryOwnership, MemoryLog):
    """Implements `RunStore` as well."""

    def __init__(self, *, is_shared: bool) -> None:
        self.is_shared = is_shared
        """Whether other runtimes may use the store at the same time."""
        self._tables = Tables()
        self._hints = LocalHints()

    def shares(self, owner: str, conversation_id: str) -> bool:
        """Whether other runtimes see this conversation."""
        return self.is_shared

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[Subscription]:
        """Receive hints for the length of a block."""
        with self._hints.subscribe(_POLL_SECONDS) as subscription:
            yield subscription

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        """Create a run, its conversation and its reserved numbers."""
        if token is not None and token not in self._tables.replicas:
            raise Fenced
        run, new = start.run, start.conversation
        known = self._known(run)
        if known is not None:
            return known
        key = (new.owner, new.conversation_id)
        thread = self._tables.threads.get(key)
        outcome: Outcome = "running"
        if token is not None:
            outcome = self._outcome(start, key, take=take)
            if outcome in {"full", "replacing"}:
                return Accepted(outcome, run)
            last_seq = 0 if thread is None else thread.last_seq
            run = msgspec.structs.replace(run, first_seq=last_seq + 1)
        created = thread is None
        if thread is None:
            thread = self._add(msgspec.structs.replace(new, title=""))
        else:
            change = ConversationPatch(updated_at_ms=new.updated_at_ms)
            thread.about = change.applied(thread.about)
        thread.reserved_seq = max(thread.reserved_seq, start.reserved_seq)
        self._tables.add_run(
            RunRow(
                run,
                start.message,
                start.spec,
                start.replaces,
                "queued" if outcome == "queued" else "running",
                token if outcome == "running" else None,
            )
        )
        self._hints.publish(runs=outcome == "queued")
        return Accepted(outcome, run, created)

    async def run(self, owner: str, run_id: str) -> RunRecord | None:
        """Look up a run of this owner."""
        found = self._tables.runs.get(run_id)
        return found.record if found is not None and found.record.owner == owner else None

    async def run_for_key(self, owner: str, idempotency_key: str) -> RunRecord | None:
        """Look up the first run created with this idempotency key."""
        run_id = self._tables.keys.get((owner, idempotency_key))
        return None if run_id is None else self._tables.runs[run_id].record

    async def unfinished_runs(self) -> Sequence[Unfinished]:
        """List the runs that are not both ended and compacted, oldest first."""
        return [
            Unfinished(run.record, run.message, run.stopping)
            for run in self._tables.runs.values()
            if not run.compacted and not (run.is_open and self.is_shared)
        ]

    def _known(self, run: RunRecord) -> Accepted | None:
        """Return the run with this id or key, if there is one."""
        same = self._tables.runs.get(run.run_id)
        if same is not None:
            return Accepted("queued" if same.state == "queued" else "running", same.record)
        first = self._tables.keys.get((run.owner, run.idempotency_key or ""))
        if first is None:
            return None
        return Accepted("repeated", self._tables.runs[first].record)

    def _outcome(self, start: RunStart, key: ConversationKey, *, take: bool) -> Outcome:
        ahead = [run for run in self._tables.runs_of(key) if run.is_open]
        if start.replaces and any(run.replaces == start.replaces for run in ahead):
            return "replacing"
        if start.ahead is not None and len(ahead) > start.ahead:
            return "full"
        return "running" if take and not ahead else "queued"

    def _add(self, conversation: Conversation) -> Thread:
        self._tables.numbers += 1
        thread = Thread(conversation, self._tables.numbers)
        self._tables.threads[conversation.owner, conversation.conversation_id] = thread
        return thread


class MemoryStore(_MemoryRuns):
    """Implements `Store` with dictionaries."""

    def __init__(self, *, is_shared: bool = False) -> None:
        super().__init__(is_shared=is_shared)

    async def create_conversation(
        self, conversation: Conversation, runs: Sequence[FinishedRun] = ()
    ) -> bool:
        """Create a conversation with these runs. False if its owner already uses the id."""
        if (conversation.owner, conversation.conversation_id) in self._tables.threads:
            return False
        self._add(conversation)
        for each in runs:
            self._tables.add_run(RunRow(each.run))
            await self.compact(each.run, each.events, each.text)
        return True

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Look up a conversation of this owner."""
        thread = self._tables.threads.get((owner, conversation_id))
        return None if thread is None else thread.about

    async def conversations(
        self,
        owner: str,
        *,
        before: ConversationCursor | None,
        limit: int,
        search: str | None = None,
    ) -> Sequence[Conversation]:
        """List this owner's conversations, most recently updated first."""
        wanted = phrases(search or "")
        if search and not search.isspace() and not wanted:
            return []
        mine = [
            thread.about
            for thread in self._tables.threads.values()
            if thread.about.owner == owner
            and not thread.about.unlisted
            and (before is None or cursor_of(thread.about) < before)
            and thread.matches(wanted)
        ]
        mine.sort(key=cursor_of, reverse=True)
        return mine[:limit]

    async def update_conversation(
        self, owner: str, conversation_id: str, change: ConversationPatch
    ) -> Conversation | None:
        """Update a conversation of this owner and return the updated conversation."""
        thread = self._tables.threads.get((owner, conversation_id))
        if thread is None:
            return None
        thread.about = change.applied(thread.about)
        return thread.about

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its runs and its log. False if it does not exist."""
        key = (owner, conversation_id)
        if key not in self._tables.threads:
            return False
        self._tables.delete(key)
        self._hints.publish([key])
        return True

    async def purge(self, older_than_ms: int) -> Sequence[ConversationKey]:
        """Delete the conversations last updated before this, except those with an active run."""
        busy = {run.key for run in self._tables.runs.values() if run.is_open}
        old = [
            key
            for key, thread in self._tables.threads.items()
            if thread.about.updated_at_ms < older_than_ms and key not in busy
        ]
        for key in old:
            self._tables.delete(key)
        self._hints.publish(old)
        return old

    async def check_writing(self) -> None:
        """Do nothing: writing to memory always works."""

    async def scrub(self) -> None:
        """Do nothing: deleting leaves no traces."""
