"""Tests of the shop. They need no key, no network and no time."""

import pytest
from shop import shopkeeper, stock
from thinkaloud import Agent, RunFailed, run_sync
from thinkaloud.events.prompt import ToolTurn
from thinkaloud.testing import Cut, ScriptedModel, call_tool, say


def test_the_answer_comes_from_the_shelf():
    reply = run_sync("Have you any apples?", agent=Agent(shopkeeper(), tools=[stock]))
    (action,) = reply["action_results"]
    assert (action["action"], action["status"], action["result"]) == ("stock", "ok", "12")


def test_the_model_hears_of_a_fruit_that_we_do_not_sell():
    model = ScriptedModel([call_tool("stock", {"fruit": "figs"})], [say("No figs, sorry.")])
    run_sync("Have you any figs?", agent=Agent(model, tools=[stock]))
    turn = model.requests[1].turns[-1]
    assert isinstance(turn, ToolTurn)
    assert turn.results[0].content == "There is no 'figs' here. There are: apples, pears."


def test_what_was_said_before_the_line_went_dead_is_kept():
    model = ScriptedModel([say("Yes: "), Cut()])
    with pytest.raises(RunFailed) as failure:
        run_sync("Have you any apples?", agent=Agent(model, tools=[stock]))
    assert (failure.value.code, failure.value.partial) == ("provider_stream_cut", "Yes: ")
