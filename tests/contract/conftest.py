"""Fixtures of the contract suites: a new store is one more parameter."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from thinkaloud.ports.store import Store
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.postgres import Address, PostgresStore
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.temporary import TemporaryStore


@pytest.fixture(params=["memory", "sqlite", "beside temporary", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    async with AsyncExitStack() as open_stores:
        match request.param:
            case "memory":
                yield MemoryStore()
            case "beside temporary":
                yield TemporaryStore(MemoryStore())
            case "postgres":
                yield await open_stores.enter_async_context(_postgres(request, is_shared=False))
            case "sqlite":
                path = tmp_path / "data" / "thinkaloud.db"
                yield await open_stores.enter_async_context(SqliteStore.open(path))


@pytest.fixture(params=["memory", "sqlite", "beside temporary", "postgres"])
async def shared(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """A store that several runtimes may use at the same time."""
    async with AsyncExitStack() as open_stores:
        match request.param:
            case "memory":
                yield MemoryStore(is_shared=True)
            case "beside temporary":
                yield TemporaryStore(MemoryStore(is_shared=True))
            case "postgres":
                yield await open_stores.enter_async_context(_postgres(request, is_shared=True))
            case "sqlite":
                path, opening = tmp_path / "data" / "thinkaloud.db", Opening(shared=True)
                yield await open_stores.enter_async_context(SqliteStore.open(path, opening))


@asynccontextmanager
async def _postgres(request: pytest.FixtureRequest, *, is_shared: bool) -> AsyncGenerator[Store]:
    server: PostgresServer = request.getfixturevalue("postgres_server")
    async with (
        server.database() as url,
        PostgresStore.open(Address(url), is_shared=is_shared) as store,
    ):
        yield store
