"""Kills a real server during streams, repeatedly, and checks what is left."""

import asyncio
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from tests.e2e.reading import Reader
from tests.e2e.server_process import (
    DATABASE,
    ServerProcess,
    ask_database,
    assert_intact,
    server,
    server_stderr,
)
from tests.e2e.upstream import DEADLINE, PacedReply, Upstream, upstream
from thinkaloud.events.codec import decode
from thinkaloud.events.event import AnswerDelta, ReasoningDelta

TOKENS: Final = 1_500
_AHEAD: Final = 200
_CONVERSATIONS: Final = 2
_STORE: Final = "flush_interval_seconds = 0.02"


class KillSummary(msgspec.Struct):
    """What became of the runs whose server was killed."""

    interrupted: int = 0
    completed: int = 0
    snapshots: int = 0
    """How many followers came back from a place that the log had lost or put together."""
    committed: int = 0
    """Characters that were in the database before the kills."""
    lost_characters: int = 0
    """How much had been streamed and was not kept, at most."""


class Numbers:
    """What each number of a conversation stood for, for any client at any time."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[object, ...]] = {}

    def take(self, reader: Reader) -> None:
        """Assert that no number means two things."""
        for seq, mark in reader.marks.items():
            meaning = (reader.run_id, *mark)
            assert self._seen.setdefault((reader.conversation_id, seq), meaning) == meaning


class Round:
    """One run with three followers, up to the kill and after it."""

    def __init__(self, folder: Path, provider: Upstream, number: int) -> None:
        self.reply = provider.offer(f"Tell {number}", PacedReply(TOKENS, held_at=_AHEAD))
        self.readers = [Reader("sse"), Reader("sse"), Reader("socket")]
        self.committed = ""
        """What of the run was in the database before the kill."""
        self._folder = folder
        self._text = f"Tell {number}"
        self._conversation_id = f"c{number % _CONVERSATIONS}"
        self._whole = self.reply.reasoning + self.reply.answer
        self._started = asyncio.Event()
        self._reached = asyncio.Event()

    async def until_killed(self, served: ServerProcess, dice: random.Random) -> None:
        """Start the run, follow it, and kill the server at a moment by chance."""
        share = dice.choice([0.0, 1.0, *[dice.random()] * 6])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._begin(served, int(len(self._whole) * share)))
            async with asyncio.timeout(DEADLINE):
                await self._started.wait()
                for reader in self.readers[1:]:
                    reader.run_id = self.readers[0].run_id
                    reader.conversation_id = self._conversation_id
                    tasks.create_task(_until_broken(reader, served))
                pacing = tasks.create_task(self._pace())
                await self._reached.wait()
            pacing.cancel()
            self.committed = self._kept_now()
            if dice.random() < 0.5:
                self.reply.release_all()
            await served.kill()

    async def check(self, served: ServerProcess, left: KillSummary, numbers: Numbers) -> None:
        """Assert that the next server has what was committed, and that every follower sees its end."""
        run_id = self.readers[0].run_id
        status, run = await served.get(f"/runs/{run_id}?include_reasoning=true")
        assert status == 200
        kept = run["reasoning"] + run["response"]
        assert self._whole.startswith(kept)
        assert kept.startswith(self.committed)
        left.committed += len(self.committed)
        seen = max(reader.characters for reader in self.readers)
        left.lost_characters = max(left.lost_characters, seen - len(kept))
        self._check_end(run, kept, left)
        for reader in self.readers:
            if reader.end is None:
                await reader.resume(served)
                assert reader.end is not None
                assert reader.reasoning + reader.answer == kept
                left.snapshots += len(reader.snapshots)
            numbers.take(reader)
        assert self.reply.asked <= 1

    def check_file(self) -> None:
        """Assert that what the killed server left is whole, on a copy: the next one finds all as it was."""
        with closing(sqlite3.connect(self._copied())) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []

    async def _begin(self, served: ServerProcess, moment: int) -> None:
        first = self.readers[0]

        def look() -> bool:
            self._started.set()
            if first.characters >= moment:
                self._reached.set()
            return False

        with suppress(aiohttp.ClientError, ConnectionError):
            await first.begin(served, self._text, look, conversation_id=self._conversation_id)

    async def _pace(self) -> None:
        """Let the model continue as fast as its output is saved."""
        while True:
            kept = await asyncio.to_thread(self._kept_now)
            self.reply.let(len(kept) * TOKENS // len(self._whole) + _AHEAD)

    def _check_end(self, run: dict[str, Any], kept: str, left: KillSummary) -> None:
        if run["status"] == "completed":
            assert kept == self._whole
            left.completed += 1
            return
        assert (run["status"], run["error"]["code"]) == ("failed", "interrupted")
        assert run["ended_at_ms"] is not None
        left.interrupted += 1

    def _kept_now(self) -> str:
        query = f"SELECT event FROM events WHERE run_id = '{self.readers[0].run_id}' ORDER BY seq"
        events = [decode(data).event for (data,) in ask_database(self._folder, query)]
        return "".join(e.text for e in events if isinstance(e, ReasoningDelta | AnswerDelta))

    def _copied(self) -> Path:
        copy = self._folder / "copy.db"
        for ending in ("", "-wal"):
            source = self._folder / f"{DATABASE}{ending}"
            target = Path(f"{copy}{ending}")
            target.unlink(missing_ok=True)
            if source.exists():
                shutil.copy(source, target)
        return copy


async def crash(folder: Path, *, kills: int, seed: int) -> KillSummary:
    """Kill `kills` servers on one folder's data, and check after each what it left."""
    dice, left, numbers = random.Random(seed), KillSummary(), Numbers()
    before: Round | None = None
    async with upstream() as provider:
        configuration = provider.configuration(store=_STORE)
        for number in range(kills + 1):
            async with server(folder, configuration) as served:
                assert ask_database(folder, "SELECT count(*) FROM runs WHERE ended = 0") == [(0,)]
                assert_intact(folder)
                if before is not None:
                    await before.check(served, left, numbers)
                if number == kills:
                    assert await served.terminate() == 0
                    break
                before = Round(folder, provider, number)
                await before.until_killed(served, dice)
                before.check_file()
    assert_intact(folder)
    assert "Traceback" not in server_stderr(folder)
    return left


async def _until_broken(reader: Reader, served: ServerProcess) -> None:
    with suppress(aiohttp.ClientError, ConnectionError):
        await reader.resume(served)
