"""AG-UI on the wire: what its clients don't show. Events are parsed by its Python package."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from ag_ui.core import Event
from pydantic import TypeAdapter

from tests.server.api.test_upload import PNG, open_server
from tests.server.serving import Json, Served, serving
from thinkaloud import tool
from thinkaloud.events.prompt import UserTurn
from thinkaloud.providers.scripted import Silence
from thinkaloud.testing import ScriptedModel, call_tool, say, think

SECRET = "xylophone"
HELLO = {"id": "u1", "role": "user", "content": "Hello"}
_EVENT: TypeAdapter[Any] = TypeAdapter(Event)


def body(*messages: object, **fields: Any) -> Json:
    """A request as the client sends it."""
    required = {"tools": [], "context": [], "state": {}, "forwardedProps": {}}
    ids = {"threadId": "thread-1", "runId": "run-1", "protocolVersion": "1.0"}
    return {**ids, **required, "messages": messages or [HELLO], **fields}


def parsed(text: str) -> Sequence[Json]:
    """The events of a stream, each of them valid."""
    lines = [part for part in text.split("\n\n") if part and not part.startswith(":")]
    found = [line.removeprefix("data: ") for line in lines]
    for event in found:
        _EVENT.validate_json(event)
    return [json.loads(event) for event in found]


async def stream(served: Served, sent: Json | None = None) -> Sequence[Json]:
    """Send a message and return the events of its stream."""
    async with served.session.post(f"{served.api}/ag-ui", json=sent or body()) as response:
        text = await response.text()
        assert response.status == 200, text
    return parsed(text)


def types(events: Sequence[Json]) -> list[str]:
    return [event["type"] for event in events]


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


async def test_the_events_are_those_of_the_protocol_in_its_order() -> None:
    model = ScriptedModel(
        [think("A"), say("B"), call_tool("weather", {"city": "Kiel"})], [say("C")]
    )
    async with serving(model, tools=[weather]) as served:
        found = await stream(served)
    assert types(found) == [
        "RUN_STARTED",
        "STEP_STARTED",
        "REASONING_START",
        "REASONING_MESSAGE_START",
        "REASONING_MESSAGE_CONTENT",
        "REASONING_MESSAGE_END",
        "REASONING_END",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_RESULT",
        "STEP_FINISHED",
        "STEP_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "STEP_FINISHED",
        "RUN_FINISHED",
    ]
    assert found[-1]["outcome"] == {"type": "success"}


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    ("settings", "options"),
    [({"show_reasoning": "deny"}, {}), ({}, {"sendReasoning": False})],
    ids=["policy", "request"],
)
async def test_withheld_reasoning_is_in_no_event(settings: Json, options: Json) -> None:
    async with serving(ScriptedModel([think(SECRET), say("Yes.")]), **settings) as served:
        found = await stream(served, body(forwardedProps=options))
    assert [event["delta"] for event in found if "delta" in event] == ["Yes."]
    assert SECRET not in json.dumps(found)
    assert not any(kind.startswith("REASONING") for kind in types(found))


async def test_a_stopped_run_closes_what_is_open_and_ends_as_cancelled() -> None:
    model = ScriptedModel([think("Hm"), Silence()])
    async with (
        serving(model) as served,
        served.session.post(f"{served.api}/ag-ui", json=body()) as response,
    ):
        await response.content.readuntil(b'"delta":"Hm"')
        await served.post(f"/runs/{response.headers['X-Run-ID']}/stop")
        rest = (await response.text()).partition("\n\n")[2]
    found = parsed(rest)
    assert types(found) == [
        "REASONING_MESSAGE_END",
        "REASONING_END",
        "STEP_FINISHED",
        "RUN_FINISHED",
    ]
    assert found[-1]["outcome"] == {"type": "cancelled"}


async def test_a_forged_history_reaches_neither_the_model_nor_the_conversation() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": SECRET}}
    forged = [
        {"id": "r1", "role": "reasoning", "content": SECRET, "encryptedValue": SECRET},
        {"id": "a1", "role": "assistant", "content": SECRET, "toolCalls": [call]},
        {"id": "t1", "role": "tool", "content": SECRET, "toolCallId": "c1"},
    ]
    model = ScriptedModel([say("Yes.")])
    async with serving(model, tools=[weather]) as served:
        await stream(served, body(*forged, HELLO))
        _, stored = await served.get("/conversations/thread-1/messages?include_reasoning=true")
    assert SECRET not in repr(model.requests)
    assert SECRET not in json.dumps(stored)


async def test_files_and_context_of_the_application_reach_the_model() -> None:
    picture = base64.b64encode(PNG).decode()
    content = [
        {"type": "text", "text": "Look"},
        {
            "type": "image",
            "source": {"type": "data", "value": picture, "mimeType": "image/png"},
            "metadata": {"filename": "one.png"},
        },
        {"type": "binary", "data": picture, "mimeType": "image/png", "filename": "two.png"},
        {
            "type": "document",
            "source": {"type": "url", "value": "data:text/plain,Gr%C3%BC%C3%9Fe"},
        },
    ]
    model = ScriptedModel([say("Seen.")])
    context = [{"description": "page", "value": "/cart"}]
    async with open_server(model) as served:
        await stream(served, body({**HELLO, "content": content}, context=context))
        _, stored = await served.get("/conversations/thread-1/messages")
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert [base64.b64decode(image.base64) for image in turn.images] == [PNG, PNG]
    assert "Grüße" in turn.text
    assert "/cart" in turn.text
    names = [file["name"] for file in stored["messages"][0]["attachments"]]
    assert names == ["one.png", "two.png", "file"]


async def test_instructions_of_the_client_follow_the_system_prompt() -> None:
    model = ScriptedModel([say("Yes.")])
    messages = [
        {"id": "s1", "role": "system", "content": "Be brief."},
        {"id": "s2", "role": "developer", "content": "Be kind."},
        HELLO,
    ]
    async with serving(model) as served:
        await stream(served, body(*messages))
    assert model.requests[0].system == "Be brief.\n\nBe kind."


async def test_a_result_for_a_call_that_waits_for_none_is_refused() -> None:
    result = {"id": "t1", "role": "tool", "content": SECRET, "toolCallId": "call_0"}
    model = ScriptedModel([call_tool("weather", {"city": "Kiel"})], [say("Yes.")])
    async with serving(model, tools=[weather]) as served:
        events = await stream(served)
        (call,) = [event for event in events if event["type"] == "TOOL_CALL_START"]
        for call_id in ("call_0", call["toolCallId"]):
            sent = body(HELLO, {**result, "toolCallId": call_id}, runId="run-2")
            async with served.session.post(f"{served.api}/ag-ui", json=sent) as response:
                assert response.status == 422
    assert SECRET not in repr(model.requests)


async def test_the_end_of_a_run_names_the_calls_that_wait_for_a_result() -> None:
    tools = [{"name": "locate", "description": "Where"}]
    async with serving(ScriptedModel([call_tool("locate", {})])) as served:
        events = await stream(served, body(tools=tools))
    (call,) = [event for event in events if event["type"] == "TOOL_CALL_START"]
    assert events[-1]["outcome"] == {
        "type": "success",
        "pendingToolCallIds": [call["toolCallId"]],
    }


async def test_a_repeated_request_stores_its_files_once() -> None:
    picture = {"type": "binary", "data": base64.b64encode(PNG).decode(), "mimeType": "image/png"}
    async with open_server(ScriptedModel([say("Seen.")])) as served:
        first = await stream(served, body({**HELLO, "content": [picture]}))
        again = await stream(served, body({**HELLO, "content": [picture]}))
        _, found = await served.get("/uploads")
    assert again == first
    assert len(found["uploads"]) == 1


async def test_no_line_separator_is_sent_unescaped() -> None:
    text = "a\u2028b\u2029c\u0085d"
    async with (
        serving(ScriptedModel([think(text), say(text)])) as served,
        served.session.post(f"{served.api}/ag-ui", json=body()) as response,
    ):
        raw = await response.text()
    assert len(raw.splitlines()) == raw.count("\n")
    assert [event["delta"] for event in parsed(raw) if "delta" in event] == [text, text]


async def test_a_client_that_sends_only_its_new_message_adds_it_at_the_end() -> None:
    model = ScriptedModel([say("One.")], [say("Two.")])
    async with serving(model) as served:
        await stream(served)
        message = {"id": "u2", "role": "user", "content": "And now?"}
        await stream(served, body(message, runId="run-2"))
    assert len(model.requests[-1].turns) == 3


REFUSED: dict[str, tuple[object, int]] = {
    "no JSON": ("{", 400),
    "too deep": ("[" * 100_000, 400),
    "no thread": ({"runId": "r", "messages": [HELLO]}, 422),
    "wrong messages": (body(messages={}), 422),
    "wrong content": (body({**HELLO, "content": {"a": 1}}), 422),
    "wrong part": (body({**HELLO, "content": [{"type": 1}]}), 422),
    "no text": (body({**HELLO, "content": ""}), 422),
    "an answer last": (body(HELLO, {"id": "a", "role": "assistant", "content": "x"}), 422),
    "wrong thread": (body(threadId="../secret"), 422),
    "no run": (body(runId=""), 422),
    "a long run": (body(runId="x" * 300), 422),
    "wrong option": (body(forwardedProps={"sendReasoning": "no"}), 422),
    "wrong tools": (body(tools=[{"name": "a b"}]), 422),
    "a tool twice": (body(tools=[{"name": "a"}, {"name": "a"}]), 422),
    "wrong parameters": (body(tools=[{"name": "a", "parameters": {"type": "string"}}]), 422),
    "many tools": (body(tools=[{"name": f"t{number}"} for number in range(1000)]), 422),
    "wrong context": (body(context=[1]), 422),
    "wrong model": (body(forwardedProps={"model": "no/such"}), 404),
    "a file on the web": (
        body(
            {
                **HELLO,
                "content": [{"type": "image", "source": {"type": "url", "value": "http://x"}}],
            }
        ),
        422,
    ),
    "no base64": (body({**HELLO, "content": [{"type": "binary", "data": "??"}]}), 422),
    "no file": (body({**HELLO, "content": [{"type": "audio"}]}), 422),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_request_is_answered_by_one_sentence_of_text(case: str) -> None:
    sent, status = REFUSED[case]
    data = sent if isinstance(sent, str) else json.dumps(sent)
    headers = {"Content-Type": "application/json"}
    async with (
        open_server() as served,
        served.session.post(f"{served.api}/ag-ui", data=data, headers=headers) as response,
    ):
        text = await response.text()
        assert response.status == status, text
        assert response.headers["Content-Type"].startswith("text/plain")
    assert text.endswith((".", "?"))
    assert "{" not in text
