"""A run starts while it is being stored; nobody sees any of it before that."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typing_extensions import override

from tests.harness import OWNER, FakeClock, events_of, logged, open_runs, start
from tests.runtime.failing import PausingStore
from tests.runtime.reading import end_of, texts
from thinkaloud.errors import StoreError
from thinkaloud.events.event import AnswerDelta, RunEnded
from thinkaloud.ports.store import Accepted, RunStart, Token
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import SqliteStore
from thinkaloud.testing import ScriptedModel, Silence, call_tool, say, think
from thinkaloud.tools.function import tool


class Gate:
    """Holds back the second start of a run, before or after it is stored."""

    def __init__(self) -> None:
        self.starts = 0
        self.is_before = False
        """Whether the run is not stored while it is held back."""
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.error: StoreError | None = None

    async def pass_through(self, store: Callable[[], Awaitable[Accepted]]) -> Accepted:
        self.starts += 1
        if self.starts != 2:
            return await store()
        if self.error is None and not self.is_before:
            started = await store()
        self.reached.set()
        await self.opened.wait()
        if self.error is not None:
            raise self.error
        return await store() if self.is_before else started


class GatedStore(MemoryStore):
    """A store in memory with a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    @override
    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        return await self.gate.pass_through(
            lambda: super(GatedStore, self).accept(start, token, take=take)
        )


class GatedDatabase(SqliteStore):
    """A database with a gate."""

    gate: Gate

    @override
    async def accept(
        self, start: RunStart, token: Token | None = None, *, take: bool = True
    ) -> Accepted:
        return await self.gate.pass_through(
            lambda: super(GatedDatabase, self).accept(start, token, take=take)
        )


async def called(model: ScriptedModel, times: int) -> None:
    while len(model.requests) < times or model.open_streams:
        await asyncio.sleep(0)


@pytest.mark.promise("P9")
async def test_the_model_answers_while_a_run_is_stored_and_the_answer_is_shown_after_that() -> None:
    store = GatedStore()
    model = ScriptedModel([say("One")], [think("Hm"), say("Two")])
    async with open_runs(model, store=store) as runs:
        first = await logged(runs, await start(runs, "first", conversation_id="c"))
        async with runs.hub.follow(OWNER, "c", after=first[-1].seq) as follower:
            reading = asyncio.create_task(follower.batch())
            starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
            await store.gate.reached.wait()
            await called(model, 2)
            await runs.hub.writer.save()
            assert not starting.done()
            assert not reading.done()
            assert (await store.log_end(OWNER, "c")).last_seq == first[-1].seq
            assert list((await runs.hub.fold(OWNER, "c")).runs) == [first[0].run_id]
            store.gate.opened.set()
            record = await starting
            shown = await reading
        events = await logged(runs, record)
    assert not isinstance(shown, Snapshot)
    assert shown[0].logged == events[0]
    assert [each.seq for each in events] == list(range(record.first_seq, events[-1].seq + 1))
    assert texts([each.event for each in events], AnswerDelta) == "Two"
    assert "One" in repr(model.requests[1])


@pytest.mark.promise("P6", "P9")
async def test_a_run_that_cannot_be_stored_fails_with_the_error_and_leaves_no_trace() -> None:
    store = GatedStore()
    store.gate.error = StoreError("The disk is full.")
    model = ScriptedModel([say("One")], [say("lost"), Silence()], [say("Three")])
    async with open_runs(model, store=store) as runs:
        first = await logged(runs, await start(runs, "first", conversation_id="c"))
        async with runs.hub.follow(OWNER, "c", after=first[-1].seq) as follower:
            starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
            await store.gate.reached.wait()
            while len(model.requests) < 2:
                await asyncio.sleep(0)
            store.gate.opened.set()
            with pytest.raises(StoreError, match="The disk is full"):
                await starting
            assert (model.open_streams, len(runs.active)) == (0, 0)
            third = await start(runs, "third", conversation_id="c")
            shown = await follower.batch()
        events = await logged(runs, third)
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert not isinstance(shown, Snapshot)
    assert {each.logged.run_id for each in shown} == {third.run_id}
    assert events[0].seq == first[-1].seq + 1
    assert [run.response for run in view.runs] == ["One", "Three"]
    kept = await store.read(OWNER, "c", 0, 100)
    assert {each.logged.run_id for each in kept} == {first[0].run_id, third.run_id}


@pytest.mark.promise("P9")
async def test_every_number_is_reserved_before_it_is_shown_however_long_storing_the_run_takes() -> (
    None
):
    store = GatedStore()
    model = ScriptedModel([say("One")], [say(*["x"] * 70_000), Silence()])
    async with open_runs(model, store=store) as runs:
        await logged(runs, await start(runs, "first", conversation_id="c"))
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        await runs.hub.writer.save()
        log = runs.hub.live(OWNER, "c")
        assert log is not None
        while log.last_seq < 70_000:
            await asyncio.sleep(0)
        store.gate.opened.set()
        await starting
        assert log.seq >= 70_000
        assert (await store.log_end(OWNER, "c")).reserved_seq >= log.seq


@pytest.mark.promise("P3", "P4", "P9")
async def test_a_message_that_waits_behind_one_that_cannot_be_stored_is_answered() -> None:
    store = GatedStore()
    store.gate.error = StoreError("The disk is full.")
    model = ScriptedModel([say("One")], [say("lost"), Silence()], [say("Three")])
    async with open_runs(model, store=store) as runs:
        first = await logged(runs, await start(runs, "first", conversation_id="c"))
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        third = await start(runs, "third", conversation_id="c")
        store.gate.opened.set()
        with pytest.raises(StoreError, match="The disk is full"):
            await starting
        events = await logged(runs, third)
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert [run.response for run in view.runs] == ["One", "Three"]
    assert [each.seq for each in events] == [
        first[-1].seq + number for number in range(1, len(events) + 1)
    ]
    assert "lost" not in repr(model.requests)


@pytest.mark.promise("P3", "P10")
@pytest.mark.parametrize("error", [None, StoreError("The disk is full.")])
async def test_a_queued_run_that_is_stopped_while_another_is_stored_ends_as_stopped(
    error: StoreError | None,
) -> None:
    store = GatedStore()
    store.gate.error = error
    model = ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first", conversation_id="c")
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        third = await start(runs, "third", conversation_id="c")
        stopping = asyncio.create_task(runs.stop(OWNER, third.run_id))
        for _ in range(20):
            await asyncio.sleep(0)
        store.gate.opened.set()
        await stopping
        events = [each.event for each in await logged(runs, third)]
        await asyncio.gather(starting, return_exceptions=True)
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert end_of(events).status == "stopped"
    assert view.runs[-1].run_id == third.run_id
    assert await store.unfinished_runs() == []


@pytest.mark.promise("P3", "P10")
async def test_a_run_that_is_stopped_while_it_is_stored_ends_as_stopped_after_that() -> None:
    store = GatedStore()
    model = ScriptedModel([say("One")], [say("Two"), Silence()])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first", conversation_id="c")
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        (run_id,) = runs.active.in_conversation(OWNER, "c")
        stopping = asyncio.create_task(runs.active.stop(run_id))
        for _ in range(50):
            await asyncio.sleep(0)
        assert model.open_streams == 0
        assert not stopping.done()
        store.gate.opened.set()
        record = await starting
        await stopping
        events = [each.event for each in await logged(runs, record)]
    assert end_of(events).status == "stopped"


async def test_no_tool_runs_before_its_run_is_stored() -> None:
    calls: list[str] = []

    @tool
    async def note() -> str:
        """Take a note."""
        calls.append("called")
        return ""

    store = GatedStore()
    model = ScriptedModel([say("One")], [call_tool("note", {})], [say("Two")])
    async with open_runs(model, store=store, tools=[note]) as runs:
        await events_of(runs, "first", conversation_id="c")
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        await called(model, 2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert calls == []
        store.gate.opened.set()
        await logged(runs, await starting)
    assert calls == ["called"]


@pytest.mark.promise("P3", "P6", "P9")
async def test_a_server_that_dies_between_storing_a_run_and_showing_it_ends_it_at_the_next_start(
    tmp_path: Path,
) -> None:
    copy = tmp_path / "copy.db"
    model = ScriptedModel([say("One")], [say("Two")])
    async with GatedDatabase.open(tmp_path / "thinkaloud.db") as store:
        store.gate = Gate()
        async with open_runs(model, store=store) as runs:
            await events_of(runs, "first", conversation_id="c")
            starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
            await store.gate.reached.wait()
            await called(model, 2)
            await store.backup(copy)
            reserved = (await store.log_end(OWNER, "c")).reserved_seq
            store.gate.opened.set()
            record = await starting
    async with SqliteStore.open(copy) as store, open_runs(ScriptedModel(), store=store) as runs:
        view = (await runs.hub.fold(OWNER, "c")).view()
        events = await runs.hub.logged(OWNER, "c")
        assert await store.unfinished_runs() == []
    assert [(run.input.text, run.status) for run in view.runs] == [
        ("first", "completed"),
        ("second", "failed"),
    ]
    assert view.runs[1].run_id == record.run_id
    assert [type(each.event) for each in events if each.run_id == record.run_id][-1] is RunEnded
    assert events[-1].seq > reserved


@pytest.mark.promise("P6")
async def test_a_message_with_a_key_does_not_wait_for_one_with_another_key() -> None:
    store = GatedStore()
    model = ScriptedModel([say("One")], [say("Two")], [say("Three")])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first")
        second = asyncio.create_task(start(runs, "second", idempotency_key="a"))
        await store.gate.reached.wait()
        again = asyncio.create_task(start(runs, "second", idempotency_key="a"))
        third = await start(runs, "third", idempotency_key="b")
        assert not second.done()
        assert not again.done()
        store.gate.opened.set()
        assert await second == await again
        await logged(runs, third)
    assert len(model.requests) == 3


async def test_a_caller_that_leaves_while_a_run_is_stored_does_not_stop_it() -> None:
    store = GatedStore()
    model = ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first", conversation_id="c")
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.gate.reached.wait()
        starting.cancel()
        await asyncio.wait([starting])
        (run_id,) = runs.active.in_conversation(OWNER, "c")
        store.gate.opened.set()
        await runs.active.wait(run_id)
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert [run.response for run in view.runs] == ["One", "Two"]


@pytest.mark.promise("P6")
async def test_a_message_sent_again_with_its_key_has_one_run_if_its_caller_left_early() -> None:
    store = GatedStore()
    store.gate.is_before = True
    model = ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first")
        starting = asyncio.create_task(start(runs, "second", idempotency_key="a"))
        await store.gate.reached.wait()
        starting.cancel()
        await asyncio.wait([starting])
        again = asyncio.create_task(start(runs, "second", idempotency_key="a"))
        await called(model, 2)
        store.gate.opened.set()
        record = await again
        assert texts([each.event for each in await logged(runs, record)], AnswerDelta) == "Two"
    assert len(model.requests) == 2


async def test_a_run_that_stops_without_followers_has_them_from_when_it_is_stored() -> None:
    class HeldClock(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.Event().wait()

    store = GatedStore()
    clock = HeldClock()
    model = ScriptedModel([say("One")], [say("Two"), Silence()])
    async with open_runs(model, store=store, clock=clock) as runs:
        await events_of(runs, "first", conversation_id="c")
        starting = asyncio.create_task(
            start(runs, "second", conversation_id="c", stop_detached_after=5)
        )
        await store.gate.reached.wait()
        while len(model.requests) < 2:
            await asyncio.sleep(0)
        slept = clock.slept.copy()
        store.gate.opened.set()
        await starting
        while not clock.slept:
            await asyncio.sleep(0)
    assert (slept, clock.slept) == ([], [5])


@pytest.mark.promise("P3")
async def test_following_a_run_ends_if_its_conversation_was_deleted_as_it_started() -> None:
    store = PausingStore()
    model = ScriptedModel([say("One")], [say("Two"), Silence()])
    async with open_runs(model, store=store) as runs:
        await events_of(runs, "first", conversation_id="c")
        store.held = "delete"
        deleting = asyncio.create_task(runs.conversations.delete(OWNER, "c"))
        await store.reached.wait()
        record = await start(runs, "second", conversation_id="c")
        store.go.set()
        while runs.hub.live(OWNER, "c") is not None:
            await asyncio.sleep(0)
        assert record.run_id in runs.active
        assert await logged(runs, record) == []
        await deleting
