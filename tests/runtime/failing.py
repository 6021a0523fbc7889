"""Stores that fail or block on demand."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from thinkaloud.errors import StoreError
from thinkaloud.ports.store import (
    Accepted,
    Appended,
    ConversationKey,
    LogEnd,
    RunRecord,
    RunStart,
    Stored,
    Token,
)
from thinkaloud.stores.memory import MemoryStore


class FailingStore(MemoryStore):
    """A store whose disk is full until somebody makes room."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.room_for_a_trial = False
        """A little fits all the same."""
        self.full_for_runs = False
        """No whole run fits any more, though single events do."""
        self.refused_runs = 0
        self.refused = asyncio.Event()
        self.tried: list[int] = []
        """How many events somebody tried to append while it was full."""

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
        if self.full_for_runs:
            self.refused_runs += 1
        if self.full or self.full_for_runs:
            raise StoreError("The disk is full.")
        return await super().compact(
            run, events, text, title=title, reserved_seq=reserved_seq, token=token
        )

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        if self.full and batch:
            self.tried.append(sum(len(events) for events in batch.values()))
            self.refused.set()
            raise StoreError("The disk is full.")
        return await super().append(batch, token, running)

    async def check_writing(self) -> None:
        if self.full and not self.room_for_a_trial:
            raise StoreError("The disk is full.")


class PausingStore(MemoryStore):
    """A store that waits before one kind of work, until it may continue."""

    def __init__(self) -> None:
        super().__init__()
        self.held = ""
        self.reached = asyncio.Event()
        self.go = asyncio.Event()

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        await self._hold("delete")
        return await super().delete_conversation(owner, conversation_id)

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
        await self._hold("end")
        return await super().compact(
            run, events, text, title=title, reserved_seq=reserved_seq, token=token
        )

    async def scrub(self) -> None:
        await self._hold("scrub")
        await super().scrub()

    async def log_end(self, owner: str, conversation_id: str) -> LogEnd:
        end = await super().log_end(owner, conversation_id)
        await self._hold("opened")
        return end

    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        await self._hold("start")
        started = await super().accept(start, token, take=take)
        await self._hold("started")
        return started

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        await self._hold("read")
        return await super().read(owner, conversation_id, after, limit)

    async def _hold(self, work: str) -> None:
        if work == self.held:
            self.reached.set()
            await self.go.wait()
