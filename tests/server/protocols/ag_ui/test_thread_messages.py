"""A client of AG-UI that knows only a thread's id gets its messages, and shares its state."""

import pytest

from tests.server.protocols.ag_ui.test_ag_ui import HELLO, body, stream, types, weather
from tests.server.serving import serving
from thinkaloud.testing import ScriptedModel, call_tool, say, think

EMPTY = {**body(), "messages": [], "runId": "load"}


@pytest.mark.parametrize("shows", [True, False])
async def test_a_request_without_messages_gets_those_of_the_thread_and_starts_no_run(
    *, shows: bool
) -> None:
    model = ScriptedModel(
        [think("Hm."), call_tool("weather", {"city": "Kiel"}, "c1")],
        [say("It is "), call_tool("locate", {}, "c2")],
        [say("Sunny here.")],
    )
    located = {"name": "locate", "description": "", "parameters": {}}
    async with serving(model, tools=[weather]) as served:
        first = await stream(served, body(tools=[located]))
        (call,) = first[-1]["outcome"]["pendingToolCallIds"]
        result = {"id": "t1", "role": "tool", "toolCallId": call, "content": "Bern"}
        await stream(served, body(HELLO, result, runId="run-2"))
        props = {"sendReasoning": shows}
        events = await stream(served, {**EMPTY, "forwardedProps": props})
    assert types(events) == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    assert len(model.requests) == 3
    messages = events[1]["messages"]
    roles = [
        "user",
        "reasoning",
        "assistant",
        "tool",
        "assistant",
        "assistant",
        "tool",
        "assistant",
    ]
    assert [each["role"] for each in messages] == [
        role for role in roles if shows or role != "reasoning"
    ]
    contents = [each.get("content") for each in messages if each["role"] != "reasoning"]
    assert contents == ["Hello", None, "Sunny in Kiel", "It is ", None, "Bern", "Sunny here."]
    streamed = {event["messageId"] for event in first if event["type"] == "TEXT_MESSAGE_START"}
    assert streamed <= {each["id"] for each in messages}


async def test_an_unknown_thread_has_no_messages() -> None:
    async with serving(ScriptedModel()) as served:
        events = await stream(served, EMPTY)
        status, _ = await served.get("/conversations/thread-1")
    assert events[1]["messages"] == []
    assert status == 404


async def test_the_model_knows_the_state_of_the_application() -> None:
    model = ScriptedModel([say("Yes.")])
    async with serving(model) as served:
        await stream(served, body(state={"cart": ["xylophone"]}))
    assert '"xylophone"' in repr(model.requests[0].turns[-1])
