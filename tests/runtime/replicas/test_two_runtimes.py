"""Two runtimes on one store see, follow and stop each other's runs, and never end each other's."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.harness import OWNER, start
from tests.runtime.reading import texts
from tests.runtime.replicas.pair import (
    Connection,
    eventually,
    everything,
    logged_texts,
    replica,
    rest_of,
    status_of,
)
from thinkaloud.errors import Busy, Conflict
from thinkaloud.events.event import AnswerDelta, Event, RunStarted
from thinkaloud.ports.store import RunRecord, Store
from thinkaloud.runtime.run_stream import follow_run, wait_for_end
from thinkaloud.runtime.runs.limits import Limits
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.testing import ScriptedModel, Silence, Wait, say, think


async def test_a_run_is_followed_through_another_runtime_while_it_goes_on(
    stores: list[Store],
) -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("Hm", ", well"), say("One "), Wait(gate), say("two")])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        record = await start(one, conversation_id="c")
        async with two.follow(record) as follower:
            seen: list[Event] = []
            while texts(seen, AnswerDelta) != "One ":
                seen += [entry.logged.event for entry in await follower.batch()]
            gate.set()
            seen += [each.event for each in await rest_of(follower)]
        own = [each.event for each in await everything(one, record)]
        assert texts(seen, AnswerDelta) == texts(own, AnswerDelta) == "One two"
        assert seen[-1] == own[-1]
        assert await logged_texts(two) == await logged_texts(one) == [("Hello", "One two")]


async def test_a_runtime_that_starts_leaves_the_runs_of_the_others_alone(
    stores: list[Store],
) -> None:
    gate = asyncio.Event()
    async with replica(stores[0], ScriptedModel([Wait(gate), say("Yes")])) as one:
        record = await start(one, conversation_id="c")
        async with replica(stores[1], ScriptedModel()) as two:
            assert await two.open_runs.is_open(record)
        assert record.run_id in one.active
        gate.set()
        assert status_of(await everything(one, record)) == ("completed", None)


async def test_a_run_is_stopped_through_another_runtime(stores: list[Store]) -> None:
    model = ScriptedModel([say("Well"), Silence()])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        record = await start(one, conversation_id="c")
        async with asyncio.timeout(30):
            await two.stop(OWNER, record.run_id)
        assert not await two.open_runs.is_open(record)
        assert status_of(await everything(two, record)) == ("stopped", None)
        assert status_of(await everything(one, record)) == ("stopped", None)


async def test_a_message_waits_for_a_run_of_another_runtime(stores: list[Store]) -> None:
    gate = asyncio.Event()
    first_model = ScriptedModel([say("One"), Wait(gate)], [say("Two")])
    async with (
        replica(stores[0], first_model) as one,
        replica(stores[1], ScriptedModel([say("Two")])) as two,
    ):
        first = await start(one, "first", conversation_id="c")
        second = await start(two, "second", conversation_id="c")
        active = await one.open_runs.in_conversation(OWNER, "c")
        assert list(active) == [first.run_id, second.run_id]
        assert await two.fold(second) is None
        gate.set()
        assert status_of(await everything(two, second)) == ("completed", None)
        assert await logged_texts(two) == [("first", "One"), ("second", "Two")]
        await wait_for_end(one, second)
        assert await one.open_runs.in_conversation(OWNER, "c") == []


async def test_a_waiting_message_is_answered_by_who_is_left(stores: list[Store]) -> None:
    model = ScriptedModel([say("Two")])
    async with replica(stores[1], model) as two:
        async with replica(stores[0], ScriptedModel([say("One"), Silence()])) as one:
            first = await start(one, "first", conversation_id="c")
            second = await start(two, "second", conversation_id="c")
        assert status_of(await everything(two, first)) == ("failed", "interrupted")
        assert status_of(await everything(two, second)) == ("completed", None)
        assert await logged_texts(two) == [("first", "One"), ("second", "Two")]


async def test_a_waiting_message_is_stopped_before_its_turn(stores: list[Store]) -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One"), Wait(gate), say(" and all")])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        first = await start(one, "first", conversation_id="c")
        second = await start(two, "second", conversation_id="c")
        async with asyncio.timeout(30):
            await two.stop(OWNER, second.run_id)
        assert status_of(await everything(two, second)) == ("stopped", None)
        assert await one.open_runs.in_conversation(OWNER, "c") == [first.run_id]
        gate.set()
        async with asyncio.timeout(30):
            await wait_for_end(two, first)
        found = await two.fold(first)
        assert found is not None
        assert (found.view().status, found.view().response) == ("completed", "One and all")


async def test_one_key_at_two_runtimes_makes_one_run(stores: list[Store]) -> None:
    models = [ScriptedModel([say("Yes")]) for _ in stores]
    async with replica(stores[0], models[0]) as one, replica(stores[1], models[1]) as two:
        records = await asyncio.gather(
            *(start(runs, conversation_id="c", idempotency_key="once") for runs in (one, two) * 3)
        )
        assert len({record.run_id for record in records}) == 1
        for runs in (one, two):
            assert status_of(await everything(runs, records[0])) == ("completed", None)
        assert sum(len(model.requests) for model in models) == 1


async def test_two_messages_at_once_are_answered_one_after_the_other(
    stores: list[Store],
) -> None:
    models = [ScriptedModel([say("a")], [say("b")]) for _ in stores]
    async with replica(stores[0], models[0]) as one, replica(stores[1], models[1]) as two:
        records = await asyncio.gather(
            start(one, "first", conversation_id="c"), start(two, "second", conversation_id="c")
        )
        for record in records:
            assert status_of(await everything(one, record)) == ("completed", None)
        logged = await two.hub.logged(OWNER, "c")
        starts = [each.run_id for each in logged if isinstance(each.event, RunStarted)]
        order = list(dict.fromkeys(each.run_id for each in logged))
        assert starts == order
        assert [each.run_id for each in logged] == sorted(
            (each.run_id for each in logged), key=order.index
        )


async def test_a_busy_conversation_refuses_everywhere_if_so_configured(
    stores: list[Store],
) -> None:
    limits = Limits(busy_conversation="refuse")
    async with (
        replica(stores[0], ScriptedModel([Silence()]), limits=limits) as one,
        replica(stores[1], ScriptedModel(), limits=limits) as two,
    ):
        await start(one, conversation_id="c")
        with pytest.raises(Conflict, match="active"):
            await start(two, conversation_id="c")


async def test_only_so_many_messages_wait_in_a_conversation(stores: list[Store]) -> None:
    async with (
        replica(stores[0], ScriptedModel([Silence()])) as one,
        replica(stores[1], ScriptedModel()) as two,
    ):
        for _ in range(17):
            await start(one, conversation_id="c")
        with pytest.raises(Busy, match="waiting"):
            await start(two, conversation_id="c")


async def test_a_run_is_replaced_by_one_run_at_a_time(stores: list[Store]) -> None:
    models = [ScriptedModel([say("Old")], [Silence()]), ScriptedModel([Silence()])]
    async with replica(stores[0], models[0]) as one, replica(stores[1], models[1]) as two:
        record = await start(one, conversation_id="c")
        await everything(one, record)
        await eventually(lambda: is_free(two))
        await start(one, conversation_id="c", replaces=record.run_id)
        with pytest.raises(Conflict, match="replacing"):
            await start(two, conversation_id="c", replaces=record.run_id)


async def is_free(runs: Runs) -> bool:
    return not await runs.open_runs.in_conversation(OWNER, "c")


async def test_a_client_resumes_at_another_runtime_where_it_left(stores: list[Store]) -> None:
    gate = asyncio.Event()
    model = ScriptedModel([think("a", "b"), say("c", "d"), Wait(gate), say("e")])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        record = await start(one, conversation_id="c")
        async with follow_run(one, record) as stream:
            seq = 0
            while seq < 5:
                batch = await stream.batch()
                assert isinstance(batch, Sequence)
                seq = batch[-1].logged.seq
        async with two.follow(record, 3) as follower:
            gate.set()
            rest = await rest_of(follower)
        before = [each.event for each in await everything(one, record, 0)][:3]
        whole = texts([*before, *(each.event for each in rest)], AnswerDelta)
        assert whole == "cde"


@pytest.mark.promise("P12")
async def test_a_conversation_is_deleted_through_another_runtime(stores: list[Store]) -> None:
    model = ScriptedModel([say("Well"), Silence()])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        record = await start(one, conversation_id="c")
        async with follow_run(one, record) as stream:
            async with asyncio.timeout(30):
                await two.conversations.delete(OWNER, "c")
            async with asyncio.timeout(30):
                while await stream.batch():
                    continue
        await eventually(lambda: forgets(one))
        assert (await one.hub.fold(OWNER, "c")).seq == 0
        assert await stores[0].conversation(OWNER, "c") is None


async def forgets(runs: Runs) -> bool:
    return not len(runs.active) and (await runs.hub.fold(OWNER, "c")).seq == 0


async def test_a_conversation_that_was_made_again_is_not_mixed_up_with_the_old_one(
    stores: list[Store],
) -> None:
    models = [ScriptedModel([say("Old")]), ScriptedModel([say("New")])]
    async with replica(stores[0], models[0]) as one, replica(stores[1], models[1]) as two:
        await everything(one, await start(one, conversation_id="c"))
        assert await logged_texts(one) == [("Hello", "Old")]
        await two.conversations.delete(OWNER, "c")
        record = await start(two, "again", conversation_id="c")
        await everything(two, record)
        assert await logged_texts(one) == [("again", "New")]


async def test_a_version_is_selected_through_another_runtime(stores: list[Store]) -> None:
    model = ScriptedModel([say("Old")], [say("New")])
    async with replica(stores[0], model) as one, replica(stores[1], ScriptedModel()) as two:
        old = await start(one, conversation_id="c")
        await everything(one, old)
        new = await start(one, conversation_id="c", replaces=old.run_id)
        await everything(one, new)
        await eventually(lambda: is_free(two))
        assert await logged_texts(two) == [("Hello", "New")]
        await two.conversations.select(OWNER, "c", old.run_id)
        assert await logged_texts(two) == [("Hello", "Old")]
        await eventually(lambda: shows_old(one))


async def shows_old(runs: Runs) -> bool:
    return await logged_texts(runs) == [("Hello", "Old")]


@pytest.mark.promise("P2")
async def test_nothing_is_shown_that_is_not_in_the_store(stores: list[Store]) -> None:
    connection = Connection(stores[0])
    gate = asyncio.Event()
    model = ScriptedModel([say("One "), Wait(gate), say("two")])
    async with replica(connection, model) as one, replica(stores[1], ScriptedModel()) as two:  # type: ignore[arg-type]
        record = await start(one, conversation_id="c")
        async with one.follow(record) as follower:
            seen: list[Event] = []
            while texts(seen, AnswerDelta) != "One ":
                seen += [entry.logged.event for entry in await follower.batch()]
            connection.is_cut = True
            gate.set()
            await eventually(lambda: has_text(one, record, "One two"))
            assert one.hub.live(OWNER, "c").seq == follower.cursor  # type: ignore[union-attr]
            connection.is_cut = False
            rest = [each.event for each in await rest_of(follower)]
        assert texts(rest, AnswerDelta) == "two"
        assert status_of(await everything(two, record)) == ("completed", None)


async def has_text(runs: Runs, record: RunRecord, text: str) -> bool:
    log = runs.hub.live(OWNER, "c")
    return log is not None and log.runs[record.run_id].view().response == text
