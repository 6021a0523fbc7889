"""Kills a process that writes to a store, or its machine, repeatedly, and checks what is left."""

import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from tests.stores.crash_writer import Said, text_of
from tests.stores.samples import OWNER, log_of
from thinkaloud.events.event import AnswerDelta, RunEnded, RunStarted
from thinkaloud.ports.store import Stored
from thinkaloud.stores.sqlite import SqliteStore

Cut = Callable[["subprocess.Popen[bytes]"], None]
"""How a writer is ended: immediately, without any warning."""

_ROOT = Path(__file__).parents[2]
_LONGEST = 120
"""Lines after which a writer is killed at the latest."""


class Acknowledged:
    """What the killed processes acknowledged."""

    def __init__(self) -> None:
        self.through: dict[str, int] = {}
        self.ended: set[str] = set()
        self.compacted: set[str] = set()
        self.deleting: set[str] = set()
        self.deleted: set[str] = set()

    def take(self, report: Said) -> None:
        match report.what:
            case "appended":
                self.through[report.pair] = report.seq
            case "ended":
                self.through[report.pair] = report.seq
                self.ended.add(report.pair)
            case "compacted":
                self.compacted.add(report.pair)
            case "deleting":
                self.deleting.add(report.pair)
            case "deleted":
                self.deleted.add(report.pair)
            case _:
                assert report.what in {"opening", "opened"}


def kill_one(path: Path, number: int, dice: random.Random, cut: Cut) -> list[Said]:
    """Start a writer, end it at a random moment, and return what it had reported."""
    arguments = [sys.executable, "-m", "tests.stores.crash_writer", str(path), f"r{number}"]
    with subprocess.Popen(
        [*arguments, str(dice.random())],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=_ROOT,
    ) as writer:
        assert writer.stdout is not None
        # Now and then while it opens the database.
        lines = [
            writer.stdout.readline() for _ in range(dice.choice([1, 2, dice.randint(3, _LONGEST)]))
        ]
        cut(writer)
        lines += writer.stdout.readlines()
    whole = [line for line in lines if line.endswith(b"\n")]
    assert whole, "the writer did not start"
    return [msgspec.json.decode(line, type=Said) for line in whole]


async def check(path: Path, acknowledged: Acknowledged) -> None:
    """Assert that all that was acknowledged is there, and nothing is half done."""
    async with SqliteStore.open(path) as store:
        unfinished = {each.run.run_id for each in await store.unfinished_runs()}
        for pair, through in acknowledged.through.items():
            if pair in acknowledged.deleting:
                continue
            logs = [await log_of(store, f"{pair}-{twin}") for twin in "ab"]
            for twin, log in zip("ab", logs, strict=True):
                _check_log(log, through)
                ended = isinstance(log[-1].logged.event, RunEnded)
                assert ended or pair not in acknowledged.ended
                is_left = f"{pair}-{twin}-run" in unfinished
                assert ended or is_left
                assert not (is_left and pair in acknowledged.compacted)
            ends = {log[-1].logged.seq for log in logs}
            assert len(ends) == 1, f"half a batch of {pair}"
            if pair in acknowledged.compacted:
                found = await store.conversations(
                    OWNER, before=None, limit=9, search=f"unique{pair}word"
                )
                assert len(found) == 2
        for pair in acknowledged.deleted:
            assert await store.conversation(OWNER, f"{pair}-a") is None
            assert await log_of(store, f"{pair}-b") == []
    _check_file(path)


def _check_log(log: list[Stored], through: int) -> None:
    assert log
    assert isinstance(log[0].logged.event, RunStarted)
    assert log[-1].logged.seq >= through
    expected = 1
    for each in log:
        assert each.first_seq == expected
        expected = each.logged.seq + 1
        event = each.logged.event
        if isinstance(event, AnswerDelta):
            assert event.text == text_of(each.first_seq, each.logged.seq)


def _check_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        assert connection.execute("SELECT count(*) FROM chores").fetchone() == (0,)
    assert not path.with_name(f"{path.name}-wal").exists()


async def crash(
    path: Path, *, rounds: int, seed: int, cut: Cut = subprocess.Popen.kill
) -> Acknowledged:
    """End `rounds` writers on one database, and check it after each."""
    dice = random.Random(seed)
    acknowledged = Acknowledged()
    for number in range(rounds):
        for report in kill_one(path, number, dice, cut):
            acknowledged.take(report)
        await check(path, acknowledged)
    return acknowledged
