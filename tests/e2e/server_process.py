"""The real server in a separate process: killed, stopped and restarted on the same data."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

import aiohttp

from tests.cli.preloaded import ForkedProcess
from tests.cli.program import PROGRAM, Home
from tests.e2e.upstream import DEADLINE

Json = dict[str, Any]
DATABASE: Final = Path("data") / "thinkaloud.db"
SERVE: Final = (str(PROGRAM), "serve", "--port", "0")
"""The command in a terminal."""
_STDERR: Final = "stderr.txt"
Process = ForkedProcess | Popen[bytes]


class ServerProcess:
    """A running server."""

    def __init__(self, url: str, process: Process, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.api = f"{url}/api/v1"
        self.session = session
        self.process = process

    async def get(self, path: str) -> tuple[int, Any]:
        """GET a path below /api/v1 and return status and JSON."""
        async with self.session.get(self.api + path) as response:
            return response.status, await response.json(content_type=None)

    def socket(self) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """Open a chat socket."""
        return self.session.ws_connect(f"{self.api}/chat/stream", max_msg_size=0)

    async def post(self, path: str, body: Json | None = None, **kwargs: Any) -> tuple[int, Any]:
        """POST JSON to a path below /api/v1 and return status and JSON."""
        given = {"json": body} if body is not None else {}
        async with self.session.post(self.api + path, **given, **kwargs) as response:
            return response.status, await response.json(content_type=None)

    async def kill(self) -> None:
        """Kill it with a signal that nothing can catch."""
        self.process.kill()
        await self.ended()

    async def terminate(self) -> int:
        """Send SIGTERM and return its exit code."""
        self.process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Wait for its end and return its exit code."""
        return await asyncio.to_thread(self.process.wait, DEADLINE)

    def resident_bytes(self) -> int:
        """Return how much memory the process holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found, status
        return int(found.group(1)) * 1024


@asynccontextmanager
async def server(
    folder: Path,
    configuration: str,
    program: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncGenerator[ServerProcess]:
    """Run `thinkaloud serve` on this folder's data until the block is left.

    It runs in a fork; with `program`, that runs instead, in a process of its own (`SERVE` starts an interpreter).
    """
    home = Home(folder)
    home.configure(configuration)
    home.environment.update(environment or {})
    with _started(home, program) as process:
        assert process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            first = (await asyncio.to_thread(process.stdout.readline)).decode()
        found = re.search(r"http://[\w.:]+", first)
        assert found, first + server_stderr(folder)
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_read=DEADLINE)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, read_bufsize=2**22
        ) as session:
            yield ServerProcess(found.group(), process, session)


@contextmanager
def _started(home: Home, program: Sequence[str] | None) -> Generator[Process]:
    path = home.folder / _STDERR
    if program is None:
        with home.start("serve", "--port", "0", stderr=path) as fork:
            yield fork
        return
    with path.open("ab") as errors, home.start_interpreter(*program, stderr=errors) as process:
        yield process


def server_stderr(folder: Path) -> str:
    """Return what the servers of this folder wrote to stderr."""
    return (folder / _STDERR).read_text(encoding="utf-8")


async def until_logged(folder: Path, text: str) -> None:
    """Return when a server of this folder has written this to stderr."""
    async with asyncio.timeout(DEADLINE):
        while text not in await asyncio.to_thread(server_stderr, folder):
            pass


def ask_database(folder: Path, query: str) -> list[Any]:
    """Return the rows of a query to the database as it is committed now."""
    path = (folder / DATABASE).resolve()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


async def until_saved(folder: Path, run_id: str) -> None:
    """Return when the end of a run is committed."""
    query = f"SELECT ended FROM runs WHERE run_id = '{run_id}'"
    async with asyncio.timeout(DEADLINE):
        while await asyncio.to_thread(ask_database, folder, query) != [(1,)]:
            pass


def assert_intact(folder: Path) -> None:
    """Assert that the database is whole."""
    assert ask_database(folder, "PRAGMA integrity_check") == [("ok",)]
    assert ask_database(folder, "PRAGMA foreign_key_check") == []
