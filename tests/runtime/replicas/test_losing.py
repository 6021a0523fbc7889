"""A runtime that is silent for too long loses its runs: others end them, and it shows nothing more."""

import asyncio

import pytest

from tests.harness import OWNER, start
from tests.runtime.reading import assert_segments_closed, texts
from tests.runtime.replicas.pair import (
    Connection,
    ManualClock,
    eventually,
    everything,
    logged_texts,
    replica,
    status_of,
)
from thinkaloud.errors import StoreError
from thinkaloud.events.event import AnswerDelta
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.run_stream import follow_run
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think


async def pass_until_reaped(clock: ManualClock, runs: Runs, record: RunRecord) -> None:
    """Let time pass for one runtime until it has ended a run of another."""

    async def has_ended() -> bool:
        clock.advance(1)
        return not await runs.open_runs.is_open(record)

    await eventually(has_ended)


@pytest.mark.promise("P2", "P3")
async def test_the_runs_of_a_silent_runtime_end_as_interrupted(stores: list[Store]) -> None:
    connection, clock = Connection(stores[0]), ManualClock()
    model = ScriptedModel([think("Hm"), say("Well"), Silence()])
    async with (
        replica(connection, model) as one,  # type: ignore[arg-type]
        replica(stores[1], ScriptedModel([say("Yes")]), clock) as two,
    ):
        record = await start(one, "first", conversation_id="c")
        await eventually(lambda: has_answer(two, "Well"))
        waiting = await start(two, "second", conversation_id="c")
        connection.is_cut = True
        await pass_until_reaped(clock, two, record)
        ended = await everything(two, record)
        assert status_of(ended) == ("failed", "interrupted")
        assert_segments_closed([each.event for each in ended])
        assert status_of(await everything(two, waiting)) == ("completed", None)
        assert await logged_texts(two) == [("first", "Well"), ("second", "Yes")]


async def has_answer(runs: Runs, text: str) -> bool:
    answers = await logged_texts(runs)
    return bool(answers) and answers[-1][1] == text


async def test_a_runtime_that_comes_back_too_late_writes_and_shows_nothing(
    stores: list[Store],
) -> None:
    connection, clock, gate = Connection(stores[0]), ManualClock(), asyncio.Event()
    model = ScriptedModel([say("One "), Wait(gate), say("two"), Silence()], [say("New")])
    async with (
        replica(connection, model) as one,  # type: ignore[arg-type]
        replica(stores[1], ScriptedModel(), clock) as two,
    ):
        record = await start(one, conversation_id="c")
        async with follow_run(one, record) as stream:
            seen = [entry.logged.event for entry in await stream.batch()]  # type: ignore[union-attr]
            await eventually(lambda: has_answer(two, "One "))
            connection.is_cut = True
            gate.set()
            await pass_until_reaped(clock, two, record)
            connection.is_cut = False
            async with asyncio.timeout(30):
                while batch := await stream.batch():
                    seen += [entry.logged.event for entry in batch]  # type: ignore[union-attr]
        assert texts(seen, AnswerDelta) == "One "
        await eventually(lambda: is_idle(one))
        assert model.open_streams == 0
        assert status_of(await everything(two, record)) == ("failed", "interrupted")
        assert await logged_texts(one) == await logged_texts(two) == [("Hello", "One ")]
        await eventually(lambda: has_joined(one))
        again = await start(one, "again", conversation_id="c")
        assert status_of(await everything(two, again)) == ("completed", None)


async def is_idle(runs: Runs) -> bool:
    return not len(runs.active)


async def has_joined(runs: Runs) -> bool:
    return runs.membership.token is not None


async def test_a_stop_reaches_the_run_of_a_runtime_that_has_died(stores: list[Store]) -> None:
    connection, clock = Connection(stores[0]), ManualClock()
    async with (
        replica(connection, ScriptedModel([say("Well"), Silence()])) as one,  # type: ignore[arg-type]
        replica(stores[1], ScriptedModel(), clock) as two,
    ):
        record = await start(one, conversation_id="c")
        await eventually(lambda: has_answer(two, "Well"))
        connection.is_cut = True
        stopping = asyncio.ensure_future(two.stop(OWNER, record.run_id))
        await pass_until_reaped(clock, two, record)
        async with asyncio.timeout(30):
            await stopping
        assert status_of(await everything(two, record)) == ("stopped", None)


async def test_an_outage_of_the_store_ends_no_run(stores: list[Store]) -> None:
    connections = [Connection(store) for store in stores]
    clocks, gate = [ManualClock(), ManualClock()], asyncio.Event()
    model = ScriptedModel([say("One "), Wait(gate), say("two")])
    async with (
        replica(connections[0], model, clocks[0]) as one,  # type: ignore[arg-type]
        replica(connections[1], ScriptedModel(), clocks[1]) as two,  # type: ignore[arg-type]
    ):
        record = await start(one, conversation_id="c")
        await eventually(lambda: has_answer(two, "One "))
        for connection in connections:
            connection.is_cut = True
        gate.set()
        for _ in range(20):
            for clock in clocks:
                clock.advance(1)
            await asyncio.sleep(0)
        for connection in connections:
            connection.is_cut = False
        assert status_of(await everything(two, record)) == ("completed", None)
        assert await logged_texts(two) == [("Hello", "One two")]


async def test_a_runtime_that_stops_in_order_is_not_waited_for(stores: list[Store]) -> None:
    async with replica(stores[1], ScriptedModel([say("Two")])) as two:
        async with replica(stores[0], ScriptedModel([say("One"), Silence()])) as one:
            await start(one, "first", conversation_id="c")
            assert len(await stores[1].replicas()) == 2
        assert len(await stores[1].replicas()) == 1
        assert await two.open_runs.in_conversation(OWNER, "c") == []


async def test_a_runtime_that_could_not_join_again_yet_starts_and_writes_nothing(
    stores: list[Store],
) -> None:
    connection = Connection(stores[0])
    gate = asyncio.Event()
    model = ScriptedModel([say("One "), Wait(gate), say("two"), Silence()])
    async with (
        replica(connection, model) as one,  # type: ignore[arg-type]
        replica(stores[1], ScriptedModel()) as two,
    ):
        await start(one, conversation_id="c")
        await eventually(lambda: has_answer(two, "One "))
        token = one.membership.token
        assert token is not None
        connection.refused = {"register"}
        await stores[1].retire(token)
        gate.set()
        await eventually(lambda: is_idle(one))
        with pytest.raises(StoreError):
            await start(one, "again", conversation_id="d")
        assert await stores[1].conversation(OWNER, "d") is None
        await eventually(lambda: has_answer(two, "One "))
