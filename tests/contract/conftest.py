"""Every store, for the suites that all of them must pass. A new one is one more parameter."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from thinkaloud.ports.store import Store
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.stores.temporary import TemporaryStore


@pytest.fixture(params=["memory", "sqlite", "beside temporary"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    async with AsyncExitStack() as open_stores:
        match request.param:
            case "memory":
                yield MemoryStore()
            case "beside temporary":
                yield TemporaryStore(MemoryStore())
            case "sqlite":
                path = tmp_path / "data" / "thinkaloud.db"
                yield await open_stores.enter_async_context(SqliteStore.open(path))
