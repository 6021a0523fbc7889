"""Faults of the database file: a clear error, nothing half-written, and recovery once the cause is fixed."""

import asyncio
import logging
import os
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.cli.program import DEMO, Home
from tests.harness import logged, open_runs, start
from tests.stores.samples import (
    ENDED,
    OWNER,
    STARTED,
    add_run,
    answer,
    append,
    begin,
    conversation,
    log_of,
    run,
    stored,
    whole_run,
)
from thinkaloud.errors import ConfigurationError, StoreError, UnreadableLog
from thinkaloud.events.event import RunEnded
from thinkaloud.ports.store import Unfinished
from thinkaloud.stores.sqlite import Opening, SqliteStore, obstacle
from thinkaloud.testing import ScriptedModel, say, think

SMALL = Opening(max_bytes=400_000)
IMPATIENT = Opening(busy_timeout=0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "thinkaloud.db"


async def opened(path: Path) -> None:
    async with SqliteStore.open(path, IMPATIENT):
        pass


async def fill(store: SqliteStore, name: str) -> list[int]:
    """Append batches of two events until the disk is full; return the numbers that were kept."""
    kept: list[int] = []

    async def without_end() -> None:
        while True:
            seq, text = len(kept) + 1, "x" * 5_000
            await append(store, [answer(text, seq, of=name), answer(text, seq + 1, of=name)])
            kept.extend((seq, seq + 1))

    with pytest.raises(StoreError, match="No space left"):
        await without_end()
    return kept


async def test_on_a_full_disk_acknowledged_events_are_kept_and_batches_are_atomic(
    path: Path,
) -> None:
    async with SqliteStore.open(path, SMALL) as store:
        await begin(store)
        kept = await fill(store, "talk")
        assert [each.logged.seq for each in await log_of(store)] == kept
    async with SqliteStore.open(path) as store:
        assert [each.logged.seq for each in await log_of(store)] == kept


async def test_on_a_full_disk_reading_and_deleting_still_work_and_free_space(path: Path) -> None:
    async with SqliteStore.open(path, SMALL) as store:
        await begin(store, "large")
        await begin(store)
        kept = await fill(store, "large")
        with pytest.raises(StoreError, match="No space left"):
            await append(store, [answer("y" * 50_000, 1)])
        assert len(await log_of(store, "large")) == len(kept)
        assert await store.delete_conversation(OWNER, "large")
        await store.scrub()
        await append(store, [answer("y" * 50_000, 1)])
        assert await log_of(store) == [answer("y" * 50_000, 1)]


async def test_on_a_full_disk_a_compaction_leaves_its_run_unchanged(path: Path) -> None:
    async with SqliteStore.open(path, SMALL) as store:
        record = await begin(store)
        await append(store, whole_run())
        with pytest.raises(StoreError, match="No space left"):
            await store.compact(record, [stored(ENDED, 7)], " ".join(map(str, range(200_000))))
        assert await log_of(store) == whole_run()
        assert await store.conversations(OWNER, before=None, limit=9, search="17") == []


async def test_while_another_program_locks_the_file_writing_fails_and_reading_works(
    path: Path,
) -> None:
    async with SqliteStore.open(path, IMPATIENT) as store:
        await begin(store)
        await append(store, [answer("a", 1)])
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreError, match="Another program has locked"):
                await append(store, [answer("b", 2)])
            with pytest.raises(StoreError, match="Another program has locked"):
                await store.delete_conversation(OWNER, "talk")
            assert await log_of(store) == [answer("a", 1)]
            other.execute("ROLLBACK")
        await append(store, [answer("b", 2)])
        assert await log_of(store) == [answer("a", 1), answer("b", 2)]


async def test_a_live_stream_continues_while_the_file_is_locked_and_is_saved_afterwards(
    path: Path,
) -> None:
    model = ScriptedModel([think("Hm. "), say("Blue.")])
    async with SqliteStore.open(path, IMPATIENT) as store:
        async with open_runs(model, store=store) as runs:
            record = await start(runs)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                streamed = await logged(runs, record)
        kept = await log_of(store, record.conversation_id, owner=record.owner)
    assert isinstance(streamed[-1].event, RunEnded)
    assert [each.logged for each in kept] == streamed


async def test_a_file_locked_by_another_program_is_not_opened(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="Another program has locked"):
            await opened(path)
    await opened(path)


async def test_a_file_that_is_not_a_database_is_left_unchanged(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 1_000)
    with pytest.raises(ConfigurationError, match="not a database"):
        await opened(path)
    assert path.read_bytes() == b"Dear diary, " * 1_000


async def test_damaged_pages_are_a_typed_error_reported_once_and_other_data_is_readable(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        await append(store, [answer("x" * 900, seq) for seq in range(1, 2_000)])
        await store.create_conversation(conversation("other", title="spared"))
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 200_000)
    async with SqliteStore.open(path) as store:
        for _ in range(2):
            with pytest.raises(StoreError, match="is damaged"):
                await log_of(store)
        (warning,) = [
            each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING
        ]
        assert "is damaged. Replace it with a backup" in warning
        assert await store.conversation(OWNER, "other") == conversation("other", title="spared")


async def test_a_server_on_a_damaged_database_suggests_what_to_do_and_does_not_touch_it(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path)
    home.configure(DEMO)
    path = tmp_path / "data" / "thinkaloud.db"
    async with SqliteStore.open(path) as store:
        await begin(store)
        await append(store, [answer("x" * 900, seq) for seq in range(1, 2_000)])
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 200_000)
    before = path.read_bytes()
    done = await asyncio.to_thread(home.run, "serve", "--port", "0")
    output = " ".join(done.stderr.split())
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{path} is damaged. Replace it with a backup" in output
    assert ".recover" in output
    assert "Traceback" not in output
    assert path.read_bytes() == before


@pytest.mark.parametrize("event", [b'{"seq": "one"}', b'{"run_id": "\xff"}'])
async def test_an_unreadable_event_is_a_typed_error(path: Path, event: bytes) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        await append(store, [answer("a", 1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE events SET event = ?", (event,))
    async with SqliteStore.open(path) as store:
        with pytest.raises(UnreadableLog, match="cannot be read"):
            await log_of(store)


@pytest.mark.parametrize("message", [b"{}", b'{"model": "\xff"}'])
async def test_an_unreadable_message_does_not_prevent_the_start(path: Path, message: bytes) -> None:
    async with SqliteStore.open(path) as store:
        record = await begin(store)
        await add_run(store, run("next"), STARTED)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE runs SET message = ? WHERE run_id = 'next'", (message,))
    async with SqliteStore.open(path) as store:
        found = await store.unfinished_runs()
    assert found == [Unfinished(record), Unfinished(run("next"))]


async def test_an_invalid_path_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"thinkaloud\.db.*THINKALOUD_DATA_DIR"):
        await opened(path)
    with pytest.raises(ConfigurationError, match="THINKALOUD_DATA_DIR"):
        await opened(Path(__file__) / "data" / "thinkaloud.db")


async def test_after_a_failed_start_the_next_one_succeeds(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 1_000)
    with pytest.raises(ConfigurationError):
        await opened(path)
    path.unlink()
    await opened(path)


@contextmanager
def as_nobody() -> Generator[None]:
    """Be an ordinary user for a moment: nothing is forbidden to root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_read_only_folder_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with as_nobody(), pytest.raises(ConfigurationError, match="THINKALOUD_DATA_DIR"):
            await opened(Path(folder) / "data" / "thinkaloud.db")
        Path(folder).chmod(0o755)


async def test_a_database_in_a_read_only_folder_is_named() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "thinkaloud.db"
        Path(folder).chmod(0o777)
        with as_nobody():
            await opened(path)
        before = path.read_bytes()
        Path(folder).chmod(0o555)
        with as_nobody(), pytest.raises(ConfigurationError, match=r"cannot be written.*read-only"):
            await opened(path)
        Path(folder).chmod(0o755)
        assert path.read_bytes() == before


async def test_a_backup_that_cannot_be_written_leaves_nothing(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store)
        with pytest.raises(StoreError, match="copy"):
            await store.backup(path.parent / "nowhere" / "copy.db")
        await append(store, [answer("a", 1)])
    assert not (path.parent / "nowhere").exists()


async def test_after_a_failed_write_a_probe_checks_writing_and_leaves_nothing(
    path: Path,
) -> None:
    async with SqliteStore.open(path, SMALL) as store:
        await store.check_writing()
        assert store.commits == 0
        await begin(store)
        await fill(store, "talk")
        with pytest.raises(StoreError, match="No space left"):
            await store.check_writing()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DELETE FROM events")
        await store.check_writing()
        await append(store, [answer("a", 1)])
        before = store.commits
        await store.check_writing()
        assert store.commits == before
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM chores").fetchall() == []


async def test_the_preflight_check_detects_an_unusable_database() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data" / "thinkaloud.db"
        Path(folder).chmod(0o777)
        with as_nobody():
            assert obstacle(path) is None
            await opened(path)
            assert obstacle(path) is None
            path.chmod(0o400)
            assert str(obstacle(path)).startswith(f"{path} cannot be written")
            path.parent.chmod(0o500)
            assert str(obstacle(path)).startswith(f"{path.parent} cannot be written")
            path.parent.chmod(0)
            assert str(obstacle(path)).startswith(f"{path.parent} cannot be written")
            path.parent.chmod(0o700)
        assert obstacle(Path(folder) / "data") is not None
