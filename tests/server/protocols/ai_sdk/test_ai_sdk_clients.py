"""The AI SDK's own chat, versions 6 and 7, against the server."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.clients.node import NodeClient
from tests.server.serving import Json, Served, serving
from thinkaloud import tool
from thinkaloud.events.prompt import ToolTurn
from thinkaloud.providers.scripted import Cut, Silence, Wait
from thinkaloud.testing import ScriptedModel, call_tool, say, think

VERSIONS = ["6", "7"]


@pytest.fixture(scope="module", params=VERSIONS)
def client(request: pytest.FixtureRequest) -> Iterator[NodeClient]:
    """A chat, in a process for all tests of this module."""
    client = NodeClient("ai-sdk.mjs", request.param)
    yield client
    client.close()


async def open_chat(client: NodeClient, served: Served, **options: Any) -> None:
    await client.do("open", api=f"{served.api}/ai-sdk/chat", id="chat-1", **options)


async def ask(client: NodeClient, text: str = "Hello", **message: Any) -> Json:
    await client.do("send", message={"text": text, **message})
    state: Json = await client.do("end")
    return state


def parts(state: Json, *, message: int = -1) -> list[Json]:
    """The parts of a message, without the boundaries of steps and what a part is decorated with."""
    found: Sequence[Json] = state["messages"][message]["parts"]
    names = ("type", "text", "state", "toolName", "input", "output", "errorText")
    return [
        {name: part[name] for name in names if part.get(name) is not None}
        for part in found
        if part["type"] != "step-start"
    ]


async def answers(served: Served) -> list[Json]:
    """The answers of the stored conversation."""
    _, found = await served.get("/conversations/chat-1/messages")
    return [message for message in found["messages"] if message["role"] == "assistant"]


def texts(state: Json, kind: str = "text") -> str:
    return "".join(part["text"] for part in parts(state) if part["type"] == kind)


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    if city == "Atlantis":
        raise ValueError("no such city")
    return f"Sunny in {city}"


@pytest.mark.feature("reasoning", "usage")
async def test_an_answer_arrives_with_its_reasoning_and_what_the_run_took(
    client: NodeClient,
) -> None:
    async with serving(ScriptedModel([think("Hm\u2028", "m."), say("Grüß ", "dich 👋")])) as served:
        await open_chat(client, served)
        state = await ask(client)
    assert state["status"] == "ready"
    assert parts(state) == [
        {"type": "reasoning", "text": "Hm\u2028m.", "state": "done"},
        {"type": "text", "text": "Grüß dich 👋", "state": "done"},
    ]
    metadata = state["messages"][-1]["metadata"]
    assert metadata["conversationId"] == "chat-1"
    assert metadata["runId"] == state["messages"][-1]["id"]
    assert metadata["status"] == "completed"
    assert metadata["timing"]["reasoningMs"] >= 0


@pytest.mark.feature("reasoning")
async def test_reasoning_is_shown_while_it_streams(client: NodeClient) -> None:
    more = asyncio.Event()
    async with serving(ScriptedModel([think("Hm"), Wait(more), say("Yes.")])) as served:
        await open_chat(client, served)
        await client.do("send", message={"text": "Hello"})
        state = await client.do("until", type="reasoning", text="Hm")
        more.set()
        done = await client.do("end")
    assert parts(state) == [{"type": "reasoning", "text": "Hm", "state": "streaming"}]
    assert texts(done) == "Yes."


@pytest.mark.feature("tools")
async def test_a_tool_of_the_server_is_shown_and_the_client_does_not_run_it(
    client: NodeClient,
) -> None:
    model = ScriptedModel(
        [think("Look."), call_tool("weather", {"city": "Kiel"})],
        [call_tool("weather", {"city": "Atlantis"}, "call_1")],
        [say("Sunny.")],
    )
    async with serving(model, tools=[weather]) as served:
        await open_chat(client, served, answers={"weather": "from the client"})
        state = await ask(client)
    tools = [part for part in parts(state) if part["type"] == "dynamic-tool"]
    assert [part["state"] for part in tools] == ["output-available", "output-error"]
    assert tools[0]["input"] == {"city": "Kiel"}
    assert tools[0]["output"] == "Sunny in Kiel"
    assert "no such city" in tools[1]["errorText"]
    assert state["toolCalls"] == []
    assert texts(state).strip() == "Sunny."
    assert len(model.requests) == 3


LOCATE = {"description": "Where the user is", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    "tools",
    [{"locate": LOCATE}, [{"name": "locate", **LOCATE}]],
    ids=["by name", "as a list"],
)
@pytest.mark.feature("client tools")
async def test_a_tool_of_the_client_runs_there_and_the_answer_continues_with_its_result(
    client: NodeClient, tools: object
) -> None:
    model = ScriptedModel(
        [
            think("Where?"),
            call_tool("weather", {"city": "Kiel"}, "c1"),
            call_tool("locate", {"exact": True}, "c2"),
        ],
        [think("So."), say("In Rome.")],
        [say("Bye.")],
    )
    async with serving(model, tools=[weather]) as served:
        await open_chat(client, served, answers={"locate": {"city": "Rome"}}, body={"tools": tools})
        state = await ask(client)
        after = await ask(client, "Thanks")
        stored = await answers(served)
    assert [message["role"] for message in state["messages"]] == ["user", "assistant"]
    assert [call["toolName"] for call in state["toolCalls"]] == ["locate"]
    assert [part["type"] for part in parts(state)] == [
        "reasoning",
        "tool-locate",
        "dynamic-tool",
        "reasoning",
        "text",
    ]
    assert texts(state) == "In Rome."
    (results,) = [turn for turn in model.requests[1].turns if isinstance(turn, ToolTurn)]
    assert [result.content for result in results.results] == ["Sunny in Kiel", '{"city":"Rome"}']
    assert texts(after) == "Bye."
    assert [answer["text"] for answer in stored] == ["", "In Rome.", "Bye."]


async def test_a_message_after_an_answer_with_a_tool_of_the_client_can_be_edited(
    client: NodeClient,
) -> None:
    model = ScriptedModel(
        [call_tool("locate", {})], [say("In Rome.")], [say("Bye.")], [say("Better.")]
    )
    async with serving(model) as served:
        tools = {"locate": LOCATE}
        await open_chat(client, served, answers={"locate": "Rome"}, body={"tools": tools})
        await ask(client)
        state = await ask(client, "Thanks")
        await ask(client, "Thank you", messageId=state["messages"][2]["id"])
        stored = await answers(served)
    assert [answer["text"] for answer in stored] == ["", "In Rome.", "Better."]


@pytest.mark.feature("history")
async def test_the_next_message_continues_the_stored_conversation(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm."), say("One.")], [say("Two.")])
    async with serving(model) as served:
        await open_chat(client, served)
        await ask(client, "First")
        state = await ask(client, "Second")
        stored = await answers(served)
    assert [message["role"] for message in state["messages"]] == ["user", "assistant"] * 2
    assert texts(state) == "Two."
    assert len(model.requests[-1].turns) == 3
    assert [answer["text"] for answer in stored] == ["One.", "Two."]


@pytest.mark.feature("edit")
async def test_regenerating_an_answer_replaces_it(client: NodeClient) -> None:
    model = ScriptedModel([say("One.")], [say("Two.")], [say("Better.")])
    async with serving(model) as served:
        await open_chat(client, served)
        first = await ask(client, "First")
        await ask(client, "Second")
        await client.do("regenerate", messageId=first["messages"][-1]["id"])
        state = await client.do("end")
        stored = await answers(served)
    assert [message["role"] for message in state["messages"]] == ["user", "assistant"]
    assert texts(state) == "Better."
    assert [answer["text"] for answer in stored] == ["Better."]
    assert len(model.requests[-1].turns) == 1


@pytest.mark.feature("edit")
async def test_an_edited_message_replaces_it_and_what_followed(client: NodeClient) -> None:
    model = ScriptedModel([say("One.")], [say("Two.")], [say("Three.")])
    async with serving(model) as served:
        await open_chat(client, served)
        await ask(client, "First")
        state = await ask(client, "Second")
        state = await ask(client, "Third", messageId=state["messages"][2]["id"])
        stored = await answers(served)
    assert texts(state) == "Three."
    assert [answer["text"] for answer in stored] == ["One.", "Three."]


@pytest.mark.feature("stop")
async def test_stopping_the_chat_stops_the_model(client: NodeClient) -> None:
    model = ScriptedModel([think("Hm"), Silence()], [say("Yes.")])
    async with serving(model) as served:
        await open_chat(client, served)
        await client.do("send", message={"text": "Hello"})
        await client.do("until", type="reasoning", text="Hm")
        state = await client.do("stop")
        for run_id in served.runs.active.in_conversation("local", "chat-1"):
            await served.runs.active.wait(run_id)
        assert model.open_streams == 0
        assert state["status"] == "ready"
        stored = await answers(served)
        assert [answer["status"] for answer in stored] == ["stopped"]


@pytest.mark.feature("resume")
async def test_a_reloaded_page_resumes_the_answer_from_its_start(client: NodeClient) -> None:
    more = asyncio.Event()
    model = ScriptedModel([think("Hm"), say("One "), Wait(more), say("two.")])
    async with serving(model) as served:
        await open_chat(client, served, body={"resumable": True})
        await client.do("send", message={"text": "Hello"})
        before = await client.do("until", type="text", text="One")
        await client.do("stop")
        await open_chat(client, served, messages=before["messages"])
        await client.do("resume")
        await client.do("until", type="text", text="One")
        more.set()
        state = await client.do("end")
        again = await served.session.get(f"{served.api}/ai-sdk/chat/chat-1/stream")
    assert [message["role"] for message in state["messages"]] == ["user", "assistant"]
    assert state["messages"][-1]["id"] == before["messages"][-1]["id"]
    assert parts(state) == [
        {"type": "reasoning", "text": "Hm", "state": "done"},
        {"type": "text", "text": "One two.", "state": "done"},
    ]
    assert again.status == 204


@pytest.mark.promise("P8")
async def test_a_reloaded_page_shows_the_stored_messages_as_they_were_streamed(
    client: NodeClient,
) -> None:
    model = ScriptedModel(
        [
            think("A", part=0),
            think("B", part=1),
            call_tool("weather", {"city": "Kiel"}, "c1"),
            call_tool("locate", {}, "c2"),
        ],
        [think("So."), call_tool("weather", {"city": "Atlantis"}, "c1")],
        [say("In Rome.")],
        [say("Half"), Cut()],
    )
    async with serving(model, tools=[weather]) as served:
        tools = {"locate": LOCATE}
        given = {"locate": {"city": "Rome"}}
        await open_chat(client, served, answers=given, body={"tools": tools})
        await ask(client)
        streamed = await ask(client, "Thanks")
        _, messages = await served.get("/ai-sdk/chat/chat-1")
        await open_chat(client, served, messages=messages)
        loaded = await client.do("end")
    assert len(loaded["messages"]) == 4
    for message in range(4):
        assert parts(loaded, message=message) == parts(streamed, message=message)
    for message in (1, 3):
        for field in ("id", "metadata"):
            assert loaded["messages"][message][field] == streamed["messages"][message][field]


async def test_resuming_an_idle_chat_does_nothing(client: NodeClient) -> None:
    async with serving(ScriptedModel()) as served:
        await open_chat(client, served)
        await client.do("resume")
        state = await client.do("end")
    assert state["status"] == "ready"
    assert state["messages"] == []


@pytest.mark.feature("errors")
async def test_a_run_that_fails_shows_its_message_and_keeps_what_arrived(
    client: NodeClient,
) -> None:
    async with serving(ScriptedModel([think("Hm"), say("Half"), Cut()])) as served:
        await open_chat(client, served)
        state = await ask(client)
    assert state["status"] == "error"
    assert state["error"] == "The stream was cut off."
    assert texts(state) == "Half"
    assert state["messages"][-1]["metadata"]["error"]["code"] == "provider_stream_cut"


@pytest.mark.feature("errors")
async def test_a_refused_message_shows_a_sentence(client: NodeClient) -> None:
    async with serving(ScriptedModel([say("Yes.")])) as served:
        await open_chat(client, served, body={"model": "no/such"})
        state = await ask(client)
    assert state["status"] == "error"
    assert state["error"].startswith("No model 'no/such' is configured.")
