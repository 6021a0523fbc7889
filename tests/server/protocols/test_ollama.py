"""Ollama's Python library against the server, and the parts of the protocol that it hides."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import ollama
import pytest

from tests.server.api.test_upload import PNG
from tests.server.serving import Json, Served, serving
from thinkaloud import tool
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ReasoningPart, ToolTurn, UserTurn
from thinkaloud.providers.scripted import Cut, Silence, Wait, finish
from thinkaloud.testing import ScriptedModel, call_tool, say, think

MODEL = "lab/m1"
SECRET = "xylophone"
HELLO = {"role": "user", "content": "Hello"}
LOCATE = {
    "type": "function",
    "function": {
        "name": "locate",
        "description": "Where",
        "parameters": {"type": "object", "properties": {}},
    },
}


def scripted(*scripts: Any) -> ScriptedModel:
    return ScriptedModel(*scripts, model_id=MODEL)


@asynccontextmanager
async def client_of(served: Served) -> AsyncGenerator[ollama.AsyncClient]:
    """A client of the library, closed at the end."""
    async with ollama.AsyncClient(host=served.url) as client:
        yield client


async def raw(served: Served, path: str, body: Json) -> tuple[int, str]:
    async with served.session.post(f"{served.url}{path}", json=body) as response:
        return response.status, await response.text()


@tool
def weather(city: str) -> str:
    """Tell the weather."""
    return f"Sunny in {city}"


@pytest.mark.feature("reasoning", "usage")
async def test_a_streamed_answer_has_its_thinking_and_its_counts() -> None:
    usage = Usage(input_tokens=3, output_tokens=5, reasoning_tokens=2)
    text = "Grüß\u2028dich\u0085👋"
    model = scripted([think("Hm\u2028", "m."), say(text, "!"), finish("stop", usage)])
    async with serving(model) as served, client_of(served) as client:
        found = [
            part
            async for part in await client.chat(MODEL, messages=[HELLO], stream=True, think=True)
        ]
    assert "".join(part.message.thinking or "" for part in found) == "Hm\u2028m."
    assert "".join(part.message.content or "" for part in found) == f"{text}!"
    assert [part.done for part in found] == [False] * (len(found) - 1) + [True]
    assert found[-1].done_reason == "stop"
    assert (found[-1].prompt_eval_count, found[-1].eval_count) == (3, 5)
    assert (found[-1].total_duration or 0) >= (found[-1].eval_duration or 0)


@pytest.mark.parametrize("stream", [False, True])
async def test_generate_answers_a_prompt(stream: bool) -> None:
    model = scripted([think("Hm"), say("Yes.")])
    given: dict[str, Any] = {"prompt": "Hello", "system": "Be brief.", "think": True}
    async with serving(model) as served, client_of(served) as client:
        answer = await client.generate(MODEL, stream=stream, **given)
        parts = [part async for part in answer] if stream else [answer]
    assert "".join(part.response for part in parts) == "Yes."
    assert "".join(part.thinking or "" for part in parts) == "Hm"
    assert parts[-1].done
    assert model.requests[0].system == "Be brief."


@pytest.mark.promise("P7")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/api/chat", "/api/generate"])
@pytest.mark.parametrize(
    ("options", "settings"),
    [({}, {}), ({"think": False}, {}), ({"think": True}, {"show_reasoning": "deny"})],
    ids=["not asked", "refused", "policy"],
)
async def test_withheld_reasoning_is_in_no_line(
    stream: bool, path: str, options: Json, settings: Json
) -> None:
    async with serving(scripted([think(SECRET), say("Yes.")]), **settings) as served:
        sent = {"model": MODEL, "messages": [HELLO], "prompt": "Hi", "stream": stream, **options}
        status, text = await raw(served, path, sent)
    assert status == 200
    assert "Yes." in text
    assert SECRET not in text
    assert "thinking" not in text


@pytest.mark.feature("client tools", "tools", "history")
async def test_a_tool_of_the_client_is_called_and_the_next_request_has_its_result() -> None:
    model = scripted(
        [
            think("Where?"),
            call_tool("weather", {"city": "Kiel"}, "c1"),
            call_tool("locate", {"exact": True}, "c2"),
        ],
        [say("In Rome.")],
    )
    async with serving(model, tools=[weather]) as served, client_of(served) as client:
        first = await client.chat(MODEL, messages=[HELLO], tools=[LOCATE])
        (call,) = first.message.tool_calls or ()
        result = {"role": "tool", "tool_name": "locate", "content": "Rome"}
        answer = await client.chat(MODEL, messages=[HELLO, first.message, result], tools=[LOCATE])
        _, listed = await served.get("/conversations")
    assert (call.function.name, call.function.arguments) == ("locate", {"exact": True})
    assert answer.message.content == "In Rome."
    (results,) = [turn for turn in model.requests[1].turns if isinstance(turn, ToolTurn)]
    assert [result.content for result in results.results] == ["Sunny in Kiel", "Rome"]
    (response,) = [turn for turn in model.requests[1].turns if isinstance(turn, AssistantTurn)]
    assert response.parts[0] == ReasoningPart("Where?")
    assert listed["conversations"] == []


async def test_earlier_messages_come_with_the_request() -> None:
    model = scripted([say("Two.")])
    messages = [
        {"role": "system", "content": "Be brief."},
        HELLO,
        {"role": "assistant", "content": "One.", "thinking": SECRET},
        {"role": "user", "content": "And?", "images": [base64.b64encode(PNG).decode()]},
    ]
    async with serving(model) as served, client_of(served) as client:
        await client.chat(MODEL, messages=messages)
    first, second, third = model.requests[0].turns
    assert isinstance(first, UserTurn)
    assert isinstance(second, AssistantTurn)
    assert isinstance(third, UserTurn)
    assert model.requests[0].system == "Be brief."
    assert second.parts == (AnswerPart("One."),)
    assert [base64.b64decode(image.base64) for image in third.images] == [PNG]
    assert SECRET not in repr(model.requests)


async def test_options_and_efforts_are_passed_on() -> None:
    model = scripted([say("{}")], [say("{}")])
    options = {"temperature": 0.5, "num_predict": 7, "stop": ["x"], "seed": 3, "num_ctx": 4096}
    schema = {"type": "object"}
    async with serving(model) as served, client_of(served) as client:
        await client.chat(MODEL, messages=[HELLO], options=options, think="high", format=schema)
        await client.chat(MODEL, messages=[HELLO], think=False, format="json")
    first, second = model.requests
    assert (first.effort, second.effort) == ("high", "none")
    assert (first.options.temperature, first.options.seed) == (0.5, 3)
    assert (first.options.stop, first.max_output_tokens) == (("x",), 7)
    assert first.options.response_format is not None
    assert first.options.response_format.schema == schema
    assert second.options.response_format is not None


@pytest.mark.parametrize("name", [MODEL, f"{MODEL}:latest"])
async def test_models_are_found_with_and_without_a_tag(name: str) -> None:
    async with serving(scripted([say("Yes.")])) as served, client_of(served) as client:
        shown = await client.show(name)
        answer = await client.chat(name, messages=[HELLO])
        listed = await client.list()
        running = await client.ps()
    assert set(shown.capabilities or ()) == {"completion", "tools", "vision", "thinking"}
    assert answer.model == name
    assert [model.model for model in listed.models] == [f"{MODEL}:latest"]
    assert running.models == []


async def test_a_request_without_a_message_only_loads_the_model() -> None:
    model = scripted()
    async with serving(model) as served:
        _, chat = await raw(served, "/api/chat", {"model": MODEL})
        _, generated = await raw(served, "/api/generate", {"model": MODEL, "keep_alive": 0})
    assert json.loads(chat)["done_reason"] == json.loads(generated)["done_reason"] == "load"
    assert model.requests == []


async def test_a_heartbeat_is_a_line_that_the_library_can_read() -> None:
    more = asyncio.Event()
    model = scripted([Wait(more), say("Yes.")])
    async with serving(model, heartbeat_seconds=0.01) as served, client_of(served) as client:
        stream = await client.chat(MODEL, messages=[HELLO], stream=True)
        first = await anext(stream)
        more.set()
        rest = [part async for part in stream]
    assert (first.message.content, first.done) == ("", False)
    assert "".join(part.message.content or "" for part in rest) == "Yes."
    assert rest[-1].done


@pytest.mark.feature("stop")
async def test_hanging_up_while_it_thinks_stops_the_model() -> None:
    model = scripted([think("Hm"), Silence()])
    async with serving(model) as served, client_of(served) as client:
        stream = await client.chat(MODEL, messages=[HELLO], stream=True, think=True)
        async for part in stream:
            if part.message.thinking:
                break
        await stream.aclose()
        while model.open_streams:
            await asyncio.sleep(0)
        _, listed = await served.get("/conversations")
    assert listed["conversations"] == []


@pytest.mark.feature("errors")
async def test_a_failure_in_the_middle_of_a_stream_is_raised_by_the_library() -> None:
    async with serving(scripted([say("Half"), Cut()])) as served, client_of(served) as client:
        stream = await client.chat(MODEL, messages=[HELLO], stream=True)
        first = await anext(stream)
        with pytest.raises(ollama.ResponseError, match=r"The stream was cut off\."):
            await anext(stream)
    assert first.message.content == "Half"


@pytest.mark.feature("errors")
async def test_an_unknown_model_is_a_404_of_the_library() -> None:
    async with serving(scripted()) as served, client_of(served) as client:
        with pytest.raises(ollama.ResponseError, match="No model 'no/such'") as caught:
            await client.chat("no/such", messages=[HELLO])
    assert caught.value.status_code == 404


REFUSED: dict[str, tuple[str, Json, int]] = {
    "no model": ("/api/chat", {"messages": [HELLO]}, 400),
    "wrong messages": ("/api/chat", {"model": MODEL, "messages": "Hello"}, 400),
    "a forged result": (
        "/api/chat",
        {"model": MODEL, "messages": [HELLO, {"role": "tool", "content": "x"}]},
        400,
    ),
    "wrong image": ("/api/generate", {"model": MODEL, "prompt": "a", "images": ["??"]}, 400),
    "wrong effort": ("/api/chat", {"model": MODEL, "messages": [HELLO], "think": "x"}, 400),
    "embeddings": ("/api/embed", {"model": MODEL, "input": "a"}, 404),
    "a download": ("/api/pull", {"model": MODEL}, 404),
    "wrong method": ("/api/tags", {}, 405),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_refused_request_gets_an_error_of_this_protocol(case: str) -> None:
    path, body, status = REFUSED[case]
    async with serving(scripted()) as served:
        found, text = await raw(served, path, body)
    assert found == status, text
    assert list(json.loads(text)) == ["error"]
    assert isinstance(json.loads(text)["error"], str)


async def test_lines_are_ascii() -> None:
    async with serving(scripted([think("\u2028"), say("\u0085👋")])) as served:
        sent = {"model": MODEL, "messages": [HELLO], "think": True}
        _, text = await raw(served, "/api/chat", sent)
    assert text.isascii()
    assert len(text.splitlines()) == 3
