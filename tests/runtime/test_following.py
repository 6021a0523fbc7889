"""Followers: every event after the cursor once, in order, at a bounded cost."""

import sys

import pytest

from tests.staging import events_of, recorded, stage, start
from thinkaloud.events.event import (
    AnswerDelta,
    ReasoningDelta,
)
from thinkaloud.runtime.runs import Runs
from thinkaloud.testing import (
    Batch,
    ScriptedModel,
    say,
    think,
)


@pytest.mark.promise("P9")
async def test_a_follower_that_comes_back_gets_every_event_after_its_cursor_once() -> None:
    model = ScriptedModel([think("a", "b", "c"), say("d", "e")])
    async with stage(model) as runs:
        record = await start(runs)
        everything = await recorded(runs, record)
        for cursor in range(len(everything) + 1):
            async with runs.follow(record, cursor) as follower:
                rest = []
                while entries := await follower.batch():
                    rest += [entry.recorded for entry in entries]
            assert rest == everything[cursor:]


@pytest.mark.promise("P9", "P14")
async def test_a_reader_that_fell_behind_gets_merged_deltas_with_the_last_number() -> None:
    model = ScriptedModel([Batch((*think(*"abcdef"), *say(*"ghi")))])  # type: ignore[arg-type]
    async with stage(model) as runs:
        record = await start(runs)
        everything = await recorded(runs, record)
        async with runs.follow(record) as follower:
            merged = [entry.recorded for entry in await follower.batch(merge=True)]

    deltas = [each for each in merged if isinstance(each.event, ReasoningDelta | AnswerDelta)]
    assert [(each.seq, each.event.text) for each in deltas] == [(8, "abcdef"), (12, "ghi")]
    assert [each.seq for each in merged if each not in deltas] == [
        each.seq for each in everything if not isinstance(each.event, ReasoningDelta | AnswerDelta)
    ]


@pytest.mark.promise("P11")
async def test_a_delta_costs_the_same_work_at_the_end_of_a_long_run_as_at_its_start() -> None:
    async def work(tokens: int) -> int:
        """Count the steps of our own code, a measure that no other load can disturb."""
        model = ScriptedModel([Batch(tuple(think(*["token "] * tokens))), say("end")])  # type: ignore[arg-type]
        async with stage(model) as runs:
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
