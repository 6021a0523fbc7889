"""Followers: every event after the cursor once, in order, at a bounded cost."""

import sys
from collections.abc import Sequence

import pytest

from tests.harness import OWNER, FakeClock, events_of, logged, open_runs, start
from tests.runtime.reading import texts
from tests.stores.samples import STARTED, add_run, answer, append, conversation, run, stored
from thinkaloud.events.event import (
    AnswerDelta,
    ReasoningDelta,
)
from thinkaloud.ports.store import RunRecord, Stored
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.log.hub import Hub
from thinkaloud.runtime.log.live_log import KEPT_EVENTS
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.testing import (
    Batch,
    ScriptedModel,
    say,
    think,
)


@pytest.mark.promise("P9")
async def test_a_follower_that_reconnects_gets_every_event_after_its_cursor_once() -> None:
    model = ScriptedModel([think("a", "b", "c"), say("d", "e")])
    async with open_runs(model) as runs:
        record = await start(runs)
        everything = await logged(runs, record)
        for cursor in range(len(everything) + 1):
            async with runs.follow(record, cursor) as follower:
                rest = []
                while entries := await follower.batch():
                    rest += [entry.logged for entry in entries]
            assert rest == everything[cursor:]


@pytest.mark.promise("P9", "P14")
async def test_a_reader_that_fell_behind_gets_merged_deltas_with_the_last_number() -> None:
    model = ScriptedModel([Batch((*think(*"abcdef"), *say(*"ghi")))])  # type: ignore[arg-type]
    async with open_runs(model) as runs:
        record = await start(runs)
        everything = await logged(runs, record)
        async with runs.follow(record) as follower:
            coalesced = [entry.logged for entry in await follower.batch(merge=True)]

    deltas = [each for each in coalesced if isinstance(each.event, ReasoningDelta | AnswerDelta)]
    assert [(each.seq, each.event.text) for each in deltas] == [(8, "abcdef"), (12, "ghi")]
    assert [each.seq for each in coalesced if each not in deltas] == [
        each.seq for each in everything if not isinstance(each.event, ReasoningDelta | AnswerDelta)
    ]


@pytest.mark.promise("P8", "P9")
async def test_of_a_run_longer_than_memory_keeps_nothing_is_missing_at_any_cursor() -> None:
    size = KEPT_EVENTS
    script = [think(*["thought "] * size), say(*["word "] * size)]
    async with open_runs(ScriptedModel(script), store=MemoryStore()) as runs:
        record = await start(runs, conversation_id="c")
        await runs.active.wait(record.run_id)
        log = runs.hub.live(OWNER, "c")
        assert log is not None
        assert log.floor > 2
        view = (await runs.hub.fold(OWNER, "c")).view().runs[0]
        assert (view.reasoning, view.response) == ("thought " * size, "word " * size)
        for cursor in (0, 2, 3, log.floor - 1, log.floor, size + 2, size + 3, 2 * size):
            async with runs.follow(record, cursor) as follower:
                first = await follower.batch()
                if isinstance(first, Snapshot):
                    assert (first.seq, first.exact) == (cursor, True)
                    first = await follower.batch()
                    assert not isinstance(first, Snapshot)
                events = [entry.logged.event for entry in first]
                while batch := await follower.batch():
                    assert not isinstance(batch, Snapshot)
                    events += [entry.logged.event for entry in batch]
            thought = "thought " * (size - max(0, cursor - 2))
            word = "word " * (size - max(0, cursor - size - 3))
            assert texts(events, ReasoningDelta) == thought
            assert texts(events, AnswerDelta) == word


class CompactingStore(MemoryStore):
    """A store that puts a run together while it is being read."""

    compacting: tuple[RunRecord, list[Stored]] | None = None

    async def read(
        self, owner: str, conversation_id: str, after: int, limit: int
    ) -> Sequence[Stored]:
        page = await super().read(owner, conversation_id, after, limit)
        if self.compacting is not None:
            (record, whole), self.compacting = self.compacting, None
            await self.compact(record, whole, "")
        return page


@pytest.mark.promise("P4", "P8")
async def test_a_log_that_is_compacted_while_it_is_read_is_read_once() -> None:
    store, many = CompactingStore(), 5_000
    await store.create_conversation(conversation("c", owner=OWNER))
    record = run(of="c", owner=OWNER)
    await add_run(store, record)
    whole = [stored(STARTED, 1, of="c"), answer("x" * many, many + 1, 2, of="c")]
    deltas = [answer("x", 2 + number, of="c") for number in range(many)]
    await append(store, [whole[0], *deltas], owner=OWNER)
    store.compacting = (record, whole)
    fold = await Hub(store, FakeClock()).fold(OWNER, "c")

    assert fold.view().runs[0].response == "x" * many


@pytest.mark.promise("P11")
async def test_a_delta_costs_the_same_work_at_the_end_of_a_long_run_as_at_its_start() -> None:
    async def work(tokens: int) -> int:
        """Count the steps of our own code, a measure that no other load can disturb."""
        model = ScriptedModel([Batch(tuple(think(*["token "] * tokens))), say("end")])  # type: ignore[arg-type]
        async with open_runs(model) as runs:
            return await _steps(runs)

    short, long = await work(500), await work(4_000)
    assert long < short * 8 * 1.2


async def _steps(runs: Runs) -> int:
    count = 0

    def tracer(frame: object, event: str, arg: object) -> object:
        nonlocal count
        count += 1
        return tracer

    previous = sys.gettrace()
    sys.settrace(tracer)  # type: ignore[arg-type]
    try:
        await events_of(runs)
    finally:
        sys.settrace(previous)
    return count
