"""What a store gets, and what is restored after the process has died."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence

import msgspec
import pytest

from tests.harness import OWNER, logged, open_runs, start
from tests.runtime.failing import FailingStore
from tests.runtime.reading import assert_segments_closed, end_of, texts
from tests.stores.samples import add_run, append
from thinkaloud.errors import StoreError
from thinkaloud.events.event import (
    AnswerDelta,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
)
from thinkaloud.ports.store import Appended, ConversationKey, Stored, Token
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Follower, Snapshot
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import Batch, ScriptedModel, Silence, Wait, say, think

DEADLINE = 30.0


async def all_of(store: MemoryStore, conversation_id: str) -> list[Stored]:
    return list(await store.read(OWNER, conversation_id, 0, 10_000))


async def entries_of(follower: Follower, count: int) -> list[Entry]:
    """Read so many entries."""
    found: list[Entry] = []
    while len(found) < count:
        batch = await follower.batch()
        assert not isinstance(batch, Snapshot)
        found += batch
    assert len(found) == count
    return found


async def entries(follower: Follower) -> AsyncGenerator[Entry]:
    """Read on to the end."""
    while batch := await follower.batch():
        assert not isinstance(batch, Snapshot)
        for entry in batch:
            yield entry


async def test_a_finished_run_is_kept_as_whole_segments() -> None:
    store = MemoryStore()
    script = [think(*["thought "] * 500), say(*["word "] * 500)]
    async with open_runs(ScriptedModel(script), store=store) as runs:
        record = await start(runs, conversation_id="c")
        everything = await logged(runs, record)
        await runs.active.wait(record.run_id)
    kept = await all_of(store, "c")

    events = [each.logged.event for each in kept]
    assert len(kept) == 8
    assert texts(events, ReasoningDelta) == "thought " * 500
    assert texts(events, AnswerDelta) == "word " * 500
    assert kept[-1].logged.seq == everything[-1].seq == 1006


@pytest.mark.promise("P9")
async def test_a_cursor_inside_a_compacted_range_gets_one_snapshot_and_then_the_rest() -> None:
    store = MemoryStore()
    async with open_runs(ScriptedModel([think("a", "b", "c"), say("d", "e")]), store=store) as runs:
        record = await start(runs, conversation_id="c")
        everything = await logged(runs, record)
    inside = {3: ("a", ""), 4: ("ab", ""), 7: ("abc", "d")}
    async with open_runs(ScriptedModel(), store=store) as runs:
        for cursor in range(len(everything) + 1):
            snapshots: list[tuple[int, str, str]] = []
            rest: list[LoggedEvent] = []
            async with runs.follow(record, cursor) as follower:
                while batch := await follower.batch():
                    if isinstance(batch, Snapshot):
                        assert not rest
                        view = batch.fold.runs[record.run_id].view()
                        snapshots.append((batch.seq, view.reasoning, view.response))
                    else:
                        rest += [entry.logged for entry in batch]
            assert snapshots == ([(cursor, *inside[cursor])] if cursor in inside else [])
            assert all(each.seq > cursor for each in rest)
            before = [each.event for each in everything[:cursor]]
            after = [each.event for each in rest]
            for kind, text in ((ReasoningDelta, "abc"), (AnswerDelta, "de")):
                assert texts(before, kind) + texts(after, kind) == text
            assert [each.event for each in rest[-1:]] == (
                [everything[-1].event] if cursor < len(everything) else []
            )


@pytest.mark.promise("P9")
async def test_a_log_of_an_older_version_gives_one_snapshot_and_then_the_rest() -> None:
    store = MemoryStore()
    async with open_runs(ScriptedModel([think("a", "b", "c"), say("d", "e")]), store=store) as runs:
        record = await start(runs, conversation_id="c")
        everything = await logged(runs, record)
    without = [msgspec.structs.replace(each, lengths=b"") for each in await all_of(store, "c")]
    await store.compact(record, without, "")
    async with open_runs(ScriptedModel(), store=store) as runs, runs.follow(record, 3) as follower:
        snapshot = await follower.batch()
        assert isinstance(snapshot, Snapshot)
        rest = [each.logged async for each in entries(follower)]
    assert snapshot.fold.runs[record.run_id].view().reasoning == "abc"
    assert (snapshot.seq, rest[0].seq) == (5, 6)
    assert texts([each.event for each in rest], AnswerDelta) == "de"
    assert rest[-1] == everything[-1]


@pytest.mark.promise("P2", "P3")
async def test_a_run_whose_process_died_is_ended_at_the_next_start_with_what_was_kept() -> None:
    store = MemoryStore()
    model = ScriptedModel([think("Hm"), say("Well"), Silence()])
    async with open_runs(model, store=store) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            seen = 0
            while seen < 5:
                seen += len(await follower.batch())
        await runs.hub.writer.save()
        before = await all_of(store, "c")
    died = MemoryStore()
    conversation = await store.conversation(OWNER, "c")
    assert conversation is not None
    await died.create_conversation(conversation)
    await add_run(died, record)
    await append(died, before, owner=OWNER)
    await died.reserve(OWNER, "c", 65_536)

    async with open_runs(ScriptedModel(), store=died) as runs:
        fold = await runs.fold(record)
        assert fold is not None
        events = [each.logged.event for each in await all_of(died, "c")]
        assert_segments_closed(events)
        end = end_of(events)
        assert end.error is not None
        assert (end.status, end.error.code) == ("failed", "interrupted")
        assert (fold.view().reasoning, fold.view().response) == ("Hm", "Well")
        assert await died.unfinished_runs() == []
        new = (await all_of(died, "c"))[-1].logged.seq
        assert new > 65_536

        async with runs.follow(record, 60_000) as follower:
            batch = await follower.batch()
            assert isinstance(batch, Snapshot)
            rest = [each.logged async for each in entries(follower)]
        assert 60_000 <= batch.seq < rest[0].seq
        assert isinstance(rest[-1].event, RunEnded)


@pytest.mark.promise("P3")
async def test_a_run_without_persisted_events_ends_too() -> None:
    store = MemoryStore()
    async with open_runs(ScriptedModel([say("x")]), store=store) as runs:
        record = await start(runs, conversation_id="c")
        await runs.active.wait(record.run_id)
    died = MemoryStore()
    conversation = await store.conversation(OWNER, "c")
    assert conversation is not None
    await died.create_conversation(conversation)
    await add_run(died, record)

    async with open_runs(ScriptedModel(), store=died) as runs:
        fold = await runs.fold(record)

    assert fold is not None
    assert fold.ended is not None
    assert fold.ended.status == "failed"


async def test_a_full_disk_stops_no_run_and_loses_nothing_once_there_is_space() -> None:
    store = FailingStore()
    room = asyncio.Event()
    model = ScriptedModel([think("Hm"), Wait(room), say("Yes.")])
    async with open_runs(model, store=store) as runs:
        store.full = True
        record = await start(runs, conversation_id="c")
        await store.refused.wait()
        room.set()
        events = [each.event for each in await logged(runs, record)]
        await runs.active.wait(record.run_id)
        assert end_of(events).status == "completed"
        assert await all_of(store, "c") == []
        store.full = False
    kept = [each.logged.event for each in await all_of(store, "c")]

    assert texts(kept, AnswerDelta) == "Yes."
    assert isinstance(kept[-1], RunEnded)
    # Merging everything again on each attempt would slow down active streams.
    assert len(store.tried) == 1


class SlowStore(MemoryStore):
    """A store that writes nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def append(
        self,
        batch: Mapping[ConversationKey, Sequence[Stored]],
        token: Token | None = None,
        running: Collection[str] = (),
    ) -> Appended:
        await self.may.wait()
        return await super().append(batch, token, running)


@pytest.mark.promise("P3", "P9")
async def test_the_end_of_a_run_is_shown_once_persisted_and_all_earlier_events_at_once() -> None:
    store = SlowStore()
    async with open_runs(ScriptedModel([think("Hm"), say("Yes.")]), store=store) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            seen = [each.logged.event for each in await entries_of(follower, 7)]
            fold = await runs.fold(record)
            assert fold is not None
            assert fold.ended is None
            assert (await runs.hub.fold(OWNER, "c")).runs[record.run_id].ended is None
            store.may.set()
            (last,) = await entries_of(follower, 1)
            kept = await all_of(store, "c")

    assert texts(seen, AnswerDelta) == "Yes."
    assert not any(isinstance(event, RunEnded) for event in seen)
    assert isinstance(last.logged.event, RunEnded)
    assert kept[-1].logged == last.logged


@pytest.mark.promise("P3")
async def test_a_failing_store_does_not_delay_the_end_forever() -> None:
    store = SlowStore()
    async with open_runs(ScriptedModel([say("Yes.")]), store=store) as runs:
        events = [each.event for each in await logged(runs, await start(runs))]
        store.may.set()

    assert end_of(events).status == "completed"


async def test_numbers_are_reserved_before_a_run_and_given_back_at_a_clean_end() -> None:
    store = MemoryStore()
    gate = asyncio.Event()
    async with open_runs(ScriptedModel([Wait(gate), say("x")]), store=store) as runs:
        record = await start(runs, conversation_id="c")
        during = await store.log_end(OWNER, "c")
        gate.set()
        await logged(runs, record)
    after = await store.log_end(OWNER, "c")

    assert during.reserved_seq >= 65_536
    assert after.reserved_seq == after.last_seq == 6


async def test_neighboring_deltas_are_merged_before_they_are_saved() -> None:
    store = MemoryStore()
    gate = asyncio.Event()
    script = [Batch(tuple(think(*"abcdef"))), Wait(gate)]  # type: ignore[arg-type]
    async with open_runs(ScriptedModel(script), store=store) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            seen = 0
            while seen < 8:
                seen += len(await follower.batch())
        await runs.hub.writer.save()
        kept = await all_of(store, "c")
        gate.set()

    assert [(each.first_seq, each.logged.seq) for each in kept] == [(1, 1), (2, 2), (3, 8)]


class UnreadableStore(MemoryStore):
    """A store that cannot read the log of one conversation."""

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        if conversation_id == "broken":
            raise StoreError("The disk reports a fault.")
        return await super().read(owner, conversation_id, after, limit)


@pytest.mark.promise("P3")
async def test_an_unreadable_log_fails_only_its_own_run() -> None:
    store, gate = UnreadableStore(), asyncio.Event()
    async with open_runs(ScriptedModel([say("One")]), store=store) as runs:
        await logged(runs, await start(runs, conversation_id="broken"))
    async with open_runs(ScriptedModel([Wait(gate), say("Two")]), store=store) as runs:
        other = await start(runs, conversation_id="whole")
        failing = await start(runs, conversation_id="broken")
        await runs.active.wait(failing.run_id)
        gate.set()
        events = [each.event for each in await logged(runs, other)]
        ended = runs.hub.live(OWNER, "broken")
        assert ended is not None
        failed = ended.runs[failing.run_id].ended

    assert end_of(events).status == "completed"
    assert failed is not None
    assert failed.error is not None
    assert failed.error.code == "store_unavailable"
