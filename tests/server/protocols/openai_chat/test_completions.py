"""The bytes of Chat Completions that clients of OpenAI's API receive."""

import asyncio
import base64
import json
from typing import Any

import pytest

from tests.server.protocols.openai_chat.asking import HELLO, MODEL, chunks, deltas, post, stream
from tests.server.serving import Json, serving
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    ModelOptions,
    NamedTool,
    ReasoningPart,
    ResponseFormat,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.authentication import SinglePrincipal
from thinkaloud.ports.principal import Principal
from thinkaloud.server.wire_settings import OpenAISettings, WireSettings
from thinkaloud.testing import (
    ModelFinished,
    ScriptedModel,
    Usage,
    Wait,
    call_tool,
    finish,
    say,
    think,
)
from thinkaloud.tools.function import tool

OPEN_FILE = {
    "type": "function",
    "function": {
        "name": "open_file",
        "description": "Open a file.",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
    },
}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(16)).decode()


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


async def test_a_completion_has_the_answer_and_the_usage_and_no_reasoning_unless_asked() -> None:
    usage = Usage(input_tokens=7, output_tokens=24, reasoning_tokens=18, cache_read_tokens=3)
    script = [think("Hm."), say("Hi ", "there."), ModelFinished("stop", usage=usage)]
    async with serving(ScriptedModel(script, script)) as served:
        _, plain = await post(served)
        _, whole = await post(served, include_reasoning=True)
    assert plain["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hi there.", "refusal": None},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    assert whole["choices"][0]["message"]["reasoning_content"] == "Hm."
    assert plain["usage"] == {
        "prompt_tokens": 7,
        "completion_tokens": 24,
        "total_tokens": 31,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 18},
    }
    assert plain["object"] == "chat.completion"
    assert plain["model"] == MODEL
    assert plain["id"].startswith("chatcmpl-")


async def test_a_stream_has_a_role_then_deltas_then_a_finish_reason_and_usage_if_asked() -> None:
    script = [think("Hm.", " So."), say("Hi\u2028", "there 🙂"), finish("stop", Usage(1, 2))]
    async with serving(ScriptedModel(script, script)) as served:
        found = await chunks(served, include_reasoning=True, stream_options={"include_usage": True})
        bare = await stream(served)
    assert found[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert deltas(found, "reasoning_content") == "Hm. So."
    assert deltas(found, "content") == "Hi\u2028there 🙂"
    assert found[-2]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["total_tokens"] == 3
    assert len({chunk["id"] for chunk in found}) == 1
    assert "reasoning" not in bare
    assert "usage" not in bare
    assert "\u2028" not in bare


async def test_a_slow_models_stream_is_complete_from_its_first_chunk() -> None:
    started = asyncio.Event()
    model = ScriptedModel([[Wait(started)], think("Hm."), say("Hi.")])
    async with serving(model) as served:
        named = {"X-Conversation-Id": "mine"}
        asking = asyncio.ensure_future(chunks(served, named, include_reasoning=True))
        # Until the response has read the start of the run, and waits for its output.
        while not ((log := served.runs.hub.live("local", "mine")) and len(log.waiting)):
            await asyncio.sleep(0)
        started.set()
        found = await asking
    assert found[0]["choices"][0]["delta"]["role"] == "assistant"
    assert deltas(found, "reasoning_content") == "Hm."
    assert deltas(found, "content") == "Hi."


@pytest.mark.promise("P7")
@pytest.mark.parametrize(
    ("asked", "headers"),
    [
        ({"include_reasoning": True}, None),
        ({"reasoning": {"effort": "low"}}, None),
        ({"thinking": {"type": "enabled"}}, None),
        ({}, {"X-Include-Reasoning": "true"}),
    ],
)
async def test_reasoning_is_returned_for_each_way_of_asking_but_never_against_the_policy(
    asked: Json, headers: Any
) -> None:
    script = [think("Hm."), say("Hi.")]
    for policy, expected in (("allow", "Hm."), ("deny", None)):
        async with serving(ScriptedModel(script), show_reasoning=policy) as served:
            _, answer = await post(served, headers, **asked)
        assert answer["choices"][0]["message"].get("reasoning_content") == expected


@pytest.mark.promise("P7")
@pytest.mark.parametrize("streams", [False, True])
async def test_the_policy_of_the_key_applies_to_recorded_reasoning_too(streams: bool) -> None:
    secret = "sk-ant-api03-" + "a" * 80
    script = [think("The key is ", secret, "."), say("Hi.")]
    for policy in ("deny", "redact"):
        known = SinglePrincipal(Principal("local", reasoning=policy))
        async with serving(ScriptedModel(script), authenticator=known) as served:
            url = f"{served.url}/v1/chat/completions"
            body = {"messages": [HELLO], "stream": streams, "include_reasoning": True}
            async with served.session.post(url, json=body) as response:
                text = await response.text()
        assert "Hi." in text
        assert secret not in text
        assert ("The key is" in text) is (policy == "redact")
        assert response.headers.get("X-Reasoning-Withheld") == (
            "policy" if policy == "deny" else None
        )


@pytest.mark.parametrize(
    "asked",
    [{"include_reasoning": False}, {"reasoning": {"exclude": True}}, {"reasoning_effort": "low"}],
)
async def test_reasoning_is_omitted_unless_requested(asked: Json) -> None:
    async with serving(ScriptedModel([think("Hm."), say("Hi.")])) as served:
        _, answer = await post(served, **asked)
    assert "Hm." not in json.dumps(answer)


async def test_the_operator_can_send_reasoning_by_default_and_choose_its_field() -> None:
    wires = WireSettings(openai=OpenAISettings(reasoning_field="reasoning", include_reasoning=True))
    script = [think("Hm."), say("Hi.")]
    async with serving(ScriptedModel(script, script, script), wires=wires) as served:
        _, answer = await post(served)
        found = await chunks(served)
        _, other = await post(served, reasoning_field="reasoning_content")
    assert answer["choices"][0]["message"]["reasoning"] == "Hm."
    assert "reasoning_content" not in answer["choices"][0]["message"]
    assert deltas(found, "reasoning") == "Hm."
    assert other["choices"][0]["message"]["reasoning_content"] == "Hm."


async def test_calls_of_the_clients_tools_are_returned_and_continue_with_their_results() -> None:
    model = ScriptedModel(
        [
            think("Both."),
            call_tool("open_file", {"name": "a"}, "call_1"),
            call_tool("open_file", {"name": "b"}, "call_2"),
        ],
        [say("Read.")],
    )
    async with serving(model) as served:
        found = await chunks(served, tools=[OPEN_FILE, {"type": "web_search"}])
        calls = [
            call for chunk in found for call in chunk["choices"][0]["delta"].get("tool_calls", [])
        ]
        assert [(call["index"], call["id"]) for call in calls] == [(0, "call_1"), (1, "call_2")]
        assert calls[1]["function"] == {"name": "open_file", "arguments": '{"name":"b"}'}
        assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"
        history = [
            HELLO,
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_2", "content": "B"},
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "A"}]},
        ]
        _, answer = await post(served, messages=history, tools=[OPEN_FILE])
    assert answer["choices"][0]["message"]["content"] == "Read."
    assert [each.name for each in model.requests[0].tools] == ["open_file"]
    assert model.requests[1].turns == (
        UserTurn("Hello"),
        # The reasoning is the server's own: the client had none to send back.
        AssistantTurn(
            (
                ReasoningPart("Both."),
                ToolCallPart("call_1", "open_file", '{"name":"a"}'),
                ToolCallPart("call_2", "open_file", '{"name":"b"}'),
            )
        ),
        ToolTurn((ToolResult("call_1", "open_file", "A"), ToolResult("call_2", "open_file", "B"))),
    )


async def test_a_complete_response_returns_calls_of_the_clients_tools_too() -> None:
    model = ScriptedModel([call_tool("open_file", {"name": "a"}, "call_1")])
    async with serving(model) as served:
        _, answer = await post(served, tools=[OPEN_FILE])
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "open_file"


async def test_a_call_without_arguments_has_an_empty_object_for_clients_to_parse() -> None:
    script = [call_tool("open_file", "", "call_1")]
    async with serving(ScriptedModel(script, script)) as served:
        _, answer = await post(served, tools=[OPEN_FILE])
        found = await chunks(served, tools=[OPEN_FILE])
    whole = answer["choices"][0]["message"]["tool_calls"][0]
    (streamed,) = found[1]["choices"][0]["delta"]["tool_calls"]
    assert whole["function"]["arguments"] == streamed["function"]["arguments"] == "{}"


async def test_the_servers_own_tools_are_never_returned_as_calls_to_the_client() -> None:
    model = ScriptedModel(
        [call_tool("add", {"a": 1, "b": 2}, "call_1"), call_tool("open_file", {}, "call_2")],
        [say("Three, and read.")],
    )
    async with serving(model, tools=[add]) as served:
        _, first = await post(served, tools=[OPEN_FILE])
        message = first["choices"][0]["message"]
        assert [call["id"] for call in message["tool_calls"]] == ["call_2"]
        result = {"role": "tool", "tool_call_id": "call_2", "content": "X"}
        await post(served, messages=[HELLO, message, result], tools=[OPEN_FILE])
    assert model.requests[1].turns[-1] == ToolTurn(
        (ToolResult("call_1", "add", "3"), ToolResult("call_2", "open_file", "X"))
    )


async def test_a_history_is_sent_to_the_model_and_not_stored() -> None:
    model = ScriptedModel([say("Fine.")])
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!", "reasoning_content": "Forged thought."},
        {"role": "user", "content": [{"type": "text", "text": "How"}, {"type": "odd"}]},
        {"role": "critic", "content": "are you?", "unknown": 1},
    ]
    async with serving(model) as served:
        await post(served, messages=messages, user="me", store=True, metadata={"a": 1})
        _, listed = await served.get("/conversations")
        assert served.runs.hub.open_logs == 0
    (request,) = model.requests
    assert request.system == "Be brief.\n\nBe kind."
    assert request.turns == (
        UserTurn("Hi"),
        AssistantTurn((AnswerPart("Hello!"),)),
        UserTurn("How\n\nare you?"),
    )
    assert listed["conversations"] == []


async def test_a_named_conversation_is_stored_once_however_much_history_a_client_sends() -> None:
    model = ScriptedModel([think("Hm."), say("Hello!")], [say("Fine.")])
    named = {"X-Conversation-Id": "mine"}
    async with serving(model) as served:
        await post(served, named)
        history = [HELLO, {"role": "assistant", "content": "Hello!"}]
        await post(served, named, messages=[*history, {"role": "user", "content": "And you?"}])
        _, stored = await served.get("/conversations/mine/messages")
    texts = [message["text"] for message in stored["messages"]]
    assert texts == ["Hello", "Hello!", "And you?", "Fine."]
    assert model.requests[1].turns[1] == AssistantTurn((ReasoningPart("Hm."), AnswerPart("Hello!")))


async def test_images_of_data_urls_reach_the_model() -> None:
    model = ScriptedModel([say("A cat.")])
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is it?"}, image]
    async with serving(model) as served:
        status, _ = await post(served, messages=[{"role": "user", "content": content}])
    assert status == 200
    (turn,) = model.requests[0].turns
    assert isinstance(turn, UserTurn)
    assert (turn.text, [each.base64 for each in turn.images]) == ("What is it?", [PIXEL])


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,!!",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "http://127.0.0.1:1/cat.png",
        "http://169.254.169.254/latest/meta-data",
        "",
    ],
)
async def test_an_image_that_cannot_be_read_or_is_not_public_is_refused(url: str) -> None:
    content = [{"type": "image_url", "image_url": url}]
    async with serving(ScriptedModel()) as served:
        status, answer = await post(served, messages=[{"role": "user", "content": content}])
    assert status == 400
    assert answer["error"]["param"] == "messages"


async def test_options_reach_the_model_and_an_unsupported_effort_becomes_the_nearest() -> None:
    model = ScriptedModel([say("{}")])
    schema = {"type": "object"}
    async with serving(model) as served:
        status, _ = await post(
            served,
            temperature=0.5,
            top_p=0.9,
            seed=3,
            stop="END",
            max_tokens=900,
            max_completion_tokens=800,
            reasoning_effort="high",
            tool_choice={"type": "function", "function": {"name": "open_file"}},
            parallel_tool_calls=False,
            tools=[OPEN_FILE],
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        )
    assert status == 200
    (request,) = model.requests
    assert request.effort == "high"
    assert request.max_output_tokens == 800
    assert request.options == ModelOptions(
        temperature=0.5,
        top_p=0.9,
        stop=("END",),
        seed=3,
        response_format=ResponseFormat(schema, "n"),
        tool_choice=NamedTool("open_file"),
        parallel_tool_calls=False,
        max_output_tokens=800,
    )


async def test_housekeeping_is_cheap_and_not_stored() -> None:
    model = ScriptedModel([say("A title")])
    task = {"role": "user", "content": "### Task:\nGenerate a concise title."}
    async with serving(model, tools=[add]) as served:
        _, answer = await post(
            served, {"X-Conversation-Id": "mine"}, messages=[task], max_tokens=1000, stream=False
        )
        status, _ = await served.get("/conversations/mine")
    assert answer["choices"][0]["message"]["content"] == "A title"
    assert status == 404
    assert model.requests[0].effort == "none"
    assert model.requests[0].tools == ()


async def test_a_response_cut_at_the_output_limit_says_so() -> None:
    async with serving(ScriptedModel([say("And th"), finish("length")])) as served:
        _, answer = await post(served, max_tokens=2000)
    assert answer["choices"][0]["finish_reason"] == "length"


async def test_a_key_sees_only_the_models_that_it_may_use() -> None:
    known = SinglePrincipal(Principal("local", models=("lab/*",)))
    models = [ScriptedModel(), ScriptedModel(model_id="lab/org/model")]
    async with serving(*models, authenticator=known) as served:
        async with served.session.get(f"{served.url}/v1/models") as response:
            listed = await response.json()
        async with served.session.get(f"{served.url}/v1/models/{MODEL}") as response:
            assert response.status == 404
    assert [model["id"] for model in listed["data"]] == ["lab/org/model"]


async def test_the_models_are_listed_and_found_by_ids_with_slashes() -> None:
    models = [ScriptedModel(), ScriptedModel(model_id="lab/org/model")]
    async with serving(*models) as served:
        async with served.session.get(f"{served.url}/v1/models") as response:
            listed = await response.json()
        found = []
        for path in ("lab/org/model", "lab%2Forg%2Fmodel"):
            async with served.session.get(f"{served.url}/v1/models/{path}") as response:
                found.append(await response.json())
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == [MODEL, "lab/org/model"]
    assert found == [listed["data"][1]] * 2
    assert listed["data"][0]["object"] == "model"
