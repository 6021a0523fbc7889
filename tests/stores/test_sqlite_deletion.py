"""A deletion leaves no trace in the database file."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.stores.samples import (
    ENDED,
    OWNER,
    add_run,
    answer,
    append,
    begin,
    conversation,
    run,
    stored,
)
from thinkaloud.events.event import ReasoningDelta, ToolEnded
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.stores.sqlite.sql import conversations

CANARY = "canarywort"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "thinkaloud.db"


def raw(path: Path) -> closing[sqlite3.Connection]:
    """The file, as another program sees it."""
    return closing(sqlite3.connect(path, isolation_level=None))


def files_with(path: Path, text: str) -> list[str]:
    """The files beside the database, itself included, in which this text stands."""
    needle = text.encode()
    return [each.name for each in path.parent.iterdir() if needle in each.read_bytes()]


def about_canaries(path: Path) -> Iterator[str]:
    yield from files_with(path, CANARY)
    yield from files_with(path, CANARY[1:-1])  # an index shares beginnings among its words


async def keep_canary(store: SqliteStore, name: str = "talk") -> None:
    """Put the canary wherever a store puts text: title, thoughts, tools, answer and index."""
    record = run(f"{name}-run", name)
    await store.create_conversation(conversation(name, title=f"{CANARY} title"))
    await add_run(store, record)
    thought, tool = ReasoningDelta("r1", CANARY), ToolEnded("t1", "look", "ok", CANARY, 1)
    events = [
        stored(thought, 1, of=name, run_id=record.run_id),
        stored(tool, 2, of=name, run_id=record.run_id),
        stored(ENDED, 3, of=name, run_id=record.run_id),
    ]
    await append(store, events)
    await store.compact(record, events, f"what is a {CANARY}? " + CANARY * 1_000)


async def test_deleted_text_is_in_no_file(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await begin(store, "kept")
        for number in range(20):
            record = run(f"kept-{number}", "kept", first_seq=1 + number)
            await add_run(store, record)
            text = " ".join(f"w{number}x{n}" for n in range(10_000))  # more than one slice of index
            await store.compact(
                record, [stored(ENDED, 1 + number, of="kept", run_id=record.run_id)], text
            )
        await keep_canary(store)
        assert list(about_canaries(path)) != []
        assert await store.delete_conversation(OWNER, "talk")
        await store.scrub()
        assert list(about_canaries(path)) == []
        (found,) = await store.conversations(OWNER, before=None, limit=9, search="w7x7")
        assert found.conversation_id == "kept"


async def test_concurrent_deletions_all_wipe_their_text(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        for number in range(8):
            await keep_canary(store, f"talk{number}")

        async def delete(name: str) -> None:
            await store.delete_conversation(OWNER, name)
            await store.scrub()

        await asyncio.gather(*(delete(f"talk{n}") for n in range(8)))
        assert list(about_canaries(path)) == []


async def test_the_next_start_wipes_what_a_dead_process_had_only_deleted(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await keep_canary(store)
    with raw(path) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        conversations.delete(connection, OWNER, "talk")
    assert list(about_canaries(path)) != []
    async with SqliteStore.open(path):
        pass
    assert list(about_canaries(path)) == []


async def test_deleted_text_in_use_by_a_backup_is_wiped_after_it(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        await keep_canary(store)
        with raw(path) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM events").fetchall()
            assert await store.delete_conversation(OWNER, "talk")
            await store.scrub()
            assert list(about_canaries(path)) != []
        async with asyncio.timeout(30):
            while list(about_canaries(path)):
                await asyncio.sleep(0)
        await begin(store)


async def test_the_next_start_empties_the_log_of_a_process_that_died_in_a_deletion(
    path: Path,
) -> None:
    left = path.parent.with_name("left") / path.name
    async with SqliteStore.open(path) as store:
        await keep_canary(store)
        with raw(path) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            conversations.delete(connection, OWNER, "talk")
            # What a process leaves that dies now.
            shutil.copytree(path.parent, left.parent)
    assert f"{path.name}-wal" in files_with(left, CANARY)
    async with SqliteStore.open(left):
        assert list(about_canaries(left)) == []


async def test_retention_deletes_old_conversations_and_frees_space(path: Path) -> None:
    async with SqliteStore.open(path) as store:
        for number in range(30):
            name = f"old{number}"
            await store.create_conversation(conversation(name, at_ms=1_000))
            await append(store, [answer("x" * 400_000, 1, of=name)])
        await store.create_conversation(conversation("busy", at_ms=1_000))
        await add_run(store, run(of="busy"))
        await store.create_conversation(conversation("new", at_ms=2_000))
        before = path.stat().st_size
        assert len(await store.purge(2_000)) == 30
        assert await store.purge(2_000) == []
        await store.scrub()
        left = await store.conversations(OWNER, before=None, limit=10)
        assert [each.conversation_id for each in left] == ["new", "busy"]
        assert path.stat().st_size < before / 2
