"""A store that fails, for tests of what happens then."""

import asyncio
from collections.abc import Sequence

from thinkaloud.errors import StoreError
from thinkaloud.ports.store import RunRecord, Stored
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
    ) -> None:
        if self.full_for_runs:
            self.refused_runs += 1
            raise StoreError("The disk is full.")
        await super().compact(run, events, text, title=title, reserved_seq=reserved_seq)

    async def append(self, batch: Sequence[Stored]) -> None:
        if self.full and batch:
            self.tried.append(len(batch))
            self.refused.set()
            raise StoreError("The disk is full.")
        await super().append(batch)

    async def check_writing(self) -> None:
        if self.full and not self.room_for_a_trial:
            raise StoreError("The disk is full.")
