"""Ended runs are compacted, indexed for search, and titled."""

import asyncio
import logging
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness import OWNER, logged, open_runs, start
from tests.runtime.failing import FailingStore
from tests.runtime.reading import end_of
from tests.stores.samples import add_run, append, conversation, run, whole_run
from thinkaloud.events.event import AnswerDelta, RunStarted, UserInput
from thinkaloud.events.fold import Fold
from thinkaloud.ports.store import RunRecord, Stored
from thinkaloud.runtime.log.live_log import KEPT_EVENTS
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Wait, say, think

DEADLINE = 30.0


async def all_of(store: MemoryStore, conversation_id: str) -> list[Stored]:
    return list(await store.read(OWNER, conversation_id, 0, 10_000))


async def finished(store: MemoryStore) -> None:
    """Return when the store has every run in order, and its conversation a title."""
    async with asyncio.timeout(DEADLINE):
        while await store.unfinished_runs() or not (await titles(store))[0]:
            await asyncio.sleep(0)


async def titles(store: MemoryStore) -> list[str]:
    found = await store.conversations(OWNER, before=None, limit=10)
    return [each.title for each in found]


@pytest.mark.promise("P8")
async def test_events_are_read_back_exactly_as_streamed() -> None:
    store = MemoryStore()
    script = [think(*["thought "] * 50), say(*["word "] * 50), think(*["more "] * 50)]
    async with open_runs(ScriptedModel(script), store=store) as runs:
        record = await start(runs, conversation_id="c")
        seen, kept = Fold("c"), Fold("c")
        for each in await logged(runs, record):
            seen.apply(each)
        await finished(store)
        for each in await all_of(store, "c"):
            kept.apply(each.logged)
    assert kept.view() == seen.view()


async def test_runs_that_ended_on_a_full_disk_are_repaired_once_there_is_space() -> None:
    store = FailingStore()
    script = [think(*["thought "] * 50), say(*["word "] * 50)]
    async with open_runs(ScriptedModel(script), store=store) as runs:
        store.full = True
        record = await start(runs, "What of it?", conversation_id="c")
        await logged(runs, record)
        await runs.active.wait(record.run_id)
        assert await runs.conversations.search(OWNER, words="what word") == []
        store.full = False
        await finished(store)
        found = await runs.conversations.search(OWNER, words="what word")

    assert [each.conversation_id for each in found] == ["c"]
    assert found[0].title.startswith("word word")
    assert len(await all_of(store, "c")) == 8


async def test_runs_that_ended_on_a_full_disk_are_repaired_at_the_next_start() -> None:
    store = FailingStore()
    script = [think(*["thought "] * 50), say(*["word "] * 50)]
    async with open_runs(ScriptedModel(script), store=store) as runs:
        store.full_for_runs = True
        record = await start(runs, "What of it?", conversation_id="c")
        events = [each.event for each in await logged(runs, record)]
        await runs.active.wait(record.run_id)
    assert len(await store.unfinished_runs()) == 1
    store.full_for_runs = False
    async with open_runs(ScriptedModel(), store=store) as runs:
        found = await runs.conversations.search(OWNER, words="what word")
        again = [each.event for each in await logged(runs, record)]

    assert [each.conversation_id for each in found] == ["c"]
    assert found[0].title.startswith("word word")
    assert len(again) == 8
    assert end_of(again) == end_of(events)


@pytest.mark.promise("P3")
async def test_the_end_of_a_run_that_cannot_be_compacted_is_saved_before_it_is_shown() -> None:
    store = FailingStore()
    store.full_for_runs = True
    async with open_runs(ScriptedModel([say("One")]), store=store, flush_interval=3_600) as runs:
        record = await start(runs, conversation_id="c")
        events = await logged(runs, record)
        kept = await store.read(OWNER, "c", 0, 100)
    assert kept[-1].logged == events[-1]


@pytest.mark.promise("P2", "P3")
async def test_a_second_run_in_a_conversation_continues_with_the_numbers_after_a_short_one() -> (
    None
):
    store = FailingStore()
    async with open_runs(ScriptedModel([say("One")], [say("Two")]), store=store) as runs:
        first = await logged(runs, await start(runs, conversation_id="c"))
        second = await logged(runs, await start(runs, conversation_id="c"))
        end = await store.log_end(OWNER, "c")
    assert [each.seq for each in [*first, *second]] == list(range(1, second[-1].seq + 1))
    assert end.reserved_seq == end.last_seq == second[-1].seq


async def test_a_run_that_cannot_be_repaired_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FailingStore()
    store.full_for_runs = True
    async with open_runs(ScriptedModel([say("One")]), store=store, flush_interval=0.001) as runs:
        record = await start(runs, conversation_id="c")
        await runs.active.wait(record.run_id)
        await runs.conversations.create(OWNER, "other")
        async with asyncio.timeout(DEADLINE), runs.hub.open(OWNER, "other") as other:
            while store.refused_runs < 6:
                other.append("run_other", AnswerDelta("a1", "continues "))
                while not other.is_saved:
                    await asyncio.sleep(0)
    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [each for each in warnings if record.run_id in each] == warnings
    assert len(warnings) == 1


class CountedStore(MemoryStore):
    """A store that tells how often a log was read."""

    def __init__(self) -> None:
        super().__init__()
        self.readings: list[int] = []
        """Where each began."""

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        self.readings.append(after)
        return await super().read(owner, conversation_id, after, limit)


async def write_unfinished_runs(store: MemoryStore, count: int) -> None:
    """Keep a conversation as a process left it that died: a run cut short after many that ended."""
    await store.create_conversation(conversation("c", owner=OWNER))
    for number in range(count):
        name, first_seq = f"run-{number}", 1 + 7 * number
        await add_run(store, run(name, "c", owner=OWNER, first_seq=first_seq))
        await append(store, whole_run("c", name, first_seq=first_seq), owner=OWNER)
    await add_run(store, run("cut", "c", owner=OWNER, first_seq=7 * count + 1))
    await append(store, whole_run("c", "cut", first_seq=7 * count + 1)[:4], owner=OWNER)
    await add_run(store, run("queued", "c", owner=OWNER, first_seq=7 * count + 1))


async def test_a_start_reads_a_conversation_once_however_many_runs_were_left_in_it() -> None:
    readings: list[list[int]] = []
    for count in (1, 200):
        store = CountedStore()
        await write_unfinished_runs(store, count)
        async with open_runs(ScriptedModel(), store=store) as runs:
            readings.append(store.readings.copy())
            view = (await runs.hub.fold(OWNER, "c")).view()
            assert await store.unfinished_runs() == []
            assert await titles(store) == ["Rayleigh scattering."]
        statuses = [each.status for each in view.runs]
        assert statuses == [*["completed"] * count, "failed", "failed"]
        assert len(await all_of(store, "c")) == 6 * count + 4 + 2 + 2

    # One that finds all of it, and one that finds no more.
    assert readings == [[0, 7 + 4], [0, 7 * 200 + 4]]


async def test_a_run_queued_behind_a_very_long_one_is_repaired_without_reading_that() -> None:
    store, queued, gate = CountedStore(), asyncio.Event(), asyncio.Event()
    words = say(*["word "] * 2 * KEPT_EVENTS)
    model = ScriptedModel([Wait(queued), words], [Wait(gate), say("Two")])
    async with open_runs(model, store=store) as runs:
        long = await start(runs, "first", conversation_id="c")
        short = await start(runs, "second", conversation_id="c")
        queued.set()
        await runs.active.wait(long.run_id)
        async with runs.follow(short) as follower:
            await follower.batch()
        while len(await store.unfinished_runs()) > 1:
            await asyncio.sleep(0)
        # Nor was anything looked for behind the end of the long one.
        assert max(store.readings) < KEPT_EVENTS
        store.readings.clear()
        gate.set()
        await runs.active.wait(short.run_id)
        assert store.readings == []
        assert await store.unfinished_runs() == []


async def test_an_unreadable_event_does_not_prevent_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "thinkaloud.db"
    async with SqliteStore.open(path) as store:
        for name in ("bad", "good"):
            await store.create_conversation(conversation(name, owner=OWNER))
            await add_run(store, run(f"{name}-run", name, owner=OWNER))
            await append(store, whole_run(name, f"{name}-run")[:5], owner=OWNER)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE events SET event = '{' WHERE run_id = 'bad-run' AND seq = 4")
        connection.commit()
    async with SqliteStore.open(path) as store, open_runs(ScriptedModel(), store=store) as runs:
        view = (await runs.hub.fold(OWNER, "good")).view()
        assert [each.run.run_id for each in await store.unfinished_runs()] == ["bad-run"]
    assert [each.status for each in view.runs] == ["failed"]
    assert "bad-run" in caplog.text


async def test_a_run_is_repaired_although_the_next_one_is_streaming(
    tmp_path: Path,
) -> None:
    gate, speaking = asyncio.Event(), asyncio.Event()
    model = ScriptedModel([Wait(gate), say("One", "and", "all")], [say("Two"), Wait(speaking)])
    async with (
        SqliteStore.open(tmp_path / "thinkaloud.db") as store,
        open_runs(model, store=store) as runs,
    ):
        first = await start(runs, "first", conversation_id="c")
        second = await start(runs, "second", conversation_id="c")
        gate.set()
        await runs.active.wait(first.run_id)
        assert [each.run.run_id for each in await store.unfinished_runs()] == [second.run_id]
        found = await runs.conversations.search(OWNER, words="first oneandall")
        speaking.set()

    assert [each.conversation_id for each in found] == ["c"]


async def test_a_conversation_deleted_before_it_was_saved_stays_deleted() -> None:
    store = FailingStore()
    async with open_runs(ScriptedModel([say("One")]), store=store) as runs:
        store.full = True
        record = await start(runs, "secret", conversation_id="c")
        await runs.active.wait(record.run_id)
        log = runs.hub.live(OWNER, "c")
        assert log is not None
        await runs.conversations.delete(OWNER, "c")
        await runs.conversations.create(OWNER, "c")
        store.full = False
        async with asyncio.timeout(DEADLINE):
            while log.users:  # it is still to be finished
                await asyncio.sleep(0)
        assert await runs.conversations.search(OWNER, words="secret") == []

    assert await all_of(store, "c") == []


@pytest.mark.promise("P3")
async def test_a_message_queued_when_the_process_died_is_kept_with_its_end() -> None:
    store = MemoryStore()
    async with open_runs(ScriptedModel([say("One")]), store=store) as runs:
        await logged(runs, await start(runs, "first", conversation_id="c"))
        record = RunRecord("run_queued", "c", OWNER, 1)
        message = RunStarted("test/scripted", 3, UserInput("second"))
        await add_run(store, record, message)
    async with open_runs(ScriptedModel(), store=store) as runs:
        view = (await runs.hub.fold(OWNER, "c")).view()
        found = await runs.conversations.search(OWNER, words="second")

    assert [(run.input.text, run.status) for run in view.runs] == [
        ("first", "completed"),
        ("second", "failed"),
    ]
    assert view.runs[1].model == "test/scripted"
    assert [each.conversation_id for each in found] == ["c"]
