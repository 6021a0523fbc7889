"""Conversations through the Python API: list, rename, branch, export, delete, or temporary."""

import json
from pathlib import Path

import pytest

from thinkaloud import Agent, InvalidRequest, NotFound, RunFailed
from thinkaloud.testing import ModelFailed, ScriptedModel, say, think

CANARY = "xylophone-canary"


@pytest.fixture(autouse=True)
def _nobody_elses_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.promise("P1")
async def test_a_search_is_paginated_and_never_covers_reasoning() -> None:
    async with Agent(ScriptedModel(*[[think(CANARY), say("Blue words.")]] * 3)) as agent:
        for name in ("a", "b", "c"):
            await agent.chat("Why?", conversation_id=name)
        (first,) = await agent.search_conversations("blue", limit=1)
        rest = await agent.search_conversations(
            "blue", before=(first.updated_at_ms, first.conversation_id)
        )
        assert {first.conversation_id, *(each.conversation_id for each in rest)} == {"a", "b", "c"}
        assert first not in rest
        assert await agent.search_conversations(CANARY) == []


async def test_a_conversation_can_be_renamed_and_deleted() -> None:
    async with Agent(ScriptedModel([say("Blue.")])) as agent:
        await agent.chat("Why?", conversation_id="c")
        assert (await agent.list_conversations())[0].title == "Blue."
        assert (await agent.rename_conversation("c", "Mine")).title == "Mine"
        assert (await agent.list_conversations())[0].title == "Mine"
        with pytest.raises(InvalidRequest):
            await agent.rename_conversation("c", " ")
        await agent.delete_conversation("c")
        assert await agent.list_conversations() == []
        with pytest.raises(NotFound):
            await agent.delete_conversation("c")


@pytest.mark.promise("P7")
async def test_an_export_has_reasoning_only_where_asked_for() -> None:
    async with Agent(ScriptedModel([think(CANARY), say("Blue.")])) as agent:
        await agent.chat("Why?", conversation_id="c")
        plain = json.loads(await agent.export_conversation("c"))
        full = await agent.export_conversation("c", "markdown", include_reasoning=True)
    assert [block["type"] for block in plain["runs"][0]["blocks"]] == ["answer"]
    assert CANARY.encode() in full


@pytest.mark.promise("P8")
async def test_a_message_may_be_resent_and_a_branch_keeps_the_original() -> None:
    model = ScriptedModel([say("One")], [say("Two")], [say("Better")])
    async with Agent(model) as agent:
        await agent.chat("first", conversation_id="c")
        second = await agent.chat("second", conversation_id="c")
        branch = await agent.branch_conversation("c", second["run_id"])
        await agent.chat("edited", conversation_id="c", replaces=second["run_id"])
        changed = await agent.get_conversation_history("c")
        kept = await agent.get_conversation_history(branch.conversation_id)
    assert [run.response for run in changed.runs] == ["One", "Better"]
    assert [run.response for run in kept.runs] == ["One", "Two"]


@pytest.mark.promise("P8")
async def test_an_older_version_can_be_selected_again_with_what_followed_it() -> None:
    model = ScriptedModel(*[[say(each)] for each in ("One", "Two", "Better")])
    async with Agent(model) as agent:
        first = await agent.chat("first", temporary=True)
        name = first["conversation_id"]
        await agent.chat("second", conversation_id=name)
        other = await agent.chat("edited", conversation_id=name, replaces=first["run_id"])
        view = await agent.select_version(name, first["run_id"])
        assert [run.response for run in view.runs] == ["One", "Two"]
        assert view.versions == {first["run_id"]: (first["run_id"], other["run_id"])}
        assert b"Better" in await agent.export_conversation(
            name, "markdown", version=other["run_id"]
        )
        with pytest.raises(NotFound):
            await agent.select_version(name, "run_nowhere")


@pytest.mark.promise("P8")
async def test_a_failed_edit_raises_and_leaves_the_conversation_as_it_was() -> None:
    model = ScriptedModel([say("One")], [ModelFailed("provider_auth", "No.")])
    async with Agent(model) as agent:
        first = await agent.chat("first", conversation_id="c")
        with pytest.raises(RunFailed):
            await agent.chat("edited", conversation_id="c", replaces=first["run_id"])
        history = await agent.get_conversation_history("c")
    assert [run.response for run in history.runs] == ["One"]
    assert history.attempt is not None


async def test_a_temporary_conversation_is_in_no_list() -> None:
    async with Agent(ScriptedModel([say("One")], [say("Two")])) as agent:
        first = await agent.chat("first", temporary=True)
        await agent.chat("second", conversation_id=first["conversation_id"])
        history = await agent.get_conversation_history(first["conversation_id"])
        assert await agent.list_conversations() == []
    assert [run.response for run in history.runs] == ["One", "Two"]
