"""AG-UI's own HTTP agent, versions 0.0.59 and 1.0, against the server."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.clients.node import NodeClient
from tests.server.serving import Json, Served, serving
from thinkaloud import tool
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import ToolTurn
from thinkaloud.providers.scripted import Cut, Silence, Wait, finish
from thinkaloud.testing import ScriptedModel, call_tool, say, think


@pytest.fixture(scope="module", params=["0", "1"])
def client(request: pytest.FixtureRequest) -> Iterator[NodeClient]:
    """An agent, in a process for all tests of this module."""
    client = NodeClient("ag-ui.mjs", request.param)
    yield client
    client.close()


def user(text: str, message_id: str = "u1") -> Json:
    return {"id": message_id, "role": "user", "content": text}


async def open_agent(client: NodeClient, served: Served) -> None:
    await client.do("open", url=f"{served.api}/ag-ui", threadId="thread-1")


async def ask(client: NodeClient, text: str = "Hello", **parameters: Any) -> Json:
    await client.do("run", message=user(text, f"u-{text}"), **parameters)
    state: Json = await client.do("end")
    return state


def shown(state: Json) -> list[tuple[str, str]]:
    return [(message["role"], message.get("content", "")) for message in state["messages"]]


async def answers(served: Served) -> list[Json]:
    """The answers of the stored conversation."""
    _, found = await served.get("/conversations/thread-1/messages")
    return [message for message in found["messages"] if message["role"] == "assistant"]


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return f"Sunny in {city}"


@pytest.mark.feature("reasoning", "usage")
async def test_an_answer_arrives_with_its_reasoning_and_its_usage(client: NodeClient) -> None:
    usage = Usage(input_tokens=3, output_tokens=5, reasoning_tokens=2)
    script = [think("Hm\u2028", "m."), say("Grüß ", "dich 👋"), finish("stop", usage)]
    async with serving(ScriptedModel(script, model_id="lab/m1")) as served:
        await open_agent(client, served)
        state = await ask(client)
    assert state["failure"] is None
    assert shown(state) == [
        ("user", "Hello"),
        ("reasoning", "Hm\u2028m."),
        ("assistant", "Grüß dich 👋"),
    ]
    first, last = state["events"][0], state["events"][-1]
    assert first["type"] == "RUN_STARTED"
    assert (last["type"], last["threadId"]) == ("RUN_FINISHED", "thread-1")
    assert last["runId"] == first["runId"]
    assert last["usage"] == [
        {
            "provider": "lab",
            "model": "m1",
            "inputTokens": 3,
            "outputTokens": 5,
            "totalTokens": 8,
            "reasoningTokens": 2,
        }
    ]


@pytest.mark.feature("reasoning")
async def test_reasoning_is_shown_while_it_streams(client: NodeClient) -> None:
    more = asyncio.Event()
    async with serving(ScriptedModel([think("Hm"), Wait(more), say("Yes.")])) as served:
        await open_agent(client, served)
        await client.do("run", message=user("Hello"))
        state = await client.do("until", role="reasoning", text="Hm")
        more.set()
        done = await client.do("end")
    assert shown(state) == [("user", "Hello"), ("reasoning", "Hm")]
    assert shown(done)[-1] == ("assistant", "Yes.")


async def test_blocks_of_reasoning_are_messages_of_their_own(client: NodeClient) -> None:
    script = [think("A", part=0), think("B", part=1), say("C")]
    async with serving(ScriptedModel(script)) as served:
        await open_agent(client, served)
        state = await ask(client)
    assert shown(state)[1:] == [("reasoning", "A"), ("reasoning", "B"), ("assistant", "C")]


@pytest.mark.feature("tools")
async def test_a_tool_of_the_server_is_shown_with_its_result(client: NodeClient) -> None:
    model = ScriptedModel(
        [think("Look."), call_tool("weather", {"city": "Kiel"})],
        [call_tool("weather", {"city": "Atlantis"})],
        [say("Sunny.")],
    )
    async with serving(model, tools=[weather]) as served:
        await open_agent(client, served)
        state = await ask(client)
    calls = [call for each in state["messages"] for call in each.get("toolCalls", [])]
    results = [each for each in state["messages"] if each["role"] == "tool"]
    assert [call["function"]["name"] for call in calls] == ["weather", "weather"]
    assert calls[0]["function"]["arguments"] == '{"city":"Kiel"}'
    assert [result["toolCallId"] for result in results] == [call["id"] for call in calls]
    assert len({call["id"] for call in calls}) == 2
    assert results[0]["content"] == "Sunny in Kiel"
    assert "no such city" in results[1]["content"]
    assert shown(state)[-1][1].strip() == "Sunny."


@pytest.mark.feature("client tools")
async def test_a_tool_of_the_client_is_called_and_the_next_run_has_its_result(
    client: NodeClient,
) -> None:
    locate = {"name": "locate", "description": "Where", "parameters": {"type": "object"}}
    model = ScriptedModel(
        [
            say("Wait."),
            call_tool("weather", {"city": "Kiel"}, "c1"),
            call_tool("locate", {"exact": True}, "c2"),
        ],
        [say("In Rome.")],
        [say("Better.")],
    )
    async with serving(model, tools=[weather]) as served:
        await open_agent(client, served)
        state = await ask(client, tools=[locate])
        answered = {result["toolCallId"] for result in state["messages"] if "toolCallId" in result}
        calls = [call for each in state["messages"] for call in each.get("toolCalls", [])]
        (call,) = [each for each in calls if each["id"] not in answered]
        result = {"id": "t1", "role": "tool", "toolCallId": call["id"], "content": "Rome"}
        await client.do("run", message=result, tools=[locate])
        after = await client.do("end")
        # Ask the first question again: the run with the result belongs to its answer.
        await client.do("run", messages=after["messages"][:1])
        await client.do("end")
        stored = await answers(served)
    assert call["function"] == {"name": "locate", "arguments": '{"exact":true}'}
    assert shown(after)[-1] == ("assistant", "In Rome.")
    (results,) = [turn for turn in model.requests[1].turns if isinstance(turn, ToolTurn)]
    assert [each.content for each in results.results] == ["Sunny in Kiel", "Rome"]
    assert [answer["text"] for answer in stored] == ["Better."]


@pytest.mark.feature("history")
async def test_the_next_message_continues_the_stored_conversation(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm."), say("One.")], [say("Two.")])
    async with serving(model) as served:
        await open_agent(client, served)
        await ask(client, "First")
        state = await ask(client, "Second")
        stored = await answers(served)
    assert [role for role, _ in shown(state)] == [
        "user",
        "reasoning",
        "assistant",
        "user",
        "assistant",
    ]
    assert len(model.requests[-1].turns) == 3
    assert [answer["text"] for answer in stored] == ["One.", "Two."]


@pytest.mark.parametrize("kept", [0, 3], ids=["the first", "a later one"])
@pytest.mark.feature("edit")
async def test_regenerating_an_answer_replaces_it(client: NodeClient, kept: int) -> None:
    model = ScriptedModel(
        [think("Hm."), say("One.")], [think("Hm."), say("Two.")], [say("Better.")]
    )
    async with serving(model) as served:
        await open_agent(client, served)
        await ask(client, "First")
        state = await ask(client, "Second")
        await client.do("run", messages=state["messages"][: kept + 1])
        again = await client.do("end")
        stored = await answers(served)
    assert shown(again)[-1] == ("assistant", "Better.")
    texts = ["Better."] if kept == 0 else ["One.", "Better."]
    assert [answer["text"] for answer in stored] == texts


@pytest.mark.feature("stop")
async def test_aborting_the_agent_stops_the_model(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with serving(model) as served:
        await open_agent(client, served)
        await client.do("run", message=user("Hello"))
        await client.do("until", role="reasoning", text="Hm")
        await client.do("abort")
        await client.do("end")
        for run_id in served.runs.active.in_conversation("local", "thread-1"):
            await served.runs.active.wait(run_id)
        assert model.open_streams == 0
        assert [answer["status"] for answer in await answers(served)] == ["stopped"]


async def test_a_run_that_is_stopped_elsewhere_ends_without_an_error(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with serving(model) as served:
        await open_agent(client, served)
        await client.do("run", message=user("Hello"))
        await client.do("until", role="reasoning", text="Hm")
        (run_id,) = served.runs.active.in_conversation("local", "thread-1")
        await served.post(f"/runs/{run_id}/stop")
        state = await client.do("end")
    assert state["failure"] is None
    assert state["events"][-1]["type"] == "RUN_FINISHED"


@pytest.mark.feature("resume")
async def test_a_request_that_is_repeated_resumes_its_run_from_the_start(
    client: NodeClient,
) -> None:
    more = asyncio.Event()
    model = ScriptedModel([think("Hm"), say("One "), Wait(more), say("two.")])
    options = {"runId": "run-1", "forwardedProps": {"resumable": True}}
    async with serving(model) as served:
        await open_agent(client, served)
        await client.do("run", message=user("Hello"), **options)
        await client.do("until", role="assistant", text="One")
        await client.do("abort")
        await client.do("end")
        await client.do("run", messages=[user("Hello")], **options)
        await client.do("until", role="assistant", text="One")
        more.set()
        state = await client.do("end")
    assert shown(state) == [("user", "Hello"), ("reasoning", "Hm"), ("assistant", "One two.")]
    assert len(model.requests) == 1


@pytest.mark.feature("errors")
async def test_a_run_that_fails_shows_its_message_and_keeps_what_arrived(
    client: NodeClient,
) -> None:
    async with serving(ScriptedModel([think("Hm"), say("Half"), Cut()])) as served:
        await open_agent(client, served)
        state = await ask(client)
    assert state["failure"] == "The stream was cut off."
    assert shown(state)[-1] == ("assistant", "Half")
    assert state["events"][-1]["code"] == "provider_stream_cut"


@pytest.mark.feature("errors")
async def test_a_refused_message_shows_a_sentence(client: NodeClient) -> None:
    async with serving(ScriptedModel()) as served:
        await open_agent(client, served)
        state = await ask(client, forwardedProps={"model": "no/such"})
    assert "404" in state["failure"]
    assert "No model 'no/such' is configured." in state["failure"]


@pytest.mark.feature("history")
async def test_a_new_client_of_a_thread_loads_its_messages_and_goes_on(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm."), say("One.")], [say("Two.")])
    async with serving(model) as served:
        await open_agent(client, served)
        await ask(client)
        await open_agent(client, served)
        await client.do("run")
        loaded = await client.do("end")
        state = await ask(client, "And?")
    assert loaded["failure"] is None
    assert shown(loaded) == [("user", "Hello"), ("reasoning", "Hm."), ("assistant", "One.")]
    assert shown(state) == [*shown(loaded), ("user", "And?"), ("assistant", "Two.")]
    assert len(model.requests[1].turns) == 3
