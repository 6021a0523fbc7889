"""Opens the configured PostgreSQL database. Requires the `postgres` extra."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.stores.postgres import Address, PostgresStore, migrate


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


async def migrate_postgres(configuration: Configuration) -> int:
    """Upgrade the tables, and return the number of steps. Raises `ConfigurationError`."""
    return await migrate(address_of(configuration))
