"""What a server keeps conversations in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import SystemClock
from thinkaloud.ports.store import Store
from thinkaloud.ports.uploads import UploadQuota
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.recovery import recover
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.uploads import FileUploads, MemoryUploads

FILE_NAME: Final = "thinkaloud.db"
UPLOADS_NAME: Final = "uploads"


def database_path(configuration: Configuration) -> Path:
    """Return the file that lasts. Raises `ConfigurationError` where nothing is to last."""
    if configuration.settings.store.kind == "memory":
        raise ConfigurationError(
            "Nothing is kept: `kind` under [store] is memory. Conversations end with the server."
        )
    return configuration.data_dir / FILE_NAME


def persistent_uploads(configuration: Configuration) -> FileUploads:
    """Return the uploads of the data directory. To be used while this process owns the data."""
    folder = configuration.data_dir / UPLOADS_NAME
    return FileUploads(folder, SystemClock(), upload_quota(configuration))


def ephemeral_uploads(configuration: Configuration) -> MemoryUploads:
    """Return uploads that end with the process."""
    return MemoryUploads(SystemClock(), upload_quota(configuration))


def upload_quota(configuration: Configuration) -> UploadQuota:
    """Return what the uploads of one owner may take."""
    settings = configuration.settings.server
    return UploadQuota(settings.max_uploads, settings.max_uploads_bytes)


@asynccontextmanager
async def open_database(configuration: Configuration) -> AsyncGenerator[SqliteStore]:
    """Open the file that lasts, for the length of a block. Raises as `open_store`."""
    settings = configuration.settings.store
    opening = Opening(settings.durability, settings.busy_timeout_seconds, settings.max_bytes)
    async with SqliteStore.open(database_path(configuration), opening) as lasting:
        yield lasting


@asynccontextmanager
async def open_conversations(configuration: Configuration) -> AsyncGenerator[Conversations]:
    """Open what is kept without a server and without a model. Raises as `open_store`."""
    clock = SystemClock()
    settings = configuration.settings.store
    async with open_database(configuration) as lasting:
        hub = Hub(lasting, clock)
        uploads = persistent_uploads(configuration)
        conversations = Conversations(lasting, hub, ActiveRuns(), clock, uploads)
        finalizer = Finalizer(hub, conversations, settings.flush_interval_seconds)
        await recover(lasting, hub, finalizer)
        try:
            yield conversations
        finally:
            await hub.shut()


@asynccontextmanager
async def open_store(configuration: Configuration) -> AsyncGenerator[Store]:
    """Open the store that the settings name, for the length of a block.

    Raises `ConfigurationError` where the file cannot be used, or another server has it.
    """
    if configuration.settings.store.kind == "memory":
        yield MemoryStore()
        return
    async with open_database(configuration) as lasting:
        yield lasting
