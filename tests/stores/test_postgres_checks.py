"""What `thinkaloud doctor` finds out about a PostgreSQL database."""

from urllib.parse import urlsplit

from tests.harness import FakeClock
from tests.postgres import PostgresServer, started_server
from thinkaloud.ports.clock import SystemClock
from thinkaloud.stores.postgres.checks import Findings, check_database
from thinkaloud.stores.postgres.database import Address


async def test_a_database_that_can_be_used_has_no_findings(
    postgres_server: PostgresServer,
) -> None:
    async with postgres_server.database() as url:
        assert await check_database(Address(url), SystemClock()) == Findings()
        assert await check_database(Address(url, url, is_pooler=True), SystemClock()) == Findings()


async def test_clocks_that_differ_are_mentioned(postgres_server: PostgresServer) -> None:
    async with postgres_server.database() as url:
        found = await check_database(Address(url), FakeClock())
        assert found.problem is None
        assert "clocks" in found.advice[0]


async def test_a_database_that_a_newer_version_has_upgraded_is_a_problem(
    postgres_server: PostgresServer,
) -> None:
    async with postgres_server.database() as url:
        change = "UPDATE thinkaloud.meta SET readable_from = {}"
        await postgres_server.execute(change.format(999), url)
        try:
            found = await check_database(Address(url), SystemClock())
        finally:
            await postgres_server.execute(change.format(1), url)
        assert "newer thinkaloud" in (found.problem or "")


async def test_a_role_without_rights_is_a_problem(postgres_server: PostgresServer) -> None:
    async with postgres_server.database() as url:
        await postgres_server.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'", url)
        try:
            parts = urlsplit(url)
            host = parts.netloc.rpartition("@")[2]
            guest = parts._replace(netloc=f"guest:guest@{host}").geturl()
            found = await check_database(Address(guest), SystemClock())
        finally:
            await postgres_server.execute("DROP ROLE guest", url)
        assert "may not create tables" in (found.problem or "")


async def test_an_unreachable_database_is_a_problem_without_its_password() -> None:
    for url in ("postgresql://ana:secret@127.0.0.1:1/x", "postgresql://ana:secret@localhost:y/x"):
        problem = (await check_database(Address(url), SystemClock())).problem
        assert problem is not None
        assert "cannot be used" in problem
        assert "secret" not in problem


async def test_a_server_that_vacuums_seldom_gets_advice() -> None:
    with started_server(("fsync=off", "autovacuum_naptime=60s")) as (server, _):
        await server.ready()
        found = await check_database(Address(server.url("postgres")), SystemClock())
    assert found.problem is None
    assert "autovacuum_naptime" in found.advice[0]
    assert "60 seconds" in found.advice[0]
