"""The complete request for each variant of the Responses API."""

import json
from typing import Any

import msgspec
import pytest

from tests.providers.openai_responses.wire import BASE, FC, MSG, RS, VARIANTS, dialect
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import ModelFinished, Origin, ProviderPayload
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
    Turn,
    UserTurn,
)
from thinkaloud.providers.dialects.openai_responses import bind
from thinkaloud.providers.target import Family, Target

LOOK = ToolSchema("look", "Look there.", {"type": "object", "properties": {}})
ASK = UserTurn("Why?")
FOREIGN = AssistantTurn(
    (
        ReasoningPart("Hm. "),
        ReasoningPart("Look."),
        AnswerPart("Let me see."),
        AnswerPart(""),
        ToolCallPart("call_a", "look", ""),
        ToolCallPart("call_b", "look", '{"at":1}'),
    ),
    ProviderPayload(Origin("anthropic-messages", "https://a.test", "claude"), msgspec.Raw(b"[]")),
)
RESULTS = ToolTurn((ToolResult("call_a", "look", "A"), ToolResult("call_b", "look", "no", True)))

XAI = {"system": "system", "summary": None, "bare_reasoning": True, "conversation_header": "x-grok-conv-id", "conversation_field": None}  # fmt: skip
DEEPSEEK = {
    "summary": None,
    "include": (),
    "readable_reasoning": True,
    "images": False,
    "conversation_field": None,
    "effort_names": {"xhigh": "max"},
}
OPENROUTER = {
    "item_ids": "strip",
    "trailing_reasoning": True,
    "budget_field": "max_tokens",
    "conversation_field": None,
}
CODEX = {
    "item_ids": "strip",
    "max_output_tokens_field": None,
    "default_instructions": "You help.",
    "conversation_header": "session_id",
}
COPILOT = {"conversation_field": None, "strict_tools": None}
AZURE = {"extra": {"truncation": "auto"}}


def encoded(request: ModelRequest, **quirks: object) -> dict[str, Any]:
    return json.loads(dialect(**quirks).encode(request).body)


def history(turn: Turn, **quirks: object) -> list[dict[str, Any]]:
    return encoded(ModelRequest("model-1", (ASK, turn, RESULTS)), **quirks)["input"][1:-2]


FULL = ModelRequest(
    "model-1",
    (ASK,),
    system="Be brief.",
    tools=(LOOK,),
    effort="xhigh",
    max_output_tokens=99,
    conversation_id="c1",
)
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "look",
    "description": "Look there.",
    "parameters": {"type": "object", "properties": {}},
}
USER = {"role": "user", "content": "Why?"}
SYSTEM = {"role": "system", "content": "Be brief."}
OPAQUE = ["reasoning.encrypted_content"]


@pytest.mark.parametrize(
    ("quirks", "expected", "headers"),
    [
        ({}, {"instructions": "Be brief.", "input": [USER], "include": OPAQUE, "reasoning": {"effort": "xhigh", "summary": "auto"}, "tools": [TOOL | {"strict": False}], "max_output_tokens": 99, "prompt_cache_key": "c1"}, {}),
        (AZURE, {"instructions": "Be brief.", "input": [USER], "include": OPAQUE, "reasoning": {"effort": "xhigh", "summary": "auto"}, "tools": [TOOL | {"strict": False}], "max_output_tokens": 99, "prompt_cache_key": "c1", "truncation": "auto"}, {}),
        (XAI, {"input": [SYSTEM, USER], "include": OPAQUE, "reasoning": {"effort": "xhigh"}, "tools": [TOOL | {"strict": False}], "max_output_tokens": 99}, {"x-grok-conv-id": "c1"}),
        (DEEPSEEK, {"instructions": "Be brief.", "input": [USER], "reasoning": {"effort": "max"}, "tools": [TOOL | {"strict": False}], "max_output_tokens": 99}, {}),
        (OPENROUTER, {"instructions": "Be brief.", "input": [USER], "include": OPAQUE, "reasoning": {"effort": "xhigh", "summary": "auto"}, "tools": [TOOL | {"strict": False}], "max_output_tokens": 99}, {}),
        (CODEX, {"instructions": "Be brief.", "input": [USER], "include": OPAQUE, "reasoning": {"effort": "xhigh", "summary": "auto"}, "tools": [TOOL | {"strict": False}], "prompt_cache_key": "c1"}, {"session_id": "c1"}),
        (COPILOT, {"instructions": "Be brief.", "input": [USER], "include": OPAQUE, "reasoning": {"effort": "xhigh", "summary": "auto"}, "tools": [TOOL], "max_output_tokens": 99}, {}),
    ],
    ids=["openai", "azure", "xai", "deepseek", "openrouter", "codex", "copilot"],
)  # fmt: skip
def test_each_variants_request_is_encoded_completely(
    quirks: dict[str, object], expected: dict[str, Any], headers: dict[str, str]
) -> None:
    request = dialect(**quirks).encode(FULL)
    common = {"model": "model-1", "stream": True, "store": False}
    assert (request.path, dict(request.headers)) == ("/responses", headers)
    assert json.loads(request.body) == common | expected


def test_a_minimal_request_still_asks_for_a_summary_and_opaque_reasoning() -> None:
    assert encoded(ModelRequest("model-1", (ASK,))) == {
        "model": "model-1",
        "stream": True,
        "store": False,
        "input": [USER],
        "include": OPAQUE,
        "reasoning": {"summary": "auto"},
    }
    assert encoded(ModelRequest("model-1", (ASK,)), **CODEX)["instructions"] == "You help."


def test_effort_is_encoded_as_off_a_level_or_a_budget_as_the_host_requires() -> None:
    off = ModelRequest("model-1", (ASK,), effort="none")
    assert encoded(off)["reasoning"] == {"effort": "none"}
    assert encoded(off, effort_off={"enabled": False})["reasoning"] == {"enabled": False}
    assert "reasoning" not in encoded(off, effort_off={})
    budget = ModelRequest("model-1", (ASK,), effort=2000)
    assert encoded(budget, **OPENROUTER)["reasoning"] == {"max_tokens": 2000, "summary": "auto"}
    with pytest.raises(InvalidRequest) as raised:
        encoded(budget)
    assert raised.value.field == "reasoning_effort"


def test_a_model_that_never_reasons_is_asked_for_no_reasoning() -> None:
    plain = dialect(Family(name="gpt-4.1", reasons="never"))
    body = json.loads(plain.encode(ModelRequest("model-1", (ASK,))).body)
    assert body == {"model": "model-1", "stream": True, "store": False, "input": [USER]}


def test_a_familys_quirks_override_its_hosts_and_an_unknown_one_is_an_error() -> None:
    family = Family(name="f", reasons="always", quirks={"summary": "detailed"})
    target = Target(
        "host", "openai-responses", BASE, "model-1", family, {"summary": None, "store": None}
    )
    body = json.loads(bind(target).encode(ModelRequest("model-1", (ASK,))).body)
    assert body["reasoning"] == {"summary": "detailed"}
    assert "store" not in body
    with pytest.raises(msgspec.ValidationError, match="sumary"):
        dialect(sumary="auto")


def test_pictures_follow_the_text_and_are_refused_for_models_without_images() -> None:
    turn = UserTurn("What is it?", (Image("image/png", "aGk="),))
    request = ModelRequest("model-1", (turn,))
    assert encoded(request)["input"] == [
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is it?"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,aGk=",
                    "detail": "auto",
                },
            ],
        }
    ]
    alone = encoded(ModelRequest("model-1", (UserTurn("", turn.images),)))["input"]
    assert [part["type"] for part in alone[0]["content"]] == ["input_image"]
    blind = dialect(Family(name="f", images=False))
    for wire in (blind, dialect(**DEEPSEEK)):
        with pytest.raises(InvalidRequest) as raised:
            wire.encode(request)
        assert raised.value.field == "image_path"


CALLS: list[dict[str, Any]] = [
    {"type": "function_call", "call_id": "call_a", "name": "look", "arguments": "{}"},
    {"type": "function_call", "call_id": "call_b", "name": "look", "arguments": '{"at":1}'},
]
ANSWER = {"role": "assistant", "content": "Let me see."}


def test_another_providers_turn_is_sent_as_text_calls_and_results() -> None:
    body = encoded(ModelRequest("model-1", (ASK, FOREIGN, RESULTS)))
    assert body["input"] == [
        USER,
        ANSWER,
        *CALLS,
        {"type": "function_call_output", "call_id": "call_a", "output": "A"},
        {"type": "function_call_output", "call_id": "call_b", "output": "no"},
    ]


def test_readable_reasoning_is_sent_before_its_output_if_the_host_requires_it() -> None:
    texts = [{"type": "reasoning_text", "text": text} for text in ("Hm. ", "Look.")]
    reasoning = {"type": "reasoning", "summary": [], "content": texts}
    assert history(FOREIGN, **DEEPSEEK) == [reasoning, ANSWER, *CALLS]
    each = history(FOREIGN, **DEEPSEEK, reasoning_before_each_call=True)
    assert each == [reasoning, ANSWER, CALLS[0], reasoning, CALLS[1]]
    silent = AssistantTurn((ToolCallPart("call_a", "look", "{}"), ReasoningPart("to no end")))
    empty = {
        "type": "reasoning",
        "summary": [],
        "content": [{"type": "reasoning_text", "text": ""}],
    }
    assert history(silent, **DEEPSEEK) == [empty, CALLS[0]]
    off = ModelRequest("model-1", (ASK, silent), effort="none")
    assert encoded(off, **DEEPSEEK)["input"] == [USER, CALLS[0]]


def test_an_own_turn_is_sent_back_byte_for_byte() -> None:
    wire = dialect()
    last = wire.decoder("text/event-stream").feed(VARIANTS["openai"])[-1]
    assert isinstance(last, ModelFinished)
    assert last.native is not None
    turn = AssistantTurn((ToolCallPart("call_a", "look", "{}"),), last.native)
    body = wire.encode(ModelRequest("model-1", (ASK, turn, RESULTS))).body
    assert bytes(last.native.payload)[1:-1] in body
    reasoning, call = json.loads(body)["input"][1:3]
    assert reasoning == {key: value for key, value in RS.items() if key != "status"}
    assert call == {key: value for key, value in FC.items() if key != "status"}


@pytest.mark.parametrize(
    "origin",
    [
        Origin("openai-chat", BASE, "model-1"),
        Origin("openai-responses", "https://other.test/v1", "model-1"),
        Origin("openai-responses", BASE, "model-2"),
    ],
)
def test_a_payload_of_another_dialect_endpoint_or_model_is_never_sent_back(origin: Origin) -> None:
    native = ProviderPayload(origin, msgspec.Raw(json.dumps([RS, MSG]).encode()))
    turn = AssistantTurn((ReasoningPart("secret"), AnswerPart("Hi.")), native)
    assert history(turn) == [{"role": "assistant", "content": "Hi."}]


def test_after_a_refusal_no_payload_is_sent_back() -> None:
    native = ProviderPayload(dialect().origin, msgspec.Raw(json.dumps([RS, MSG]).encode()))
    turn = AssistantTurn((AnswerPart("Hi."),), native)
    request = ModelRequest("model-1", (ASK, turn), send_opaque=False)
    assert encoded(request)["input"] == [USER, {"role": "assistant", "content": "Hi."}]
