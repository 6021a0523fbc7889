"""Stores that two runtimes share: one in memory, and one file that is opened twice."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from thinkaloud.ports.store import Store
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import Opening, SqliteStore


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[list[Store]]:
    """The same store, as each of two runtimes has it."""
    if request.param == "memory":
        store = MemoryStore(is_shared=True)
        yield [store, store]
        return
    path, opening = tmp_path / "thinkaloud.db", Opening(shared=True)
    async with SqliteStore.open(path, opening) as one, SqliteStore.open(path, opening) as two:
        yield [one, two]
