"""Opens the configured PostgreSQL database. Requires the `postgres` extra."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.clock import Clock, SystemClock
from thinkaloud.ports.uploads import UploadQuota

try:
    from thinkaloud.stores.postgres import (
        Address,
        PostgresApprovals,
        PostgresChannelState,
        PostgresKeyStore,
        PostgresProtocolRecords,
        PostgresStore,
        PostgresUploads,
        migrate,
    )
    from thinkaloud.stores.postgres.checks import Findings, check_database
except ModuleNotFoundError as error:
    raise ConfigurationError(
        f'`kind = "postgres"` under [store] needs {error.name}: install thinkaloud[postgres].'
    ) from error


def address_of(configuration: Configuration) -> Address:
    """Return where the database is. Raises `ConfigurationError` if a variable is not set."""
    settings, environment = configuration.settings.store, configuration.environment
    url = environment.get(settings.url_env)
    if not url:
        raise ConfigurationError(
            f"{settings.url_env} is not set: the URL of the PostgreSQL database,"
            " as postgresql://user:password@host/database."
        )
    if settings.listen_url_env is None:
        return Address(url)
    listen_url = environment.get(settings.listen_url_env)
    if not listen_url:
        raise ConfigurationError(
            f"{settings.listen_url_env} is not set: the URL of the PostgreSQL database"
            " that does not lead to a connection pooler."
        )
    return Address(url, listen_url, is_pooler=True)


@asynccontextmanager
async def open_postgres(configuration: Configuration) -> AsyncGenerator[PostgresStore]:
    """Open the database until the block is left. Raises `ConfigurationError`."""
    async with PostgresStore.open(address_of(configuration)) as store:
        yield store


@asynccontextmanager
async def open_postgres_keys(configuration: Configuration) -> AsyncGenerator[PostgresKeyStore]:
    """Open the keys until the block is left, with or without a server. Raises `ConfigurationError`."""
    address = address_of(configuration)
    await migrate(address)
    async with PostgresKeyStore.open(address) as keys:
        yield keys


@asynccontextmanager
async def open_postgres_channel_state(
    configuration: Configuration,
) -> AsyncGenerator[PostgresChannelState]:
    """Open the channels' state until the block is left, with or without a server.

    Raises `ConfigurationError`.
    """
    address = address_of(configuration)
    await migrate(address)
    async with PostgresChannelState.open(address) as state:
        yield state


def open_postgres_uploads(
    configuration: Configuration, clock: Clock, room: UploadQuota
) -> AbstractAsyncContextManager[PostgresUploads]:
    """Open the uploads of an open database until the block is left."""
    return PostgresUploads.open(address_of(configuration), clock, room)


def open_postgres_records(
    configuration: Configuration,
) -> AbstractAsyncContextManager[PostgresProtocolRecords]:
    """Open the records of other protocols in an open database until the block is left."""
    return PostgresProtocolRecords.open(address_of(configuration))


def open_postgres_approvals(
    configuration: Configuration,
) -> AbstractAsyncContextManager[PostgresApprovals]:
    """Open the remembered approvals in an open database until the block is left."""
    return PostgresApprovals.open(address_of(configuration))


async def check_postgres(configuration: Configuration) -> Findings:
    """Check the database without changing it. Raises `ConfigurationError` if it is not named."""
    return await check_database(address_of(configuration), SystemClock())


async def migrate_postgres(configuration: Configuration) -> int:
    """Upgrade the tables, and return the number of steps. Raises `ConfigurationError`."""
    return await migrate(address_of(configuration))
