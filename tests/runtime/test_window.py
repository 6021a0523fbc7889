"""A conversation that grows longer than the model's window."""

import msgspec
import pytest
from typing_extensions import override

from tests.harness import events_of, logged, open_runs, start
from thinkaloud.events.event import Notice
from thinkaloud.events.prompt import AssistantTurn, ToolSchema, ToolTurn, UserTurn
from thinkaloud.ports.model import ModelInfo
from thinkaloud.testing import ScriptedModel, call_tool, say, think
from thinkaloud.tools.function import tool

WINDOW = 4_000


class SmallModel(ScriptedModel):
    """A model with a small window."""

    @property
    @override
    def info(self) -> ModelInfo:
        return msgspec.structs.replace(super().info, max_tokens=WINDOW)

    def asked(self, call: int) -> list[str]:
        """The messages of the user in a call."""
        return [turn.text for turn in self.requests[call].turns if isinstance(turn, UserTurn)]


@tool
def look(size: int) -> str:
    """Look at something long."""
    return "x" * size


@pytest.mark.promise("P8", "P13")
async def test_a_tool_turn_is_dropped_with_its_reasoning_and_its_question() -> None:
    model = SmallModel(
        [think("I look"), call_tool("look", {"size": 6_000})],
        [say("Seen.")],
        [say("Short.")],
        [say("Last.")],
    )
    async with open_runs(model, tools=[look]) as runs:
        await events_of(runs, "first", conversation_id="c")
        await events_of(runs, "second", conversation_id="c")
        notices = [
            event.message
            for event in await events_of(runs, "y" * 6_000, conversation_id="c")
            if isinstance(event, Notice)
        ]

    assert model.asked(2) == ["first", "second"]
    assert model.asked(3) == ["second", "y" * 6_000]
    assert not any(isinstance(turn, ToolTurn) for turn in model.requests[3].turns)
    assert sum(isinstance(turn, AssistantTurn) for turn in model.requests[3].turns) == 1
    assert notices == ["The first 1 message and its answer no longer fit the model's window."]


async def test_a_large_tool_result_drops_earlier_messages_during_a_run() -> None:
    model = SmallModel(
        [say("a" * 3_000)],
        [say("b" * 1_500)],
        [think("I look"), call_tool("look", {"size": 5_000})],
        [call_tool("look", {"size": 3_000})],
        [say("Seen.")],
    )
    async with open_runs(model, tools=[look]) as runs:
        await events_of(runs, "first", conversation_id="c")
        await events_of(runs, "second", conversation_id="c")
        record = await start(runs, "third", conversation_id="c")
        notices = [e.event for e in await logged(runs, record) if isinstance(e.event, Notice)]

    assert model.asked(2) == ["first", "second", "third"]
    assert model.asked(3) == ["second", "third"]
    assert model.asked(4) == ["third"]
    assert [notice.code for notice in notices] == ["context_trimmed"] * 2
    # A turn that is sent is complete, including its calls.
    assert sum(isinstance(turn, ToolTurn) for turn in model.requests[4].turns) == 2


class Described:
    """A tool that takes many words to describe."""

    timeout = 1.0
    schema = ToolSchema("wordy", "z" * 6_000, {"type": "object"})

    async def call(self, arguments: dict[str, object]) -> str:
        return ""


async def test_tool_definitions_count_toward_the_context_window() -> None:
    model = SmallModel([say("a" * 4_000)], [say("Last.")])
    async with open_runs(model, tools=[Described()]) as runs:
        await events_of(runs, "first", conversation_id="c")
        await events_of(runs, "second", conversation_id="c")

    assert model.asked(1) == ["second"]
