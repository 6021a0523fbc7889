"""Backups: written while runs are active, and restored without replacing anything."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores.samples import OWNER, append, begin, compacted, log_of, names, whole_run
from thinkaloud.errors import ConfigurationError, InvalidRequest
from thinkaloud.ports.store import Conversation, LogEnd
from thinkaloud.stores.sqlite import Added, SqliteStore
from thinkaloud.stores.sqlite.schema import MIGRATIONS, migrate


async def backup(tmp_path: Path) -> Path:
    """A backup with one conversation that ended and one whose run is active."""
    to = tmp_path / "backup.db"
    async with SqliteStore.open(tmp_path / "old" / "thinkaloud.db") as store:
        record = await begin(store)
        await append(store, whole_run())
        await store.compact(record, compacted(whole_run()), "Why is the sky blue?")
        await begin(store, "open")
        await append(store, whole_run("open", "open-run")[:3])
        await store.reserve(OWNER, "open", 500)
        await store.backup(to)
    return to


async def test_a_backup_restores_conversations_runs_events_and_search(tmp_path: Path) -> None:
    file = await backup(tmp_path)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(2, 0)
        assert await log_of(store) == compacted(whole_run())
        assert await names(store, "sky") == ["talk"]
        assert [each.run.run_id for each in await store.unfinished_runs()] == ["open-run"]
        assert await store.log_end(OWNER, "open") == LogEnd(3, 500)
        assert await store.run(OWNER, "run") is not None
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {
        "thinkaloud.db",
        "thinkaloud.db.lock",
    }


async def test_a_restore_changes_no_existing_data_and_repeating_it_adds_nothing(
    tmp_path: Path,
) -> None:
    file = await backup(tmp_path)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        await begin(store)
        assert await store.add_backup(file) == Added(1, 1)
        assert await log_of(store) == []
        assert await store.add_backup(file) == Added(0, 2)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET event = 'no JSON' WHERE run_id = 'run' AND seq = 3",
        "UPDATE events SET event = x'22ff22' WHERE run_id = 'run' AND seq = 3",
        "UPDATE events SET seq = 300 WHERE run_id = 'run' AND seq = 3",
        "UPDATE conversations SET title = CAST(x'ff' AS TEXT) WHERE conversation_id = 'talk'",
        "UPDATE runs SET message = '{}' WHERE run_id = 'run'",
    ],
)
async def test_a_conversation_that_cannot_be_read_is_left_out_and_the_others_are_added(
    tmp_path: Path, damage: str
) -> None:
    file = await backup(tmp_path)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(damage)
        connection.commit()
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(1, 0, damaged=1)
        assert await names(store) == ["open"]
        assert await log_of(store, "open") == whole_run("open", "open-run")[:3]


async def test_the_next_start_deletes_the_remains_of_a_killed_import(tmp_path: Path) -> None:
    database = tmp_path / "thinkaloud.db"
    async with SqliteStore.open(database) as store:
        await begin(store)
    for ending in (".import", ".import-journal", ".import.partial", ".import.partial-journal"):
        database.with_name(f"{database.name}{ending}").write_text("What was said.")
    async with SqliteStore.open(database) as store:
        assert not list(tmp_path.glob("*.import*"))
        assert await names(store) == ["talk"]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + bytes(4096)])
async def test_a_file_that_is_not_a_backup_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "backup.db"
    file.write_bytes(content)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        with pytest.raises(InvalidRequest, match="not a backup"):
            await store.add_backup(file)
        with pytest.raises(InvalidRequest, match="File not found"):
            await store.add_backup(tmp_path / "gone.db")
        assert await names(store) == []
    assert file.read_bytes() == content


async def test_a_backup_of_a_newer_version_or_another_program_is_refused(tmp_path: Path) -> None:
    file = await backup(tmp_path)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as newer, closing(sqlite3.connect(other)) as another:
        newer.execute("PRAGMA user_version = 99")
        newer.commit()
        another.execute("CREATE TABLE theirs (x)")
        another.commit()
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        for each in (file, other):
            with pytest.raises(ConfigurationError):
                await store.add_backup(each)
        assert await names(store) == []


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
async def test_a_backup_of_every_earlier_version_is_imported(tmp_path: Path, version: int) -> None:
    file = tmp_path / "backup.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        migrate(connection, file, MIGRATIONS[:version])
        connection.execute(
            "INSERT INTO conversations"
            " (conversation_id, owner, created_at_ms, updated_at_ms, title, reserved_seq)"
            " VALUES ('talk', ?, 1, 2, 't', 9)",
            (OWNER,),
        )
        column, value = ("conversation", 1) if version > 5 else ("conversation_id", "talk")
        connection.execute(
            f"INSERT INTO runs (run_id, {column}, owner, first_seq) VALUES ('r', ?, ?, 1)",
            (value, OWNER),
        )
        # As SQLite leaves it where somebody has analyzed the file.
        connection.execute("ANALYZE")
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(1, 0)
        assert await names(store, "t") == ["talk"]


async def test_an_unlisted_conversation_is_unlisted_when_it_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    hidden = Conversation("hidden", OWNER, 1_000, 2_000, "Sky", unlisted=True)
    async with SqliteStore.open(tmp_path / "old" / "thinkaloud.db") as store:
        await store.create_conversation(hidden)
        await store.backup(file)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(1, 0)
        assert await store.conversation(OWNER, "hidden") == hidden
