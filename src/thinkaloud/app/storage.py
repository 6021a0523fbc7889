"""Opens the configured store, uploads and conversations."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from thinkaloud.app.runtime import Choices, upload_quota
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.store import Store
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.recovery import recover
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.uploads import FileUploads, MemoryUploads

_DATABASE_NAME: Final = "thinkaloud.db"
_UPLOADS_NAME: Final = "uploads"


def database_path(configuration: Configuration) -> Path:
    """Return the path of the database. Raises `ConfigurationError` with `kind = "memory"`."""
    if configuration.settings.store.kind == "memory":
        raise ConfigurationError(
            'Conversations are not saved: `kind` under [store] is "memory".'
            " They are lost when the server stops."
        )
    return configuration.data_dir / _DATABASE_NAME


def is_persistent(configuration: Configuration, choices: Choices) -> bool:
    """Whether conversations are saved in the data directory."""
    return choices.store is None and configuration.settings.store.kind == "sqlite"


@asynccontextmanager
async def with_storage(configuration: Configuration, choices: Choices) -> AsyncGenerator[Choices]:
    """Yield the choices with the configured store and uploads filled in where they have none.

    The store stays open, and the data directory locked, until the block is left. Raises as
    `open_store`.
    """
    uploads = choices.uploads or (
        persistent_uploads(configuration)
        if is_persistent(configuration, choices)
        else MemoryUploads(SystemClock(), upload_quota(configuration))
    )
    if choices.store is not None:
        yield msgspec.structs.replace(choices, uploads=uploads)
        return
    async with open_store(configuration) as store:
        yield msgspec.structs.replace(
            choices,
            store=store,
            uploads=uploads,
            retention_days=configuration.settings.store.retention_days,
        )


def persistent_uploads(configuration: Configuration) -> FileUploads:
    """Return the uploads of the data directory. Use it only while holding the directory's lock."""
    folder = configuration.data_dir / _UPLOADS_NAME
    return FileUploads(folder, SystemClock(), upload_quota(configuration))


@asynccontextmanager
async def open_store(configuration: Configuration) -> AsyncGenerator[Store]:
    """Open the configured store until the block is left.

    Raises `ConfigurationError` if the database cannot be used, or another process has it open.
    """
    if configuration.settings.store.kind == "memory":
        yield MemoryStore()
        return
    async with open_database(configuration) as database:
        yield database


@asynccontextmanager
async def open_database(configuration: Configuration) -> AsyncGenerator[SqliteStore]:
    """Open the database until the block is left. Raises as `open_store`."""
    settings = configuration.settings.store
    opening = Opening(settings.durability, settings.busy_timeout_seconds, settings.max_bytes)
    async with SqliteStore.open(database_path(configuration), opening) as database:
        yield database


@asynccontextmanager
async def open_conversations(configuration: Configuration) -> AsyncGenerator[Conversations]:
    """Open the saved conversations without a server or a model. Raises as `open_store`."""
    clock = SystemClock()
    settings = configuration.settings.store
    async with open_database(configuration) as database:
        hub = Hub(database, clock)
        uploads = persistent_uploads(configuration)
        conversations = Conversations(database, hub, ActiveRuns(), clock, uploads)
        finalizer = Finalizer(hub, settings.flush_interval_seconds)
        await recover(database, hub, finalizer)
        try:
            yield conversations
        finally:
            await hub.shut()
