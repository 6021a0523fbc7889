"""A database that several processes create at the same time."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from thinkaloud.stores.channel_state import SqliteChannelState
from thinkaloud.stores.keys import SqliteKeyStore


async def test_the_first_connections_to_a_new_database_may_be_made_at_the_same_time(
    tmp_path: Path,
) -> None:
    for attempt in range(20):
        folder = tmp_path / str(attempt)
        async with AsyncExitStack() as stack:
            await asyncio.gather(
                *[
                    stack.enter_async_context(store.open(folder / name))
                    for _ in range(4)
                    for store, name in (
                        (SqliteChannelState, "channels.db"),
                        (SqliteKeyStore, "keys.db"),
                    )
                ]
            )
