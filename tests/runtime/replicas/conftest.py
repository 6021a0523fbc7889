"""Stores that two runtimes share: one in memory, a file and a database that are opened twice."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.ports.store import Store
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.postgres import Address, PostgresStore
from thinkaloud.stores.sqlite import Opening, SqliteStore


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[list[Store]]:
    """The same store, as each of two runtimes has it."""
    if request.param == "memory":
        store = MemoryStore(is_shared=True)
        yield [store, store]
        return
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        async with server.database() as url:
            address = Address(url)
            async with PostgresStore.open(address) as one, PostgresStore.open(address) as two:
                yield [one, two]
        return
    path, opening = tmp_path / "thinkaloud.db", Opening(shared=True)
    async with SqliteStore.open(path, opening) as one, SqliteStore.open(path, opening) as two:
        yield [one, two]
