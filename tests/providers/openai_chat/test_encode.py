import json
from typing import Any

import msgspec
import pytest

from tests.providers.openai_chat.streams import delta, play, stream, target
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Image,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolResult,
    ToolSchema,
    ToolTurn,
    UserTurn,
)
from thinkaloud.providers.dialects.openai_chat import bind
from thinkaloud.providers.target import Family, Target


def sent(request: ModelRequest, **quirks: object) -> dict[str, Any]:
    return json.loads(bind(target(**quirks)).encode(request).body)


def asked(effort: Any, wire: dict[str, object]) -> dict[str, Any]:
    """The members of the body beside those of every request."""
    body = sent(ModelRequest(model="m", turns=(UserTurn("q"),), effort=effort), effort=wire)
    return {
        k: v for k, v in body.items() if k not in ("model", "messages", "stream", "stream_options")
    }


def test_a_request_is_encoded_completely():
    request = ModelRequest(
        model="m",
        system="Be brief.",
        turns=(UserTurn("What is it?", images=(Image("image/png", "aGk="),)),),
        tools=(ToolSchema("f", "Does f.", {"type": "object", "properties": {}}),),
        effort="high",
        max_output_tokens=100,
        conversation_id="c1",
    )
    http = bind(target()).encode(request)
    assert http.path == "/chat/completions"
    assert json.loads(http.body) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is it?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
                ],
            },
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "Does f.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "max_tokens": 100,
        "reasoning_effort": "high",
    }


def test_differences_between_hosts_are_data():
    request = ModelRequest(
        model="m", system="s", turns=(UserTurn("q"),), max_output_tokens=9, conversation_id="c1"
    )
    http = bind(
        target(
            system_role="developer",
            max_tokens_field="max_completion_tokens",
            stream_usage=False,
            extra={"store": False},
            conversation_field="prompt_cache_key",
            conversation_header="x-conv",
            path="/other",
        )
    ).encode(request)
    assert (http.path, http.headers["x-conv"]) == ("/other", "c1")
    assert json.loads(http.body) == {
        "model": "m",
        "messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "q"}],
        "stream": True,
        "max_completion_tokens": 9,
        "prompt_cache_key": "c1",
        "store": False,
    }


ENABLED, DISABLED = {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}
DEEPSEEK = {"on": ENABLED, "off": DISABLED, "levels": {"minimal": "low", "xhigh": "high"}}
OPENROUTER = {"level_field": "reasoning.effort", "budget_field": "reasoning.max_tokens"}
KIMI = {"level_field": None, "on": ENABLED, "off": DISABLED}
QWEN = {
    "level_field": None,
    "budget_field": "thinking_budget",
    "on": {"enable_thinking": True},
    "off": {"enable_thinking": False},
}
VLLM = {
    "on": {"chat_template_kwargs": {"enable_thinking": True}},
    "off": {"chat_template_kwargs": {"enable_thinking": False}},
}
GOOGLE = {
    "level_field": "extra_body.google.thinking_config.thinking_level",
    "budget_field": "extra_body.google.thinking_config.thinking_budget",
    "shown": {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}},
    "levels": {"none": 0},
}
GROQ = {"shown": {"reasoning_format": "parsed"}}
MISTRAL = {"levels": {"low": "high", "medium": "high"}}
MAGISTRAL = {"level_field": None, "shown": {"prompt_mode": "reasoning"}}


def google(**config: object) -> dict[str, object]:
    return {"extra_body": {"google": {"thinking_config": config}}}


@pytest.mark.promise("P15")
@pytest.mark.parametrize(
    ("wire", "effort", "members"),
    [
        ({}, None, {}),
        ({}, "low", {"reasoning_effort": "low"}),
        ({}, "none", {"reasoning_effort": "none"}),
        ({"level_field": None}, "high", {}),
        (DEEPSEEK, None, {}),
        (DEEPSEEK, "none", DISABLED),
        (DEEPSEEK, "xhigh", {**ENABLED, "reasoning_effort": "high"}),
        (OPENROUTER, "none", {"reasoning": {"effort": "none"}}),
        (OPENROUTER, "max", {"reasoning": {"effort": "max"}}),
        (OPENROUTER, 2000, {"reasoning": {"max_tokens": 2000}}),
        (KIMI, "none", DISABLED),
        (KIMI, "high", ENABLED),
        (QWEN, "none", {"enable_thinking": False}),
        (QWEN, "high", {"enable_thinking": True}),
        (QWEN, 4096, {"enable_thinking": True, "thinking_budget": 4096}),
        (VLLM, "none", {"chat_template_kwargs": {"enable_thinking": False}}),
        (
            VLLM,
            "low",
            {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "low"},
        ),
        (GOOGLE, None, google(include_thoughts=True)),
        (GOOGLE, "none", google(thinking_budget=0)),
        (GOOGLE, "low", google(include_thoughts=True, thinking_level="low")),
        (GOOGLE, 512, google(include_thoughts=True, thinking_budget=512)),
        (GROQ, None, {"reasoning_format": "parsed"}),
        (GROQ, "low", {"reasoning_format": "parsed", "reasoning_effort": "low"}),
        (GROQ, "none", {"reasoning_effort": "none"}),
        (MISTRAL, "medium", {"reasoning_effort": "high"}),
        (MAGISTRAL, None, {"prompt_mode": "reasoning"}),
        (
            {"off": {"venice_parameters": {"disable_thinking": True}}},
            "none",
            {"venice_parameters": {"disable_thinking": True}},
        ),
    ],
)
def test_effort_is_encoded_as_the_api_requires(wire, effort, members):
    assert asked(effort, wire) == members


def test_constant_fields_are_merged_with_those_of_the_effort():
    members = sent(
        ModelRequest(model="m", turns=(UserTurn("q"),), effort="high"),
        effort={"level_field": None, "on": ENABLED},
        extra={"thinking": {"clear_thinking": False}},
    )
    assert members["thinking"] == {"type": "enabled", "clear_thinking": False}
    again = bind(target(extra={"a": {"b": 1}}))
    request = ModelRequest(model="m", turns=(UserTurn("q"),))
    assert again.encode(request) == again.encode(request)


def test_a_budget_is_refused_if_the_api_has_none():
    with pytest.raises(InvalidRequest) as caught:
        sent(ModelRequest(model="m", turns=(UserTurn("q"),), effort=100))
    assert caught.value.field == "reasoning_effort"


def test_a_picture_is_refused_if_the_api_accepts_none():
    turn = UserTurn("q", images=(Image("image/png", "aGk="),))
    with pytest.raises(InvalidRequest) as caught:
        sent(ModelRequest(model="m", turns=(turn,)), images=False)
    assert caught.value.field == "image_path"


CALL = ToolCallPart("c1", "f", '{"a":1}')
WIRE_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
FIRST = AssistantTurn((ReasoningPart("before"), AnswerPart("Hello")))
LOOP = AssistantTurn((ReasoningPart("one"), AnswerPart("Wait."), ReasoningPart("two"), CALL))
LAST = AssistantTurn((AnswerPart("Done"),))
TURNS = (
    UserTurn("a"),
    FIRST,
    UserTurn("b"),
    LOOP,
    ToolTurn((ToolResult("c1", "f", "42"),)),
    LAST,
    UserTurn("c"),
)


def assistants(**quirks: object) -> list[dict[str, Any]]:
    body = sent(ModelRequest(model="m", turns=TURNS), **quirks)
    assert body["messages"][4] == {"role": "tool", "tool_call_id": "c1", "content": "42"}
    return [message for message in body["messages"] if message["role"] == "assistant"]


def test_foreign_reasoning_is_not_sent_by_default():
    assert assistants() == [
        {"role": "assistant", "content": "Hello"},
        {"role": "assistant", "content": "Wait.", "tool_calls": [WIRE_CALL]},
        {"role": "assistant", "content": "Done"},
    ]


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    ("rendered", "fields"),
    [
        ("never", [None, None, None]),
        ("tool_calls", [None, "one\n\ntwo", None]),
        ("since_tools", [None, "one\n\ntwo", ""]),
        ("all", ["before", "one\n\ntwo", ""]),
    ],
)
def test_readable_reasoning_is_added_to_the_messages_that_require_it(rendered, fields):
    back = {"carrier": "reasoning_content", "rendered": rendered, "placeholder": ""}
    assert [message.get("reasoning_content") for message in assistants(back=back)] == fields


@pytest.mark.parametrize(
    ("carrier", "members"),
    [
        ("reasoning", {"content": "Wait.", "reasoning": "one\n\ntwo"}),
        ("tags", {"content": "<think>one\n\ntwo</think>Wait."}),
        (
            "content_chunks",
            {
                "content": [
                    {
                        "type": "thinking",
                        "thinking": [{"type": "text", "text": "one\n\ntwo"}],
                        "closed": True,
                    },
                    {"type": "text", "text": "Wait."},
                ]
            },
        ),
        (
            "reasoning_details",
            {
                "content": "Wait.",
                "reasoning_details": [
                    {
                        "type": "reasoning.text",
                        "text": "one\n\ntwo",
                        "format": "unknown",
                        "index": 0,
                    }
                ],
            },
        ),
        ("nothing", {"content": "Wait."}),
        ("as_received", {"content": "Wait."}),
    ],
)
def test_readable_reasoning_can_be_encoded_in_every_field(carrier, members):
    back = {"carrier": carrier, "rendered": "tool_calls"}
    assert assistants(back=back)[1] == {"role": "assistant", **members, "tool_calls": [WIRE_CALL]}


def own(payload: str, **origin: str) -> AssistantTurn:
    issued = {"dialect": "openai-chat", "endpoint": "http://lab.test/v1", "model": "m", **origin}
    return AssistantTurn(
        (CALL,), native=ProviderPayload(Origin(**issued), msgspec.Raw(payload.encode()))
    )


@pytest.mark.promise("P13")
def test_a_native_message_is_sent_back_byte_for_byte_and_only_to_its_origin():
    payload = '{"role" : "assistant",  "content":null,"reasoning_details":[{"data":"\\u00e4+/="}]}'
    rendered = b'{"role":"assistant","content":null,"tool_calls":'
    dialect = bind(target())

    def body(turn: AssistantTurn, *, send_opaque: bool = True) -> bytes:
        return dialect.encode(
            ModelRequest(model="m", turns=(UserTurn("q"), turn), send_opaque=send_opaque)
        ).body

    assert payload.encode() in body(own(payload))
    for foreign in ({"model": "other"}, {"endpoint": "http://x"}, {"dialect": "ollama-chat"}):
        assert rendered in body(own(payload, **foreign))
        assert b"reasoning_details" not in body(own(payload, **foreign))
    assert rendered in body(own(payload), send_opaque=False)


@pytest.mark.promise("P13")
def test_an_own_tool_loop_always_has_the_required_field():
    quirks = {
        "back": {"carrier": "reasoning_content", "rendered": "since_tools", "placeholder": ""}
    }
    call = {
        "index": 0,
        "id": "c1",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
    }
    signed = {**call, "extra_content": {"s": 1}}
    for fragment in (call, signed):
        last = play(stream(delta("tool_calls", tool_calls=[fragment])), **quirks)[-1]
        turn = AssistantTurn((CALL,), native=last.native)
        message = sent(ModelRequest(model="m", turns=(turn,)), **quirks)["messages"][0]
        assert message["reasoning_content"] == ""


def test_the_first_foreign_call_gets_a_placeholder_signature():
    members = {"extra_content": {"google": {"thought_signature": "skip"}}}
    turn = AssistantTurn((CALL, ToolCallPart("c2", "g", "")))
    calls = sent(ModelRequest(model="m", turns=(turn,)), foreign_tool_call=members)
    assert calls["messages"][0]["tool_calls"] == [
        {**WIRE_CALL, **members},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]


def test_ids_that_the_api_rejects_are_replaced_in_calls_and_results():
    kept = ToolCallPart("abcDEF123", "g", "{}")
    turns = (
        AssistantTurn((CALL, kept)),
        ToolTurn((ToolResult("c1", "f", "1"), ToolResult("abcDEF123", "g", "2"))),
    )
    messages = sent(ModelRequest(model="m", turns=turns), tool_call_id_pattern="[a-zA-Z0-9]{9}")
    first, second = (call["id"] for call in messages["messages"][0]["tool_calls"])
    assert len(first) == 9
    assert first.isalnum()
    assert second == "abcDEF123"
    assert [m["tool_call_id"] for m in messages["messages"][1:]] == [first, second]


def test_ids_of_a_message_that_is_sent_back_as_it_came_are_never_replaced():
    turns = (own('{"role":"assistant"}'), ToolTurn((ToolResult("c1", "f", "1"),)))
    body = sent(ModelRequest(model="m", turns=turns), tool_call_id_pattern="[a-zA-Z0-9]{9}")
    assert body["messages"][1]["tool_call_id"] == "c1"


def test_a_familys_quirks_override_the_hosts_and_unknown_ones_are_errors():
    family = Family(name="x", quirks={"images": False})
    both = Target("h", "openai-chat", "http://h", "m", family, {"images": True, "path": "/p"})
    assert bind(both).encode(ModelRequest(model="m", turns=())).path == "/p"
    with pytest.raises(InvalidRequest):
        bind(both).encode(
            ModelRequest(model="m", turns=(UserTurn("", (Image("image/png", "aGk="),)),))
        )
    with pytest.raises(msgspec.ValidationError, match="imagse"):
        bind(target(imagse=True))
