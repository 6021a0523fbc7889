"""Conversations are read once: folds of ended runs are cached, and stay valid."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness import OWNER, logged, open_runs, start
from tests.runtime.test_finishing import CountedStore
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    LoggedEvent,
    RunEnded,
    RunStarted,
    Timing,
    UserInput,
    VersionSelected,
)
from thinkaloud.events.fold import Fold
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.fold_cache import FoldCache
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think

TIMING = Timing(1, 2, 3, 4)


async def ask(runs: Runs, text: str, **request: object) -> RunRecord:
    record = await start(runs, text, conversation_id="c", **request)
    await logged(runs, record)
    await runs.active.wait(record.run_id)
    return record


async def texts(runs: Runs) -> list[tuple[str, str]]:
    """Return questions and answers, after comparing them with a complete read."""
    view = (await runs.hub.fold(OWNER, "c")).view()
    rebuilt = Fold("c")
    for each in await runs.hub.logged(OWNER, "c"):
        rebuilt.apply(each)
    assert view == rebuilt.view()
    return [(run.input.text, run.response) for run in view.runs]


async def test_ended_runs_are_read_once() -> None:
    store = CountedStore()
    async with open_runs(ScriptedModel([say("One")], [say("Two")]), store=store) as runs:
        await ask(runs, "first")
        await ask(runs, "second")
    async with open_runs(ScriptedModel([think("Hm"), say("Three")]), store=store) as runs:
        await runs.hub.fold(OWNER, "c")
        before = len(store.readings)
        await runs.hub.fold(OWNER, "c")
        third = await ask(runs, "third")
        assert (await runs.fold(third)).view().response == "Three"  # type: ignore[union-attr]
        assert store.readings[before:] == []
        assert await texts(runs) == [("first", "One"), ("second", "Two"), ("third", "Three")]


async def test_an_active_run_is_read_in_its_current_state_each_time() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One")], [say("Two"), Wait(gate), say(", and more")])
    async with open_runs(model) as runs:
        await ask(runs, "first")
        second = await start(runs, "second", conversation_id="c")
        async with runs.follow(second) as follower:
            while (await texts(runs))[1:] != [("second", "Two")]:
                await follower.batch()
        gate.set()
        await logged(runs, second)
        assert await texts(runs) == [("first", "One"), ("second", "Two, and more")]


@pytest.mark.promise("P8")
async def test_a_replaced_run_is_dropped_from_the_cache() -> None:
    model = ScriptedModel([say("One")], [say("Two")], [say("Better")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first")
        await ask(runs, "second")
        assert len(await texts(runs)) == 2
        await ask(runs, "edited", replaces=first.run_id)
        assert await texts(runs) == [("edited", "Better")]
        old = await runs.fold(first)
        assert old is not None
        assert old.view().response == "One"


@pytest.mark.promise("P12")
async def test_a_deleted_conversation_is_dropped_from_the_cache() -> None:
    model = ScriptedModel([say("Old")], [say("New"), Silence()])
    async with open_runs(model) as runs:
        await ask(runs, "first")
        assert await texts(runs) == [("first", "Old")]
        await runs.conversations.delete(OWNER, "c")
        assert (await runs.hub.fold(OWNER, "c")).seq == 0
        await start(runs, "second", conversation_id="c")
        while await texts(runs) != [("second", "New")]:
            await asyncio.sleep(0)


How = Literal["answers", "continues", "fails", "thinks"]


def events_of(ask: Sequence[tuple[How, int | None, int | None]]) -> list[LoggedEvent]:
    """Runs, each with what becomes of it, which one it replaces, and which is selected after it."""
    found: list[LoggedEvent] = []
    for number, (how, replaced, selected) in enumerate(ask):
        events: list[Event] = [
            RunStarted(
                "scripted/model",
                9,
                UserInput("Hi"),
                replaces=None if replaced is None else f"run{replaced}",
            ),
        ]
        if how in {"answers", "continues"}:
            events.append(AnswerDelta("a1", f"answer {number}"))
        if how == "answers":
            events += [AnswerEnded("a1"), RunEnded("completed", 1, TIMING)]
        elif how == "fails":
            events.append(RunEnded("failed", 1, TIMING))
        for event in events:
            seq = len(found) + 1
            found.append(LoggedEvent(seq, seq, "c", f"run{number}", event))
        if selected is not None and how in {"answers", "fails"}:
            seq = len(found) + 1
            found.append(LoggedEvent(seq, seq, "c", "", VersionSelected(f"run{selected}")))
    return found


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["answers", "continues", "fails", "thinks"]),
            st.none() | st.integers(0, 4),
            st.none() | st.integers(0, 5),
        ),
        max_size=7,
    ),
    st.lists(st.integers(0, 35), max_size=4),
)
def test_continuing_from_a_cached_fold_equals_reading_the_whole_log(
    ask: list[tuple[How, int | None, int | None]], cuts: list[int]
) -> None:
    log = events_of(ask)
    cache = FoldCache()
    for cut in [*sorted(cuts), len(log)]:
        rebuilt = Fold("c")
        for each in log[:cut]:
            rebuilt.apply(each)
        for fold in [cache.begin(OWNER, "c") for _ in range(2)]:  # two who read at the same time
            for each in log[fold.seq : cut]:
                fold.apply(each)
            cache.keep(OWNER, fold)
            assert fold.view() == rebuilt.view()
            assert {name: run.view() for name, run in fold.tree.all.items()} == {
                name: run.view() for name, run in rebuilt.tree.all.items()
            }


def test_the_cache_is_bounded_and_keeps_the_most_recently_used() -> None:
    def fold_of(name: str, answer: str) -> Fold:
        fold = Fold(name)
        ended = RunEnded("completed", 1, TIMING)
        started = RunStarted("scripted/model", 9, UserInput("Hi"))
        ask = (AnswerDelta("a1", answer), AnswerEnded("a1"))
        for seq, event in enumerate((started, *ask, ended), start=1):
            fold.apply(LoggedEvent(seq, seq, name, "run", event))
        return fold

    cache = FoldCache(max_characters=100)
    for name in ("a", "b"):
        cache.keep(OWNER, fold_of(name, "x" * 40))
    assert cache.begin(OWNER, "a").seq == 4
    cache.keep(OWNER, fold_of("c", "x" * 40))
    assert [cache.begin(OWNER, name).seq for name in ("a", "b", "c")] == [4, 0, 4]
    cache.keep(OWNER, fold_of("d", "x" * 101))
    assert [cache.begin(OWNER, name).seq for name in ("a", "c", "d")] == [0, 0, 0]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["answers", "fails"]),
            st.none() | st.integers(0, 8),
            st.none() | st.integers(0, 8),
        ),
        max_size=9,
    )
)
def test_whatever_is_regenerated_and_selected_every_run_can_be_selected_again(
    ask: list[tuple[How, int | None, int | None]],
) -> None:
    fold = Fold("c")
    for each in events_of(ask):
        fold.apply(each)
    assert len(fold.tree.all) == len(ask)
    for run_id in fold.tree.all:
        chosen = fold.copy()
        chosen.apply(LoggedEvent(fold.seq + 1, 1, "c", "", VersionSelected(run_id)))
        assert run_id in chosen.runs
        assert list(chosen.runs) == list(fold.tree.path(run_id))
        line = [run.run_id for run in fold.tree.line(run_id)]
        assert list(chosen.runs)[: len(line)] == line
        # From there, and from anywhere, the way back is open.
        last = next(reversed(fold.runs))
        chosen.apply(LoggedEvent(fold.seq + 2, 1, "c", "", VersionSelected(last)))
        assert last in chosen.runs
