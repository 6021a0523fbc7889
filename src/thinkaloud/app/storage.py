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
from thinkaloud.ports.execution.approvals import RememberedApprovals
from thinkaloud.ports.protocols.records import ProtocolRecords
from thinkaloud.ports.store import Store
from thinkaloud.ports.uploads import Uploads
from thinkaloud.runtime.conversations.service import Conversations
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.runs.active import ActiveRuns
from thinkaloud.runtime.runs.finalizer import Finalizer
from thinkaloud.runtime.runs.recovery import Recovery, recover
from thinkaloud.runtime.runs.replica.open_runs import OpenRuns
from thinkaloud.stores.approvals.sqlite import FILE_NAME, SqliteApprovals
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.protocol_records import MemoryProtocolRecords, SqliteProtocolRecords
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.uploads import FileUploads, MemoryUploads

_DATABASE_NAME: Final = "thinkaloud.db"
_UPLOADS_NAME: Final = "uploads"
_RECORDS_NAME: Final = "protocols.db"
DEFAULT_MAX_BYTES: Final = 16 * 2**30
"""The least that a database may grow to without a `store.max_bytes`."""


def database_path(configuration: Configuration) -> Path:
    """Return the path of the database. Raises `ConfigurationError` with `kind = "memory"`."""
    if configuration.settings.store.kind == "memory":
        raise ConfigurationError(
            'Conversations are not saved: `kind` under [store] is "memory".'
            " They are lost when the server stops."
        )
    if configuration.settings.store.kind == "postgres":
        raise ConfigurationError(
            'Conversations are in PostgreSQL: `kind` under [store] is "postgres". This command is for'
            " the SQLite database of the data directory; for PostgreSQL, use its own programs."
        )
    return configuration.data_dir / _DATABASE_NAME


def is_persistent(configuration: Configuration, choices: Choices) -> bool:
    """Whether conversations are saved in the data directory."""
    return choices.store is None and configuration.settings.store.kind != "memory"


@asynccontextmanager
async def with_storage(configuration: Configuration, choices: Choices) -> AsyncGenerator[Choices]:
    """Yield the choices with the configured store and uploads filled in where they have none.

    The store stays open, and the data directory locked, until the block is left. Raises as
    `open_store`.
    """
    if choices.store is not None:
        uploads = choices.uploads or MemoryUploads(SystemClock(), upload_quota(configuration))
        yield msgspec.structs.replace(choices, uploads=uploads)
        return
    async with (
        open_store(configuration) as store,
        _open_uploads(configuration) as configured,
        _open_approvals(configuration, choices) as remembered,
    ):
        yield msgspec.structs.replace(
            choices,
            store=store,
            remembered=remembered,
            uploads=choices.uploads or configured,
            retention_days=configuration.settings.store.retention_days,
        )


@asynccontextmanager
async def _open_approvals(
    configuration: Configuration, choices: Choices
) -> AsyncGenerator[RememberedApprovals | None]:
    """Open the remembered approvals, if conversations are saved. The store has to be open."""
    if not is_persistent(configuration, choices):
        yield None
        return
    if configuration.settings.store.kind == "postgres":
        from thinkaloud.app.postgres import open_postgres_approvals  # noqa: PLC0415 - an extra

        async with open_postgres_approvals(configuration) as shared:
            yield shared
        return
    path = configuration.data_dir / FILE_NAME
    busy_timeout = configuration.settings.store.busy_timeout_seconds
    async with SqliteApprovals.open(path, busy_timeout=busy_timeout) as approvals:
        yield approvals


@asynccontextmanager
async def _open_uploads(configuration: Configuration) -> AsyncGenerator[Uploads]:
    """Open the configured uploads until the block is left. The store has to be open."""
    quota = upload_quota(configuration)
    match configuration.settings.store.kind:
        case "memory":
            yield MemoryUploads(SystemClock(), quota)
        case "sqlite":
            yield persistent_uploads(configuration)
        case "postgres":
            from thinkaloud.app.postgres import open_postgres_uploads  # noqa: PLC0415 - an extra

            async with open_postgres_uploads(configuration, SystemClock(), quota) as uploads:
                yield uploads


def persistent_uploads(configuration: Configuration) -> FileUploads:
    """Return the uploads of the data directory. Use it only while holding the directory's lock."""
    folder = configuration.data_dir / _UPLOADS_NAME
    return FileUploads(folder, SystemClock(), upload_quota(configuration))


@asynccontextmanager
async def open_store(configuration: Configuration) -> AsyncGenerator[Store]:
    """Open the configured store until the block is left.

    Raises `ConfigurationError` if the database cannot be used, or another process has it open.
    """
    kind = configuration.settings.store.kind
    if kind == "memory":
        yield MemoryStore()
        return
    if kind == "postgres":
        # An extra, and it takes longer to import than the rest of the stores.
        from thinkaloud.app.postgres import open_postgres  # noqa: PLC0415

        _create_data_dir(configuration)
        async with open_postgres(configuration) as database:
            yield database
        return
    async with open_database(configuration) as database:
        yield database


def _create_data_dir(configuration: Configuration) -> None:
    """Create the data directory. A database in it would create it."""
    try:
        configuration.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {configuration.data_dir} cannot be created: {error.strerror}."
        ) from error


@asynccontextmanager
async def open_database(configuration: Configuration) -> AsyncGenerator[SqliteStore]:
    """Open the database until the block is left. Raises as `open_store`."""
    path = database_path(configuration)
    async with SqliteStore.open(path, opening_of(configuration, path)) as database:
        yield database


def protocol_records_path(configuration: Configuration) -> Path:
    """Return the path of the file with the records of other protocols."""
    return configuration.data_dir / _RECORDS_NAME


@asynccontextmanager
async def open_protocol_records(
    configuration: Configuration, *, persistent: bool
) -> AsyncGenerator[ProtocolRecords]:
    """Open the records of other protocols until the block is left, or keep them in memory.

    Persistent ones may be used only while holding the directory's lock. Raises `ConfigurationError`
    if the file cannot be used.
    """
    if not persistent:
        yield MemoryProtocolRecords()
        return
    if configuration.settings.store.kind == "postgres":
        from thinkaloud.app.postgres import open_postgres_records  # noqa: PLC0415 - an extra

        async with open_postgres_records(configuration) as shared:
            yield shared
        return
    path = protocol_records_path(configuration)
    busy_timeout = configuration.settings.store.busy_timeout_seconds
    async with SqliteProtocolRecords.open(path, busy_timeout=busy_timeout) as records:
        yield records


def opening_of(configuration: Configuration, path: Path) -> Opening:
    """Return the options for opening a database.

    Without a `store.max_bytes`, a database can double its size until the next start, so that a
    large one is never locked, and a runaway program cannot fill the disk unnoticed.
    """
    settings = configuration.settings.store
    max_bytes = settings.max_bytes
    if max_bytes is None:
        size = path.stat().st_size if path.exists() else 0
        max_bytes = max(DEFAULT_MAX_BYTES, 2 * size)
    return Opening(settings.durability, settings.busy_timeout_seconds, max_bytes)


@asynccontextmanager
async def open_conversations(configuration: Configuration) -> AsyncGenerator[Conversations]:
    """Open the saved conversations without a server or a model. Raises as `open_store`."""
    clock = SystemClock()
    settings = configuration.settings.store
    async with open_database(configuration) as database:
        hub = Hub(database, clock)
        uploads = persistent_uploads(configuration)
        active = ActiveRuns()

        async def forget(run_id: str) -> None:
            """Stop a run that waits: without a server, only to delete its conversation."""
            active.parked.take(run_id)

        active.stop_parked = forget
        conversations = Conversations(
            database, hub, OpenRuns(database, hub, active), clock, uploads
        )
        finalizer = Finalizer(hub, settings.flush_interval_seconds)
        await recover(Recovery(database, hub, finalizer, active.parked))
        try:
            yield conversations
        finally:
            await hub.shut()
