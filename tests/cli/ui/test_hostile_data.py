"""Stored data and backups can't control the terminal that shows them."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.program import DEMO, Home
from tests.stores.samples import append, begin, compacted, whole_run
from thinkaloud.stores.sqlite import SqliteStore

ESCAPE = "\x1b]0;owned\x07"
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


async def fill(database: Path) -> None:
    async with SqliteStore.open(database) as store:
        for name in ("sky", "sea"):
            record = await begin(store, name, owner="local")
            events = whole_run(name, record.run_id)
            await append(store, events, owner="local")
            await store.compact(record, compacted(events), "Why is the sky blue?")


@pytest.fixture
def home_with_conversations(home: Home) -> Home:
    """A home with two conversations."""
    home.configure(DEMO)
    asyncio.run(fill(home.folder / "data" / "thinkaloud.db"))
    return home


def change(database: Path, *statements: tuple[str, Sequence[str]]) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement, values in statements:
            connection.execute(statement, values)
        connection.commit()


@pytest.mark.parametrize("sign", [ESCAPE, "\x9b2J", "\u202eyks", "[red]x[/red]\x1b[31m"])
def test_control_characters_in_ids_and_titles_are_shown_and_not_executed(
    home_with_conversations: Home, sign: str
) -> None:
    change(
        home_with_conversations.folder / "data" / "thinkaloud.db",
        ("UPDATE conversations SET title = ?", [sign]),
        ("UPDATE conversations SET conversation_id = ? WHERE conversation_id = 'sky'", [sign]),
    )
    table = home_with_conversations.run("conversations", "list")
    listed = home_with_conversations.run("conversations", "list", "--json")
    for done in (table, listed):
        assert done.returncode == 0, done.stderr
        assert not STEERING.search(done.stdout + done.stderr)
    assert sign in {each["conversation_id"] for each in json.loads(listed.stdout)}
    if "[red]" in sign:
        assert "[red]x[/red]" in table.stdout


def test_a_hostile_backup_imports_what_is_valid_and_reports_the_rest(
    home_with_conversations: Home,
) -> None:
    backup = home_with_conversations.folder / "backup.db"
    assert home_with_conversations.run("export", str(backup)).returncode == 0
    change(
        backup,
        ("UPDATE conversations SET conversation_id = ? WHERE conversation_id = 'sky'", [ESCAPE]),
        (
            "INSERT INTO conversations (conversation_id, owner, created_at_ms, updated_at_ms, title)"
            " VALUES ('theirs', 'mallory', 1, 1, '')",
            [],
        ),
    )
    (home_with_conversations.folder / "data" / "thinkaloud.db").unlink()
    done = home_with_conversations.run("import", str(backup))
    assert done.returncode == 1
    assert "Restored 1 conversation;" in done.stderr
    assert "Skipped 1 conversation" in done.stderr
    assert "of other owners" in done.stderr
    assert not STEERING.search(done.stdout + done.stderr)
    assert "sea" in home_with_conversations.run("conversations", "list").stdout


def test_a_backup_with_a_view_that_never_ends_is_refused_at_once(
    home_with_conversations: Home,
) -> None:
    backup = home_with_conversations.folder / "backup.db"
    assert home_with_conversations.run("export", str(backup)).returncode == 0
    change(
        backup,
        ("ALTER TABLE events RENAME TO hidden", []),
        (
            "CREATE VIEW events AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
            " SELECT x AS seq FROM n",
            [],
        ),
    )
    done = home_with_conversations.run("import", str(backup))
    assert done.returncode == 2
    assert "is not a backup, or is damaged" in done.stderr
    assert "sky" in home_with_conversations.run("conversations", "list").stdout


def test_log_messages_about_damaged_data_cannot_control_the_terminal(
    home_with_conversations: Home,
) -> None:
    change(
        home_with_conversations.folder / "data" / "thinkaloud.db",
        ("UPDATE runs SET compacted = 0, ended = 0", []),
        ("UPDATE events SET event = '{}'", []),
        ("UPDATE conversations SET conversation_id = ? WHERE conversation_id = 'sky'", [ESCAPE]),
    )
    done = home_with_conversations.run("chat", "--continue", "Hello")
    assert not STEERING.search(done.stdout + done.stderr)
