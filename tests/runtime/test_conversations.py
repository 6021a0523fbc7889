"""Operations on whole conversations."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.harness import OWNER, logged, open_runs, start
from tests.runtime.failing import PausingStore
from tests.runtime.reading import end_of
from thinkaloud.errors import Conflict, InvalidRequest, NotFound, StoreError
from thinkaloud.events.event import Event
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.runs.hooks import AgentHook
from thinkaloud.runtime.runs.supervisor import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.sqlite import Opening, SqliteStore
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.testing import ScriptedModel, Silence, Wait, call_tool, say, think
from thinkaloud.tools.function import tool

CANARY = "canary-in-thought"
DEADLINE = 30.0


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def ask(runs: Runs, text: str, **request: object) -> RunRecord:
    record = await start(runs, text, **request)
    await logged(runs, record)
    await runs.active.wait(record.run_id)
    return record


@pytest.mark.promise("P1")
async def test_titles_and_search_cover_answers_and_questions_but_no_reasoning() -> None:
    model = ScriptedModel([think(CANARY), say("Blue is scattered more.")], [say("Because.")])
    async with open_runs(model) as runs:
        await ask(runs, "Why is the sky blue?", conversation_id="sky")
        await ask(runs, "Why?", conversation_id="other")
        conversations = runs.conversations
        found = {
            words: [each.conversation_id for each in await conversations.search(OWNER, words=words)]
            for words in ("SCATTERED sky", CANARY, "because", None)
        }
        title = (await conversations.get(OWNER, "sky")).title

    assert title == "Blue is scattered more."
    assert found == {
        "SCATTERED sky": ["sky"],
        CANARY: [],
        "because": ["other"],
        None: ["other", "sky"],
    }


async def test_a_title_of_the_users_stays() -> None:
    async with open_runs(ScriptedModel([say("One")], [say("Two")])) as runs:
        await ask(runs, "first", conversation_id="c")
        await runs.conversations.rename(OWNER, "c", "  Mine,  all mine ")
        await ask(runs, "second", conversation_id="c")
        assert (await runs.conversations.get(OWNER, "c")).title == "Mine, all mine"
        with pytest.raises(InvalidRequest):
            await runs.conversations.rename(OWNER, "c", "   ")


@pytest.mark.parametrize("held", ["start", "end"])
async def test_a_title_given_while_a_run_starts_or_ends_stays(held: str) -> None:
    store = PausingStore()
    async with open_runs(ScriptedModel([say("One")]), store=store) as runs:
        await runs.conversations.create(OWNER, "c")
        store.held = held
        asking = asyncio.create_task(ask(runs, "first", conversation_id="c"))
        await store.reached.wait()
        renamed = await runs.conversations.rename(OWNER, "c", "Mine")
        store.go.set()
        await asking
    stored = await store.conversation(OWNER, "c")
    assert stored is not None
    assert stored.title == renamed.title == "Mine"


@pytest.mark.promise("P7")
@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_an_export_has_reasoning_only_where_asked_for(form: str) -> None:
    model = ScriptedModel(
        [think(CANARY), call_tool("add", {"a": 1, "b": 2})], [say("It is ```3```.")]
    )
    async with open_runs(model, tools=[add]) as runs:
        await ask(runs, "1 + 2?", conversation_id="c")
        export = runs.conversations.export
        plain = await export(OWNER, "c", form, include_reasoning=False)  # type: ignore[arg-type]
        full = await export(OWNER, "c", form, include_reasoning=True)  # type: ignore[arg-type]

    assert CANARY.encode() not in plain
    assert CANARY.encode() in full
    assert b"It is ```3```." in plain
    if form == "json":
        assert json.loads(plain)["runs"][0]["input"]["text"] == "1 + 2?"


@pytest.mark.promise("P8")
async def test_a_branch_has_everything_up_to_its_run_and_is_independent() -> None:
    model = ScriptedModel([think("a"), say("One")], [say("Two")], [say("Other")])
    async with open_runs(model) as runs:
        first = await ask(runs, "first", conversation_id="c")
        await ask(runs, "second", conversation_id="c")
        branch = await runs.conversations.branch(OWNER, "c", first.run_id)
        await ask(runs, "instead", conversation_id=branch.conversation_id)
        source = (await runs.hub.fold(OWNER, "c")).view()
        view = (await runs.hub.fold(branch.owner, branch.conversation_id)).view()

    assert [(run.input.text, run.reasoning, run.response) for run in view.runs] == [
        ("first", "a", "One"),
        ("instead", "", "Other"),
    ]
    assert [run.input.text for run in source.runs] == ["first", "second"]
    assert {run.run_id for run in view.runs}.isdisjoint(run.run_id for run in source.runs)
    assert len(model.requests[2].turns) == 3


async def test_an_active_or_foreign_run_cannot_be_branched_from() -> None:
    async with open_runs(ScriptedModel([say("One"), Silence()])) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            await follower.batch()
        with pytest.raises(Conflict):
            await runs.conversations.branch(OWNER, "c", record.run_id)
        with pytest.raises(NotFound):
            await runs.conversations.branch(OWNER, "c", "run_elsewhere")
        with pytest.raises(NotFound):
            await runs.conversations.branch("other", "c", record.run_id)


async def test_no_branch_is_created_while_an_earlier_run_is_active() -> None:
    async with open_runs(ScriptedModel([say("One"), Silence()])) as runs:
        await start(runs, "runs", conversation_id="c")
        stopped = await start(runs, "queued", conversation_id="c")
        await runs.stop(OWNER, stopped.run_id)
        with pytest.raises(Conflict):
            await runs.conversations.branch(OWNER, "c", stopped.run_id)


async def test_a_branch_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    answers = [[say("One " * 20_000)], [say("Two " * 20_000)]]
    opening = Opening(max_bytes=1_000_000)
    async with (
        SqliteStore.open(tmp_path / "thinkaloud.db", opening) as store,
        open_runs(ScriptedModel(*answers), store=store) as runs,
    ):
        await ask(runs, "first", conversation_id="c")
        last = await ask(runs, "second", conversation_id="c")
        with pytest.raises(StoreError):
            await branched_often(runs, last)
        for found in await runs.conversations.search(OWNER):
            assert len((await runs.hub.fold(found.owner, found.conversation_id)).runs) == 2


async def branched_often(runs: Runs, last: RunRecord) -> None:
    for _ in range(20):
        await runs.conversations.branch(OWNER, "c", last.run_id)


async def test_deleting_stops_active_runs_and_leaves_nothing() -> None:
    model = ScriptedModel([say("One"), Silence()])
    async with open_runs(model) as runs:
        record = await start(runs, conversation_id="c")
        await runs.conversations.delete(OWNER, "c")
        assert model.open_streams == 0
        with pytest.raises(NotFound):
            await runs.conversations.get(OWNER, "c")
        with pytest.raises(NotFound):
            await runs.record(OWNER, record.run_id)


async def test_two_concurrent_first_messages_create_one_conversation(tmp_path: Path) -> None:
    model = ScriptedModel([say("One")], [say("Two")])
    async with (
        SqliteStore.open(tmp_path / "thinkaloud.db") as store,
        open_runs(model, store=store) as runs,
    ):
        await asyncio.gather(
            ask(runs, "first", conversation_id="c"), ask(runs, "second", conversation_id="c")
        )
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert sorted(run.response for run in view.runs) == ["One", "Two"]


@pytest.mark.promise("P10")
async def test_a_run_that_begins_while_its_conversation_is_being_deleted_is_stopped() -> None:
    store, model = PausingStore(), ScriptedModel([say("One")], [say("Two"), Silence()])
    async with open_runs(model, store=store) as runs:
        await ask(runs, "first", conversation_id="c")
        store.held = "delete"
        deleting = asyncio.create_task(runs.conversations.delete(OWNER, "c"))
        await store.reached.wait()
        record = await start(runs, "second", conversation_id="c")
        async with runs.follow(record) as follower:
            assert await follower.batch()
            store.go.set()
            await deleting
            events: list[Event] = []
            while batch := await follower.batch():
                assert not isinstance(batch, Snapshot)
                events += [entry.logged.event for entry in batch]
        assert model.open_streams == 0

    assert end_of(events).status == "stopped"


@pytest.mark.promise("P10")
@pytest.mark.parametrize("held", ["start", "started"])
async def test_a_run_whose_conversation_is_deleted_before_it_begins_never_does(held: str) -> None:
    store, model = PausingStore(), ScriptedModel([say("One")])
    async with open_runs(model, store=store, hooks=[AgentHook()]) as runs:
        await runs.conversations.create(OWNER, "c")
        store.held = held
        starting = asyncio.create_task(start(runs, "first", conversation_id="c"))
        await store.reached.wait()
        await runs.conversations.delete(OWNER, "c")
        store.go.set()
        with pytest.raises(NotFound):
            await starting
        assert model.requests == []
        assert await store.conversation(OWNER, "c") is None
        assert await store.unfinished_runs() == []


@pytest.mark.promise("P10")
@pytest.mark.parametrize("held", ["start", "started"])
async def test_a_run_whose_conversation_is_deleted_while_it_is_stored_is_stopped_and_gone(
    held: str,
) -> None:
    store, model = PausingStore(), ScriptedModel([say("One"), Silence()])
    async with open_runs(model, store=store) as runs:
        await runs.conversations.create(OWNER, "c")
        store.held = held
        starting = asyncio.create_task(start(runs, "first", conversation_id="c"))
        await store.reached.wait()
        deleting = asyncio.create_task(runs.conversations.delete(OWNER, "c"))
        store.go.set()
        await asyncio.gather(starting, deleting)
        assert (model.open_streams, len(runs.active)) == (0, 0)
        assert await store.conversation(OWNER, "c") is None
        assert await store.unfinished_runs() == []


@pytest.mark.promise("P10")
async def test_a_message_that_comes_just_after_a_deletion_starts_an_empty_conversation() -> None:
    store, model = PausingStore(), ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model, store=store) as runs:
        await ask(runs, "first", conversation_id="c")
        runs.hub.forget(OWNER, "c")  # so that the log is opened again
        store.held = "opened"
        starting = asyncio.create_task(start(runs, "second", conversation_id="c"))
        await store.reached.wait()
        await runs.conversations.delete(OWNER, "c")
        store.go.set()
        record = await starting
        events = await logged(runs, record)
        assert await runs.conversations.get(OWNER, "c")
    assert record.first_seq == events[0].seq == 1
    assert "first" not in repr(model.requests[-1])


@pytest.mark.promise("P14")
async def test_followers_of_a_run_end_when_its_conversation_is_deleted() -> None:
    gate = asyncio.Event()
    async with open_runs(ScriptedModel([say("One"), Wait(gate)])) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            assert await follower.batch()
            runs.hub.forget(OWNER, "c")
            while await follower.batch():
                pass
        gate.set()
    assert follower.ended


@pytest.mark.promise("P8")
@pytest.mark.parametrize("way", ["delete", "purge"])
async def test_nothing_of_a_deleted_conversation_is_sent_to_a_model(way: str) -> None:
    store, model = PausingStore(), ScriptedModel([say("Secret")], [say("Two")])
    async with open_runs(model, store=store) as runs:
        await ask(runs, "first", conversation_id="c")
        async with runs.hub.open(OWNER, "c"):  # somebody looks at it
            store.held = "scrub"
            conversations = runs.conversations
            going = asyncio.create_task(
                conversations.delete(OWNER, "c") if way == "delete" else conversations.purge(2**62)
            )
            await store.reached.wait()
            await ask(runs, "second", conversation_id="c")
            store.go.set()
            await going
        view = (await runs.hub.fold(OWNER, "c")).view()
    assert [run.response for run in view.runs] == ["Two"]
    assert "Secret" not in repr(model.requests[-1])


async def test_a_temporary_conversation_works_and_persists_nothing() -> None:
    lasting = MemoryStore()
    model = ScriptedModel([say("One")], [say("Two")])
    async with open_runs(model, store=TemporaryStore(lasting)) as runs:
        first = await ask(runs, "first", temporary=True)
        name = first.conversation_id
        again = await ask(runs, "second", conversation_id=name)
        view = (await runs.hub.fold(OWNER, name)).view()
        assert [run.response for run in view.runs] == ["One", "Two"]
        assert await runs.record(OWNER, again.run_id) == again
        assert await runs.conversations.search(OWNER) == []

    assert await lasting.conversation(OWNER, name) is None
    assert await lasting.read(OWNER, name, 0, 10) == []


@pytest.mark.promise("P12")
async def test_a_temporary_conversation_never_takes_an_id_of_the_clients() -> None:
    async with open_runs(ScriptedModel(), store=TemporaryStore(MemoryStore())) as runs:
        with pytest.raises(InvalidRequest):
            await start(runs, conversation_id="c", temporary=True)


async def test_a_temporary_message_is_persisted_nowhere() -> None:
    model = ScriptedModel([say("Kept")], [say("One")], [say("Two")])
    async with open_runs(model, store=TemporaryStore(MemoryStore())) as runs:
        await ask(runs, "kept", conversation_id="kept")
        with pytest.raises(InvalidRequest, match="is saved") as refused:
            await start(runs, "Not to be kept.", conversation_id="kept", temporary=True)
        assert refused.value.field == "temporary"
        assert len((await runs.hub.fold(OWNER, "kept")).runs) == 1
        first = await ask(runs, "first", temporary=True)
        await ask(runs, "second", conversation_id=first.conversation_id, temporary=True)
        assert len((await runs.hub.fold(first.owner, first.conversation_id)).runs) == 2


async def test_reading_during_a_deletion_finds_the_conversation_that_has_the_id_now() -> None:
    store = PausingStore()
    async with open_runs(ScriptedModel([say("Old")]), store=store) as runs:
        await ask(runs, "first", conversation_id="c")
    async with (
        open_runs(ScriptedModel([say("New")]), store=store) as runs,
        asyncio.timeout(DEADLINE),
    ):
        store.held = "read"
        reading = asyncio.create_task(runs.hub.fold(OWNER, "c"))
        await store.reached.wait()
        await runs.conversations.delete(OWNER, "c")
        await ask(runs, "second", conversation_id="c")
        store.go.set()
        assert [run.input.text for run in (await reading).view().runs] == ["second"]


async def test_a_run_that_is_stopped_before_its_first_step_ends() -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with open_runs(model) as runs, asyncio.timeout(DEADLINE):
        starting = asyncio.create_task(start(runs, conversation_id="c"))
        while not (active := runs.active.in_conversation(OWNER, "c")):
            await asyncio.sleep(0)
        await runs.active.stop(active[0])
        record = await starting
        assert (await runs.fold(record)).view().status == "stopped"
