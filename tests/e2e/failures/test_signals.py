"""Signals that stop a server before it serves, and repeatedly while it closes."""

import asyncio
import signal
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.preloaded import ForkedProcess
from tests.cli.program import DEMO, Home
from tests.e2e.reading import Reader
from tests.e2e.server_process import DATABASE, ask_database, assert_intact, server
from tests.e2e.upstream import DEADLINE, PacedReply, upstream
from tests.stores.samples import append, begin, whole_run
from thinkaloud.stores.sqlite import SqliteStore

AT_ONCE = "\n[limits]\ndrain_timeout_seconds = 0\n"
IMPATIENT = "busy_timeout_seconds = 1.0"


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Hold the database of this folder: nothing is written, and no run of a dead server ended."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def wait_for_owner(process: ForkedProcess, folder: Path) -> None:
    """Return when the process has taken the data."""
    lock = folder / DATABASE.with_suffix(".db.lock")
    while not lock.exists() or lock.read_text(encoding="ascii") != str(process.pid):
        assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_during_startup_stops_the_server_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with SqliteStore.open(tmp_path / DATABASE) as store:
        await begin(store)
        await append(store, whole_run()[:4])
    home = Home(tmp_path)
    home.configure(DEMO)
    with home.start("serve", "--port", "0") as process:
        with held(tmp_path):
            await asyncio.to_thread(wait_for_owner, process, tmp_path)
            process.send_signal(number)
        output, errors = await asyncio.to_thread(process.communicate, timeout=DEADLINE)
    assert (process.returncode, output, errors) == (0, b"", b"")
    assert sorted(each.name for each in (tmp_path / "data").iterdir()) == [
        "thinkaloud.db",
        "thinkaloud.db.lock",
    ]
    assert_intact(tmp_path)


@pytest.mark.promise("P3")
async def test_signals_during_shutdown_lose_no_unsaved_events(
    tmp_path: Path,
) -> None:
    async with upstream() as provider:
        provider.offer("Tell", PacedReply(40, held_at=10))
        async with server(tmp_path, provider.configuration(AT_ONCE, IMPATIENT)) as served:
            reader = Reader()
            await reader.begin(served, "Tell", lambda: bool(reader.characters))
            with held(tmp_path):
                served.process.terminate()
                note = tmp_path / "data" / "server.json"
                async with asyncio.timeout(DEADLINE):
                    while await asyncio.to_thread(note.exists):
                        pass
                served.process.send_signal(signal.SIGTERM)
                served.process.send_signal(signal.SIGINT)
            assert await served.terminate() == 0
    assert not (tmp_path / DATABASE.with_suffix(".db-wal")).exists()
    assert ask_database(tmp_path, "SELECT ended FROM runs") == [(1,)]
    query = "SELECT reserved_seq = (SELECT max(seq) FROM events) FROM conversations"
    assert ask_database(tmp_path, query) == [(1,)]
