"""Checks a database for `thinkaloud doctor`, without changing it."""

import asyncio
from typing import Any, Final

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import msgspec

from thinkaloud.ports.clock import Clock
from thinkaloud.stores.postgres.connection import Connection, connect
from thinkaloud.stores.postgres.database import Address
from thinkaloud.stores.postgres.schema import MIGRATIONS

_SECONDS: Final = 10.0
_OLDEST: Final = 15
_MAX_SKEW_MS: Final = 5_000
_MAX_NAPTIME_SECONDS: Final = 10
_STATE: Final = """
    SELECT
        pg_is_in_recovery() AS is_standby,
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
        current_setting('autovacuum')::bool AS vacuums,
        (SELECT setting::int FROM pg_settings WHERE name = 'autovacuum_naptime') AS naptime,
        EXISTS (
            SELECT 1 FROM pg_tables WHERE schemaname = 'thinkaloud' AND tablename = 'meta'
        ) AS has_tables,
        CASE WHEN to_regnamespace('thinkaloud') IS NULL
            THEN has_database_privilege(current_database(), 'CREATE')
            ELSE has_schema_privilege('thinkaloud', 'CREATE') END AS may_create
"""


class Findings(msgspec.Struct, frozen=True):
    """What is wrong with a database, and what could be better. Never contains a URL."""

    problem: str | None = None
    advice: tuple[str, ...] = ()


async def check_database(address: Address, clock: Clock) -> Findings:
    """Check that a database can be used. Never raises."""
    try:
        async with asyncio.timeout(_SECONDS):
            connection = await connect(address.url, direct=not address.is_pooler)
            try:
                found = await _check(connection, clock)
            finally:
                connection.terminate()
            if found.problem is None and address.listen_url is not None:
                (await connect(address.listen_url)).terminate()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or type(error).__name__
        if "startup parameter" in reason:
            return Findings(
                "The database is behind a connection pooler: set `listen_url_env` under [store] to"
                " the environment variable with a direct URL."
            )
        return Findings(f"The database of [store] cannot be used: {reason}")
    return found


async def _check(connection: Connection, clock: Clock) -> Findings:
    version = connection.get_server_version().major
    if version < _OLDEST:
        return Findings(f"The database is PostgreSQL {version}: use {_OLDEST} or newer.")
    state = await connection.fetchrow(_STATE)
    skew_ms = state["now_ms"] - clock.unix_ms()
    if state["is_standby"]:
        return Findings("The database is a read-only standby: use the URL of the primary server.")
    if not state["may_create"]:
        return Findings(
            "The role may not create tables in the database: make it the owner of the database."
        )
    if state["has_tables"]:
        readable_from = await connection.fetchval("SELECT readable_from FROM thinkaloud.meta")
        if readable_from is not None and readable_from > len(MIGRATIONS):
            return Findings("A newer thinkaloud has upgraded the database: install that version.")
    return Findings(advice=tuple(_advice(state, skew_ms)))


def _advice(state: Any, skew_ms: int) -> list[str]:  # noqa: ANN401 - a row
    advice: list[str] = []
    if abs(skew_ms) > _MAX_SKEW_MS:
        advice.append(
            f"The clocks of this machine and of the database differ by {abs(skew_ms) / 1000:.0f}"
            " seconds: synchronize them."
        )
    if not state["vacuums"]:
        advice.append("The database never removes deleted rows: set `autovacuum = on`.")
    elif state["naptime"] > _MAX_NAPTIME_SECONDS:
        advice.append(
            f"The database removes deleted rows every {state['naptime']} seconds: with many runs,"
            " set `autovacuum_naptime = 5s` in postgresql.conf, so that it stays small."
        )
    return advice
