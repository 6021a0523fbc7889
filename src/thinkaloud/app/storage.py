"""What a server keeps conversations in."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from thinkaloud.config import Configuration
from thinkaloud.errors import StoreError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.store import Store
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.temporary import TemporaryStore

FILE_NAME: Final = "thinkaloud.db"
_DAY_MS: Final = 24 * 3600 * 1000
_PURGE_SECONDS: Final = 3600.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def opened_store(configuration: Configuration) -> AsyncGenerator[Store]:
    """Open the store that the settings name, for the length of a block.

    Raises `ConfigurationError` where the file cannot be used, or another server has it.
    """
    settings = configuration.settings.store
    if settings.kind == "memory":
        yield MemoryStore()
        return
    opening = Opening(settings.durability, settings.busy_timeout, settings.max_bytes)
    path = configuration.data_dir / FILE_NAME
    async with SqliteStore.open(path, opening) as lasting:
        if settings.retention_days is None:
            yield TemporaryStore(lasting)
            return
        async with asyncio.TaskGroup() as tasks:
            purging = tasks.create_task(_keep_purging(lasting, settings.retention_days))
            yield TemporaryStore(lasting)
            purging.cancel()


async def _keep_purging(store: SqliteStore, days: float) -> None:
    clock = SystemClock()
    while True:
        try:
            await store.purge(clock.unix_ms() - int(days * _DAY_MS))
        except StoreError:
            _log.exception("old conversations could not be deleted; it is tried again")
        await clock.sleep(_PURGE_SECONDS)
