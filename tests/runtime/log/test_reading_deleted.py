"""Reading a conversation while it is deleted returns all of it or nothing, never a part."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.harness import OWNER, logged, open_runs, start
from thinkaloud.events.event import LoggedEvent
from thinkaloud.runtime.log.live_log import KEPT_EVENTS
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import ScriptedModel, say

WORDS = KEPT_EVENTS * 5 // 4
"""So many that the beginning of the run is in the store only."""


class SlowDeleteStore(MemoryStore):
    """A store whose deletion takes effect before it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = asyncio.Event()
        self.go = asyncio.Event()

    async def delete_conversation(self, owner: str, conversation_id: str) -> bool:
        deleted = await super().delete_conversation(owner, conversation_id)
        await self._reported()
        return deleted

    async def purge(self, older_than_ms: int) -> Sequence[tuple[str, str]]:
        found = await super().purge(older_than_ms)
        await self._reported()
        return found

    async def _reported(self) -> None:
        self.gone.set()
        await self.go.wait()


async def followed(runs: Runs) -> Sequence[LoggedEvent]:
    found: list[LoggedEvent] = []
    async with runs.hub.follow(OWNER, "c", 0) as follower:
        while entries := await follower.batch():
            assert isinstance(entries, list)
            found += [entry.logged for entry in entries]
    return found


@pytest.mark.promise("P8", "P9")
@pytest.mark.parametrize("way", ["delete", "purge"])
async def test_reading_a_conversation_while_it_is_deleted_finds_nothing(
    way: str,
) -> None:
    store = SlowDeleteStore()
    async with open_runs(ScriptedModel([say(*["word "] * WORDS)]), store=store) as runs:
        await logged(runs, await start(runs, conversation_id="c"))
        await runs.hub.writer.save()
        async with runs.hub.open(OWNER, "c") as log, asyncio.TaskGroup() as tasks:
            assert log.floor > 0
            conversations = runs.conversations
            tasks.create_task(
                conversations.delete(OWNER, "c") if way == "delete" else conversations.purge(2**62)
            )
            await store.gone.wait()
            folding = tasks.create_task(runs.hub.fold(OWNER, "c"))
            following = tasks.create_task(followed(runs))
            for _ in range(10):
                await asyncio.sleep(0)
            store.go.set()
            assert (await folding).runs == {}
            assert await following == []
