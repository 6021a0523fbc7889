"""What can be done with whole conversations."""

import json

import pytest

from tests.staging import OWNER, recorded, stage, start
from thinkaloud.errors import Conflict, InvalidRequest, NotFound
from thinkaloud.ports.store import RunRecord
from thinkaloud.runtime.runs import Runs
from thinkaloud.stores.memory import MemoryStore
from thinkaloud.stores.temporary import TemporaryStore
from thinkaloud.testing import ScriptedModel, Silence, call_tool, say, think
from thinkaloud.tools.function import tool

CANARY = "canary-in-thought"


@tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def said(runs: Runs, text: str, **request: object) -> RunRecord:
    record = await start(runs, text, **request)
    await recorded(runs, record)
    await runs.active.wait(record.run_id)
    return record


@pytest.mark.promise("P1")
async def test_titles_and_search_know_answers_and_questions_and_no_thought() -> None:
    model = ScriptedModel([think(CANARY), say("Blue is scattered more.")], [say("Because.")])
    async with stage(model) as runs:
        await said(runs, "Why is the sky blue?", conversation_id="sky")
        await said(runs, "Why?", conversation_id="other")
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
    async with stage(ScriptedModel([say("One")], [say("Two")])) as runs:
        await said(runs, "first", conversation_id="c")
        await runs.conversations.rename(OWNER, "c", "  Mine,  all mine ")
        await said(runs, "second", conversation_id="c")
        assert (await runs.conversations.get(OWNER, "c")).title == "Mine, all mine"
        with pytest.raises(InvalidRequest):
            await runs.conversations.rename(OWNER, "c", "   ")


@pytest.mark.promise("P7")
@pytest.mark.parametrize("form", ["json", "markdown"])
async def test_an_export_has_reasoning_only_where_asked_for(form: str) -> None:
    model = ScriptedModel(
        [think(CANARY), call_tool("add", {"a": 1, "b": 2})], [say("It is ```3```.")]
    )
    async with stage(model, tools=[add]) as runs:
        await said(runs, "1 + 2?", conversation_id="c")
        export = runs.conversations.export
        plain = await export(OWNER, "c", form, include_reasoning=False)  # type: ignore[arg-type]
        full = await export(OWNER, "c", form, include_reasoning=True)  # type: ignore[arg-type]

    assert CANARY.encode() not in plain
    assert CANARY.encode() in full
    assert b"It is ```3```." in plain
    if form == "json":
        assert json.loads(plain)["runs"][0]["input"]["text"] == "1 + 2?"


@pytest.mark.promise("P8")
async def test_a_branch_has_everything_up_to_its_run_and_goes_its_own_way() -> None:
    model = ScriptedModel([think("a"), say("One")], [say("Two")], [say("Other")])
    async with stage(model) as runs:
        first = await said(runs, "first", conversation_id="c")
        await said(runs, "second", conversation_id="c")
        branch = await runs.conversations.branch(OWNER, "c", first.run_id)
        await said(runs, "instead", conversation_id=branch.conversation_id)
        source = (await runs.hub.fold("c")).view()
        view = (await runs.hub.fold(branch.conversation_id)).view()

    assert [(run.input.text, run.reasoning, run.response) for run in view.runs] == [
        ("first", "a", "One"),
        ("instead", "", "Other"),
    ]
    assert [run.input.text for run in source.runs] == ["first", "second"]
    assert {run.run_id for run in view.runs}.isdisjoint(run.run_id for run in source.runs)
    assert len(model.requests[2].turns) == 3


async def test_a_run_that_goes_on_or_is_elsewhere_cannot_be_branched_from() -> None:
    async with stage(ScriptedModel([say("One"), Silence()])) as runs:
        record = await start(runs, conversation_id="c")
        async with runs.follow(record) as follower:
            await follower.batch()
        with pytest.raises(Conflict):
            await runs.conversations.branch(OWNER, "c", record.run_id)
        with pytest.raises(NotFound):
            await runs.conversations.branch(OWNER, "c", "run_elsewhere")
        with pytest.raises(NotFound):
            await runs.conversations.branch("other", "c", record.run_id)


async def test_deleting_stops_what_runs_and_leaves_nothing() -> None:
    model = ScriptedModel([say("One"), Silence()])
    async with stage(model) as runs:
        record = await start(runs, conversation_id="c")
        await runs.conversations.delete(OWNER, "c")
        assert model.open_streams == 0
        with pytest.raises(NotFound):
            await runs.conversations.get(OWNER, "c")
        with pytest.raises(NotFound):
            await runs.record(OWNER, record.run_id)


async def test_a_temporary_conversation_works_and_leaves_nothing_where_things_last() -> None:
    lasting = MemoryStore()
    model = ScriptedModel([say("One")], [say("Two")])
    async with stage(model, store=TemporaryStore(lasting)) as runs:
        first = await said(runs, "first", temporary=True)
        name = first.conversation_id
        again = await said(runs, "second", conversation_id=name)
        view = (await runs.hub.fold(name)).view()
        assert [run.response for run in view.runs] == ["One", "Two"]
        assert await runs.record(OWNER, again.run_id) == again
        assert await runs.conversations.search(OWNER) == []

    assert await lasting.conversation(OWNER, name) is None
    assert await lasting.read(name, 0, 10) == []


@pytest.mark.promise("P12")
async def test_a_temporary_conversation_never_takes_an_id_of_the_clients() -> None:
    async with stage(ScriptedModel(), store=TemporaryStore(MemoryStore())) as runs:
        with pytest.raises(InvalidRequest):
            await start(runs, conversation_id="c", temporary=True)
