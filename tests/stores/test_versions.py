"""A database of another version, or of another program."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores.samples import (
    OWNER,
    STARTED,
    answer,
    begin,
    compacted,
    log_of,
    names,
    run,
    stored,
    whole_run,
)
from thinkaloud.errors import ConfigurationError
from thinkaloud.ports.store import LogEnd
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.stores.sqlite.database import Opening
from thinkaloud.stores.sqlite.schema import MIGRATIONS, migrate
from thinkaloud.stores.sqlite.sql.log import rows_of

_EVENT_OF_VERSION_1 = (
    "INSERT INTO events (conversation_id, seq, first_seq, run_id, event)"
    " VALUES ('talk', ?, ?, ?, ?)"
)
_CONVERSATION_OF_VERSION_1 = "INSERT INTO conversations VALUES ('talk', ?, 1, 2, 't', 9)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "thinkaloud.db"


def raw(path: Path) -> closing[sqlite3.Connection]:
    """The file, as another program sees it."""
    return closing(sqlite3.connect(path, isolation_level=None))


async def test_a_newer_versions_database_is_left_unchanged(path: Path) -> None:
    async with SqliteStore.open(path):
        pass
    with raw(path) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("PRAGMA journal_mode = DELETE")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"newer thinkaloud.*999"):
        async with SqliteStore.open(path):
            pass
    assert path.read_bytes() == before
    assert path.with_name(f"{path.name}.lock").read_bytes() == b""


async def test_another_programs_database_is_left_unchanged(path: Path) -> None:
    path.parent.mkdir()
    with raw(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="another program"):
        async with SqliteStore.open(path):
            pass
    assert path.read_bytes() == before


async def test_an_older_database_is_migrated_with_its_content(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
    later = (*MIGRATIONS, ("ALTER TABLE runs ADD COLUMN note TEXT", "UPDATE runs SET note = 'n'"))
    with raw(path) as connection:
        migrate(connection, path, later)
        migrate(connection, path, later)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(later)
        assert connection.execute("SELECT run_id, note FROM runs").fetchall() == [("run", "n")]


async def test_events_of_the_first_version_are_there_after_every_migration(path: Path) -> None:
    events = whole_run()
    rows = [row[:4] for row in rows_of(events)]
    path.parent.mkdir()
    with raw(path) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        connection.execute(_CONVERSATION_OF_VERSION_1, (OWNER,))
        connection.execute(
            "INSERT INTO runs (run_id, conversation_id, owner, first_seq) VALUES ('run', 'talk', ?, 1)",
            (OWNER,),
        )
        connection.executemany(_EVENT_OF_VERSION_1, reversed(rows))
    async with SqliteStore.open(path) as store:
        assert await log_of(store) == events
        await store.compact(run(), compacted(events), "Rayleigh scattering.")
        assert await log_of(store) == compacted(events)
        assert await store.delete_conversation(OWNER, "talk")
        assert await log_of(store) == []
    with raw(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_database_of_the_first_version_is_migrated(path: Path) -> None:
    path.parent.mkdir()
    with raw(path) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        connection.execute(_CONVERSATION_OF_VERSION_1, (OWNER,))
        connection.executemany(
            "INSERT INTO runs (run_id, conversation_id, owner, first_seq, ended)"
            " VALUES (?, 'talk', ?, ?, ?)",
            [("whole", OWNER, 1, 1), ("ended", OWNER, 2, 1), ("open", OWNER, 3, 0)],
        )
        connection.execute(
            "INSERT INTO texts (conversation_id, run_id) VALUES ('talk', 'whole'), ('talk', '')"
        )
    async with SqliteStore.open(path) as store:
        left = await store.unfinished_runs()
        assert [(each.run.run_id, each.message) for each in left] == [
            ("ended", None),
            ("open", None),
        ]
        assert await store.run(OWNER, "whole") == run("whole")
        assert await store.log_end(OWNER, "talk") == LogEnd(0, 9)


async def test_a_migration_to_ids_per_owner_keeps_ownership(
    path: Path,
) -> None:
    path.parent.mkdir()
    with raw(path) as connection:
        migrate(connection, path, MIGRATIONS[:5])
        connection.execute("PRAGMA foreign_keys = ON")
        for number, (name, owner) in enumerate([("talk", OWNER), ("bobs", "bob")]):
            connection.execute(
                "INSERT INTO conversations VALUES (?, ?, 1, 2, 't', 90)", (name, owner)
            )
            connection.execute(
                "INSERT INTO runs (run_id, conversation_id, owner, first_seq, idempotency_key,"
                " ended, compacted) VALUES (?, ?, ?, 1, 'k', 1, 1)",
                (f"{name}-run", name, owner),
            )
            for row in reversed(rows_of(whole_run(name, f"{name}-run"))):
                connection.execute(
                    "INSERT INTO events (conversation_id, seq, first_seq, run_id, event, lengths)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (name, *row),
                )
            connection.execute(
                "INSERT INTO texts VALUES (?, ?, ?)", (number + 7, name, f"{name}-run")
            )
            connection.execute(
                "INSERT INTO words (rowid, text) VALUES (?, 'rayleigh')", (number + 7,)
            )
    async with SqliteStore.open(path) as store:
        for name, owner in (("talk", OWNER), ("bobs", "bob")):
            record = run(f"{name}-run", name, owner=owner, key="k")
            assert await log_of(store, name, owner=owner) == whole_run(name, f"{name}-run")
            assert await store.log_end(owner, name) == LogEnd(7, 90)
            assert await store.run_for_key(owner, "k") == record
            found = await store.conversations(owner, before=None, limit=9, search="rayleigh")
            assert [each.conversation_id for each in found] == [name]
        assert await store.unfinished_runs() == []
        assert await store.delete_conversation("bob", "bobs")
        assert await names(store, "rayleigh") == ["talk"]
    with raw(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


async def test_a_migration_fits_although_the_file_is_as_large_as_it_may_be(path: Path) -> None:
    path.parent.mkdir()
    with raw(path) as connection:
        migrate(connection, path, MIGRATIONS[:5])
        connection.execute("INSERT INTO conversations VALUES ('talk', ?, 1, 2, 't', 9)", (OWNER,))
        rows = [("talk", seq, seq, "run", b"x" * 4_000) for seq in range(500)]
        connection.executemany(
            "INSERT INTO events (conversation_id, seq, first_seq, run_id, event)"
            " VALUES (?, ?, ?, ?, ?)",
            rows,
        )
    limit = Opening(max_bytes=path.stat().st_size + 100_000)
    async with SqliteStore.open(path, limit) as store:
        assert await store.conversation(OWNER, "talk") is not None


async def test_a_migration_that_fails_is_undone_whole(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
    broken = (*MIGRATIONS, ("DELETE FROM runs", "this is no SQL"))
    with raw(path) as connection, pytest.raises(sqlite3.OperationalError):
        migrate(connection, path, broken)
    async with SqliteStore.open(path) as store:
        assert await store.run(OWNER, "run") == run()


MIGRATING = """
import os, signal, sqlite3, sys
from pathlib import Path
from thinkaloud.stores.sqlite.schema import migrate
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA cache_size = 2")  # what is not committed yet is in the files, too
left = int(sys.argv[2])
def count():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
connection.set_progress_handler(count, 1_000)
migrate(connection, Path(sys.argv[1]))
"""


async def test_a_migration_that_is_killed_at_any_moment_loses_nothing(path: Path) -> None:
    events = [stored(STARTED, 1), *[answer("word " * 20, seq) for seq in range(2, 8_000)]]
    path.parent.mkdir()
    with raw(path) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        connection.execute("BEGIN")
        connection.execute(_CONVERSATION_OF_VERSION_1, (OWNER,))
        rows = [row[:4] for row in rows_of(events)]
        connection.executemany(_EVENT_OF_VERSION_1, rows)
        connection.execute("COMMIT")
    versions: list[int] = []
    moment = 1
    while not versions or versions[-1] < len(MIGRATIONS):
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", MIGRATING, str(path), str(moment)], check=False
        )
        assert done.returncode in {0, -signal.SIGKILL}
        with raw(path) as connection:
            versions.append(connection.execute("PRAGMA user_version").fetchone()[0])
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("SELECT count(*) FROM events").fetchone() == (7_999,)
        moment *= 2
    async with SqliteStore.open(path) as store:
        assert await log_of(store) == events
