"""Backups from strangers: anything besides conversations has no effect and is not stored."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.stores.samples import (
    OWNER,
    add_run,
    append,
    begin,
    compacted,
    conversation,
    log_of,
    names,
    run,
    whole_run,
)
from thinkaloud.errors import InvalidRequest
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.stores.sqlite import Added, SqliteStore
from thinkaloud.stores.sqlite.untrusted import MAX_VALUE_BYTES

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT"


async def began(store: Store, name: str, run_id: str, key: str | None = None) -> RunRecord:
    record = run(run_id, name, key=key)
    assert await store.create_conversation(conversation(name))
    await add_run(store, record)
    return record


async def backup(tmp_path: Path, *statements: str) -> Path:
    """A backup with two conversations, changed by these statements."""
    to = tmp_path / "backup.db"
    async with SqliteStore.open(tmp_path / "old" / "thinkaloud.db") as store:
        for name in ("talk", "other"):
            record = await began(store, name, f"{name}-run")
            events = whole_run(name, f"{name}-run")
            await append(store, events)
            await store.compact(record, compacted(events), "Why is the sky blue?")
        await store.backup(to)
    with closing(sqlite3.connect(to, isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            connection.execute(statement)
    return to


REDEFINED = "PRAGMA writable_schema = ON"
HARMFUL: dict[str, Sequence[str]] = {
    "an endless view instead of a table": (
        "ALTER TABLE conversations RENAME TO hidden",
        f"CREATE VIEW conversations AS {ENDLESS} x AS conversation_id, 'ann' AS owner,"
        " 1 AS created_at_ms, 1 AS updated_at_ms, '' AS title, 0 AS reserved_seq FROM n",
    ),
    "a view beside the tables": ("CREATE VIEW more AS SELECT * FROM events",),
    "a trigger": ("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM events; END",),
    "an endless trigger that the upgrade of an old backup would fire": (
        "PRAGMA user_version = 2",
        "ALTER TABLE runs DROP COLUMN message",
        "ALTER TABLE events DROP COLUMN lengths",
        f"CREATE TRIGGER t AFTER UPDATE ON runs BEGIN {ENDLESS} count(*) FROM n; END",
    ),
    "a generated column": (
        "ALTER TABLE conversations ADD COLUMN g AS (zeroblob(900000000)) VIRTUAL",
    ),
    "an index on an expression": ("CREATE INDEX i ON events (hex(event))",),
    "a partial index": ("CREATE INDEX i ON runs (number) WHERE owner = 'ann'",),
    "a virtual table": ("CREATE VIRTUAL TABLE v USING fts5 (text)",),
    "a table with another column": ("ALTER TABLE events ADD COLUMN more",),
    "no table of runs": ("DROP TABLE runs",),
    "a table whose definition is not SQL": (
        REDEFINED,
        "UPDATE sqlite_schema SET sql = 'CREATE TABLE runs (' WHERE name = 'runs'",
    ),
    "a column with a default that is computed": (
        REDEFINED,
        "UPDATE sqlite_schema SET sql = replace(sql, 'title TEXT NOT NULL',"
        " 'title TEXT NOT NULL DEFAULT (hex(zeroblob(1000000)))') WHERE name = 'conversations'",
    ),
}


@pytest.mark.parametrize("harm", HARMFUL)
async def test_a_backup_with_active_content_is_refused(tmp_path: Path, harm: str) -> None:
    file = await backup(tmp_path, *HARMFUL[harm])
    before = file.read_bytes()
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        with pytest.raises(InvalidRequest, match="not a backup"):
            await store.add_backup(file)
        assert await names(store) == []
        await begin(store, "still")
        assert await names(store) == ["still"]
    assert file.read_bytes() == before
    assert not list((tmp_path / "new").glob("*.import*"))


async def test_unknown_tables_are_ignored(tmp_path: Path) -> None:
    file = await backup(
        tmp_path, "CREATE TABLE theirs (x)", "INSERT INTO theirs VALUES (zeroblob(1000))"
    )
    database = tmp_path / "new" / "thinkaloud.db"
    async with SqliteStore.open(database) as store:
        assert await store.add_backup(file) == Added(2, 0)
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'theirs'").fetchall()
    assert found == []


def renamed(new: str) -> tuple[str, ...]:
    changed_event = f"json_set(CAST(event AS TEXT), '$.conversation_id', {new})"
    return (
        f"UPDATE conversations SET conversation_id = {new} WHERE conversation_id = 'talk'",
        f"UPDATE events SET event = {changed_event} WHERE run_id = 'talk-run'",
    )


def deep() -> str:
    return f"UPDATE events SET event = '{'[' * 200_000}' WHERE run_id = 'talk-run' AND seq = 1"


WRONG: dict[str, Sequence[str]] = {
    "an id that controls the terminal": renamed("'a' || char(27) || ']0;x' || char(7)"),
    "an id with a line break at its end": renamed("'talk' || char(10)"),
    "an id that turns the writing direction": renamed("'a' || char(8238)"),
    "an empty id": renamed("''"),
    "an id without end": renamed("printf('%.*c', 100000, 'a')"),
    "an id that is not text": renamed("x'00ff'")[:1],
    "a run of another owner": ("UPDATE runs SET owner = 'bob' WHERE run_id = 'talk-run'",),
    "a run whose id controls the terminal": (
        "UPDATE runs SET run_id = char(27) WHERE run_id = 'talk-run'",
    ),
    "an event of another run": (
        "UPDATE events SET run_id = 'other-run',"
        " event = replace(CAST(event AS TEXT), 'talk-run', 'other-run')"
        " WHERE run_id = 'talk-run' AND seq = 2",
    ),
    "an event that says it is another conversation's": (
        "UPDATE events SET event = replace(CAST(event AS TEXT), '\"talk\"', '\"other\"')"
        " WHERE run_id = 'talk-run'",
    ),
    "numbers that no log can continue from": (
        "UPDATE conversations SET reserved_seq = 9223372036854775807"
        " WHERE conversation_id = 'talk'",
    ),
    "a date that no calendar has": (
        "UPDATE conversations SET updated_at_ms = 9223372036854775807"
        " WHERE conversation_id = 'talk'",
    ),
    "a date that is text": (
        "UPDATE conversations SET updated_at_ms = 'soon' WHERE conversation_id = 'talk'",
    ),
    "an event that stands for the numbers of others": (
        "UPDATE events SET first_seq = 1 WHERE run_id = 'talk-run' AND seq = 3",
    ),
    "a title without end": (
        "UPDATE conversations SET title = printf('%.*c', 1000000, 'a')"
        " WHERE conversation_id = 'talk'",
    ),
    "an event nested without end": (deep(),),
    "an event that is a number": (
        "UPDATE events SET event = 7 WHERE run_id = 'talk-run' AND seq = 1",
    ),
    "the key of a message to another chat": (
        "UPDATE runs SET idempotency_key = 'ws:room:m-1' WHERE run_id = 'talk-run'",
    ),
    "a value larger than any message": (
        f"UPDATE events SET event = zeroblob({MAX_VALUE_BYTES + 1})"
        " WHERE run_id = 'talk-run' AND seq = 1",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_conversation_with_invalid_values_is_left_out_and_others_are_added(
    tmp_path: Path, wrong: str
) -> None:
    file = await backup(tmp_path, *WRONG[wrong])
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(1, 0, damaged=1)
        assert await names(store) == ["other"]
        assert await log_of(store, "other") == compacted(whole_run("other", "other-run"))
        assert await names(store, "sky") == ["other"]


async def test_a_restore_for_one_owner_leaves_out_others(
    tmp_path: Path,
) -> None:
    mallory = (
        "UPDATE conversations SET owner = 'mallory' WHERE conversation_id = 'talk'",
        "UPDATE runs SET owner = 'mallory' WHERE run_id = 'talk-run'",
    )
    file = await backup(tmp_path, *mallory)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file, owner=OWNER) == Added(1, 0, foreign=1)
        assert await names(store) == ["other"]
        assert await store.conversation("mallory", "talk") is None


async def test_the_search_finds_the_events_text_and_not_the_backups_index(
    tmp_path: Path,
) -> None:
    file = await backup(tmp_path, "UPDATE words SET text = 'poison'")
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        assert await store.add_backup(file) == Added(2, 0)
        assert await names(store, "poison") == []
        assert sorted(await names(store, "sky")) == ["other", "talk"]


async def test_an_existing_run_is_not_moved_to_another_conversation(
    tmp_path: Path,
) -> None:
    file = await backup(tmp_path)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        await began(store, "mine", "talk-run")
        assert await store.add_backup(file) == Added(1, 0, damaged=1)
        mine = await store.run(OWNER, "talk-run")
        assert mine is not None
        assert mine.conversation_id == "mine"


async def test_an_idempotency_key_in_use_here_keeps_its_run(
    tmp_path: Path,
) -> None:
    file = await backup(tmp_path, "UPDATE runs SET idempotency_key = 'k' WHERE number = 1")
    database = tmp_path / "new" / "thinkaloud.db"
    async with SqliteStore.open(database) as store:
        await began(store, "mine", "mine-run", "k")
        assert await store.add_backup(file) == Added(2, 0)
        found = await store.run_for_key(OWNER, "k")
    assert found is not None
    assert found.run_id == "mine-run"


@pytest.mark.parametrize("part", range(1, 10))
async def test_damaged_pages_are_reported_and_existing_data_is_not_touched(
    tmp_path: Path, part: int
) -> None:
    file = await backup(tmp_path)
    content = bytearray(file.read_bytes())
    at = len(content) * part // 10
    content[at : at + 300] = b"\xff" * 300
    file.write_bytes(content)
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        await begin(store, "mine")
        with suppress(InvalidRequest):
            added = await store.add_backup(file)
            assert added.added + added.damaged <= 2
        assert "mine" in await names(store)


async def test_a_backup_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    file = await backup(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    async with SqliteStore.open(tmp_path / "new" / "thinkaloud.db") as store:
        with pytest.raises(InvalidRequest, match="damaged"):
            await store.add_backup(file)
        assert json.dumps(await names(store)) == "[]"
