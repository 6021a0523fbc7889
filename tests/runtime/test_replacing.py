"""Regenerate, edit and resend: a run that takes the place of another."""

import asyncio

import pytest

from tests.staging import recorded, stage, start
from thinkaloud.errors import Conflict
from thinkaloud.testing import ScriptedModel, Wait, say


@pytest.mark.promise("P8")
async def test_replacing_a_run_takes_it_and_all_after_it_out_of_the_conversation_and_the_prompt() -> (
    None
):
    model = ScriptedModel([say("One")], [say("Two")], [say("Better")])
    async with stage(model) as runs:
        for text in ("first", "second"):
            record = await start(runs, text, conversation_id="c")
            await recorded(runs, record)
        again = await start(runs, "second, please", conversation_id="c", replaces=record.run_id)
        await recorded(runs, again)
        view = (await runs.hub.fold("c")).view()

    assert [(run.input.text, run.response) for run in view.runs] == [
        ("first", "One"),
        ("second, please", "Better"),
    ]
    assert len(model.requests[2].turns) == 3


@pytest.mark.promise("P8")
async def test_a_run_that_was_replaced_or_is_to_be_is_not_replaced_again() -> None:
    gate = asyncio.Event()
    model = ScriptedModel([say("One")], [say("Two")], [Wait(gate), say("Better")], [say("Best")])
    async with stage(model) as runs:
        first = await start(runs, "first", conversation_id="c")
        second = await start(runs, "second", conversation_id="c")
        going_on = await start(runs, "third", conversation_id="c")
        again = await start(runs, "again", conversation_id="c", replaces=first.run_id)
        with pytest.raises(Conflict):
            await start(runs, "and again", conversation_id="c", replaces=first.run_id)
        gate.set()
        await recorded(runs, again)
        for gone in (first, second, going_on):
            with pytest.raises(Conflict):
                await start(runs, "stale", conversation_id="c", replaces=gone.run_id)
        view = (await runs.hub.fold("c")).view()

    assert [(run.input.text, run.response) for run in view.runs] == [("again", "Best")]
