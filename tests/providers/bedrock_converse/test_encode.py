"""Encoding requests of the Converse API, for each family, and errors."""

import json
from typing import Any

import msgspec
import pytest

from tests.corpus import Case, cases, require_corpus
from tests.providers.anthropic_messages.reading import read
from tests.providers.bedrock_converse.wires import FRAMES, FULL, NOVA, target, wire
from thinkaloud.errors import ConfigurationError, InvalidRequest, ProviderError
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Effort,
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
from thinkaloud.providers.dialects.bedrock_converse import bind
from thinkaloud.providers.target import Family, Target

FIND = ToolSchema("find", "Finds.", {"type": "object", "properties": {"q": {"type": "string"}}})
ASK = UserTurn("Why?")
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "x", "signature": "s"}}}
HIDDEN = {"reasoningContent": {"redactedContent": "eA=="}}
SAID = {"text": "Hi"}
CALL = {"toolUse": {"toolUseId": "a", "name": "find", "input": {}}}


def request(*turns: Turn, **fields: Any) -> ModelRequest:
    return ModelRequest("us.lab.model-v1:0", turns or (ASK,), **fields)


def body_of(to: Target, asked: ModelRequest) -> Any:
    return json.loads(bind(to).encode(asked).body)


def messages(to: Target, *turns: Turn, **fields: Any) -> Any:
    return body_of(to, request(*turns, **fields))["messages"]


def own(to: Target, *content: Any) -> AssistantTurn:
    payload = msgspec.Raw(json.dumps(content).encode())
    return AssistantTurn((AnswerPart("not this"),), ProviderPayload(to.origin, payload))


def results(*calls: str) -> ToolTurn:
    return ToolTurn(tuple(ToolResult(call, "find", f"result of {call}") for call in calls))


def test_a_plain_request_is_encoded_completely() -> None:
    sent = bind(target()).encode(request(system="Be brief.", tools=(FIND,), max_output_tokens=500))
    assert sent.path == "/model/us.lab.model-v1%3A0/converse-stream"
    assert sent.headers == {"content-type": "application/json"}
    spec = {"name": "find", "description": "Finds.", "inputSchema": {"json": FIND.parameters}}
    assert json.loads(sent.body) == {
        "messages": [{"role": "user", "content": [{"text": "Why?"}]}],
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 500},
        "toolConfig": {"tools": [{"toolSpec": spec}]},
    }


def test_a_minimal_request_has_only_required_fields() -> None:
    sent = body_of(target(), request(tools=(ToolSchema("now", "", {"type": "object"}),)))
    assert sent == {
        "messages": [{"role": "user", "content": [{"text": "Why?"}]}],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object"}}}}]
        },
    }


ADAPTIVE = {"type": "adaptive", "display": "summarized"}
OFF = {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    ("style", "effort", "fields"),
    [
        ("none", None, None),
        ("none", "none", None),
        ("always", "high", None),
        ("claude-budget", None, None),
        ("claude-budget", "none", OFF),
        ("claude-budget", "high", {"thinking": {"type": "enabled", "budget_tokens": 16384}}),
        ("claude-budget", 10, {"thinking": {"type": "enabled", "budget_tokens": 1024}}),
        ("claude-adaptive", None, {"thinking": ADAPTIVE}),
        ("claude-adaptive", "none", OFF),
        ("claude-adaptive", "minimal", {"thinking": ADAPTIVE, "output_config": {"effort": "low"}}),
        ("claude-adaptive", "max", {"thinking": ADAPTIVE, "output_config": {"effort": "max"}}),
        ("reasoning-effort", None, None),
        ("reasoning-effort", "none", None),
        ("reasoning-effort", "medium", {"reasoning_effort": "medium"}),
        ("reasoning-config", "high", {"reasoning_config": "high"}),
        ("nova", None, None),
        ("nova", "none", {"reasoningConfig": {"type": "disabled"}}),
        ("nova", "low", {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
    ],
)
def test_effort_is_encoded_as_the_family_requires(
    style: str, effort: Effort | None, fields: Any
) -> None:
    body = body_of(target(reasoning=style), request(effort=effort))
    assert body.get("additionalModelRequestFields") == fields


def test_adaptive_thinking_can_be_omitted_and_undisplayed() -> None:
    quiet = target(reasoning="claude-adaptive", unasked=False)
    assert "additionalModelRequestFields" not in body_of(quiet, request())
    bare = target(reasoning="claude-adaptive", display=None)
    fields = body_of(bare, request())["additionalModelRequestFields"]
    assert fields == {"thinking": {"type": "adaptive"}}


@pytest.mark.parametrize(
    ("most", "asked", "effort", "limit", "budget"),
    [
        (None, None, "high", 48_384, 16_384),
        (8_000, None, "high", 8_000, 6_000),
        (None, 4_000, "high", 4_000, 3_000),
        (None, 500, "high", 1_025, 1_024),
        (None, None, None, None, None),
        (20_000, 90_000, None, 20_000, None),
    ],
)
def test_the_limit_covers_the_thinking_and_leaves_tokens_for_the_answer(
    most: int | None,
    asked: int | None,
    effort: Effort | None,
    limit: int | None,
    budget: int | None,
) -> None:
    family = Family("f", budget=(1024, 30_000), max_output_tokens=most)
    to = target(family, reasoning="claude-budget")
    body = body_of(to, request(effort=effort, max_output_tokens=asked))
    assert body.get("inferenceConfig", {}).get("maxTokens") == limit
    thinking = body.get("additionalModelRequestFields", {}).get("thinking", {})
    assert thinking.get("budget_tokens") == budget


def test_nova_takes_no_limit_at_its_highest_effort() -> None:
    to = target(reasoning="nova")
    assert "inferenceConfig" not in body_of(to, request(effort="high", max_output_tokens=9))
    low = body_of(to, request(effort="low", max_output_tokens=9))
    assert low["inferenceConfig"] == {"maxTokens": 9}


def test_interleaved_thinking_is_requested_by_beta_if_needed() -> None:
    to = target(reasoning="claude-budget", interleaved=True)
    fields = body_of(to, request(tools=(FIND,), effort="low"))["additionalModelRequestFields"]
    assert fields["anthropic_beta"] == ["interleaved-thinking-2025-05-14"]
    without = body_of(to, request(effort="low"))["additionalModelRequestFields"]
    assert "anthropic_beta" not in without


def test_images_are_sent_with_their_format() -> None:
    sent = messages(target(), UserTurn("What?", (Image("image/jpeg", "aGk="),)))
    image = {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}}
    assert sent[0]["content"] == [image, {"text": "What?"}]


@pytest.mark.parametrize(
    ("to", "media_type"),
    [(target(), "image/tiff"), (target(Family("blind")), "image/png")],
)
def test_an_image_that_cannot_be_taken_is_refused(to: Target, media_type: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(to, UserTurn("?", (Image(media_type, "aGk="),)))
    assert caught.value.field == "image_path"


@pytest.mark.promise("P13")
def test_what_was_decoded_is_sent_back_as_it_came() -> None:
    to = target(reasoning="claude-adaptive")
    native = read(bind(to).decoder(FRAMES), [wire(*FULL)]).finished.native
    assert native is not None
    sent = bind(to).encode(request(ASK, AssistantTurn((), native), results("t_1", "t_2")))
    assert bytes(native.payload) in sent.body
    assert json.loads(sent.body)["messages"][2]["content"][0] == {
        "toolResult": {
            "toolUseId": "t_1",
            "content": [{"text": "result of t_1"}],
            "status": "success",
        }
    }


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    "origin",
    [
        Origin("bedrock-converse", "https://aws.test", "another"),
        Origin("bedrock-converse", "https://other.test", "us.lab.model-v1:0"),
        Origin("anthropic-messages", "https://aws.test", "us.lab.model-v1:0"),
    ],
)
def test_another_origins_payload_is_not_sent(origin: Origin) -> None:
    payload = msgspec.Raw(json.dumps([THOUGHT, SAID]).encode())
    turn = AssistantTurn(
        (ReasoningPart("secret"), AnswerPart("Because.")), ProviderPayload(origin, payload)
    )
    sent = messages(target(reasoning="claude-adaptive"), ASK, turn, UserTurn("And?"))
    assert sent[1] == {"role": "assistant", "content": [{"text": "Because."}]}


def test_own_payloads_are_not_sent_after_a_refusal() -> None:
    to = target(reasoning="claude-adaptive")
    sent = messages(to, ASK, own(to, THOUGHT, SAID), ASK, send_opaque=False)
    assert sent[1]["content"] == [{"text": "not this"}]


@pytest.mark.parametrize(
    ("quirks", "effort", "kept"),
    [
        ({"reasoning": "claude-adaptive"}, None, True),
        ({"reasoning": "claude-adaptive"}, "low", True),
        ({"reasoning": "claude-adaptive"}, "none", False),
        ({"reasoning": "claude-budget"}, None, False),
        ({"reasoning": "claude-budget"}, "low", True),
        ({"reasoning": "nova"}, "none", False),
        ({"reasoning": "reasoning-effort"}, None, True),
        ({"reasoning": "always"}, None, True),
        ({"reasoning": "always", "sends_reasoning": False}, None, False),
    ],
)
def test_reasoning_is_sent_back_where_the_request_reasons_and_the_model_takes_it(
    quirks: dict[str, object], effort: Effort | None, kept: bool
) -> None:
    to = target(**quirks)
    sent = messages(to, ASK, own(to, THOUGHT, HIDDEN, SAID), ASK, effort=effort)
    assert sent[1]["content"] == ([THOUGHT, HIDDEN, SAID] if kept else [SAID])


def test_blank_texts_and_turns_of_nothing_but_reasoning_are_left_out() -> None:
    to = target(reasoning="claude-adaptive")
    turns = (
        ASK,
        own(to, {"text": ""}, THOUGHT, SAID),
        UserTurn("And?"),
        own(to, THOUGHT),
        UserTurn("Well?"),
        AssistantTurn((AnswerPart("\n"),)),
        UserTurn("So?"),
    )
    sent = messages(to, *turns)
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == [THOUGHT, SAID]
    assert sent[2]["content"] == [{"text": "And?"}, {"text": "Well?"}, {"text": "So?"}]


def test_a_foreign_turn_is_encoded_with_ids_and_inputs_that_the_api_accepts() -> None:
    parts = (
        AnswerPart("Looking."),
        ToolCallPart("call|1", "find", '{"q": 1.50}'),
        ToolCallPart("call/1", "find", ""),
        ToolCallPart("functions.find:0", "find", "[1"),
    )
    turns = (AssistantTurn(parts), results("call|1", "call/1", "functions.find:0"))
    sent = messages(target(), ASK, *turns)
    calls = [block["toolUse"] for block in sent[1]["content"][1:]]
    ids = ["call_1", "call_1_", "functions.find:0"]
    assert [call["toolUseId"] for call in calls] == ids
    assert [call["input"] for call in calls] == [{"q": 1.5}, {}, {"INVALID_JSON": "[1"}]
    assert [block["toolResult"]["toolUseId"] for block in sent[2]["content"]] == ids


def test_results_carry_a_status_if_the_family_accepts_it() -> None:
    decode_run = ToolTurn(
        (ToolResult("a", "find", "no", is_error=True), ToolResult("b", "find", " "))
    )
    call = AssistantTurn((ToolCallPart("a", "find", "{}"), ToolCallPart("b", "find", "{}")))
    first, second = (
        b["toolResult"] for b in messages(target(), ASK, call, decode_run)[2]["content"]
    )
    assert (first["status"], second["status"]) == ("error", "success")
    assert second["content"] == [{"text": "(no output)"}]
    plain = messages(target(tool_status=False), ASK, call, decode_run)[2]["content"]
    assert all("status" not in block["toolResult"] for block in plain)


def test_tools_that_were_called_before_stay_defined() -> None:
    call = AssistantTurn((ToolCallPart("a", "find", "{}"),))
    body = body_of(target(), request(ASK, call, results("a")))
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["find"]


@pytest.mark.parametrize(("first", "thinks"), [(THOUGHT, True), (HIDDEN, True), (None, False)])
def test_the_budget_is_omitted_if_the_current_turn_began_without_thinking(
    first: Any, thinks: bool
) -> None:
    to = target(reasoning="claude-budget")
    own_turn = own(to, first, CALL) if first else own(to, CALL)
    later = own(to, {"toolUse": {"toolUseId": "b", "name": "find", "input": {}}})
    turns = (ASK, own_turn, results("a"), later, results("b"))
    assert ("additionalModelRequestFields" in body_of(to, request(*turns, effort="high"))) is thinks
    again = body_of(to, request(*turns, UserTurn("New"), effort="high"))
    assert "additionalModelRequestFields" in again


def test_unknown_quirks_are_refused() -> None:
    for wrong in ({"no_such_thing": 1}, {"reasoning": "perhaps"}, {"inline_tags": "<a>"}):
        with pytest.raises(ConfigurationError):
            bind(target(**wrong))


@pytest.mark.parametrize(
    ("status", "headers", "body", "code", "words"),
    [
        (403, {}, b'{"message":"The security token is invalid."}', "provider_auth", "token is"),
        (503, {}, b'{"message":"busy"}', "provider_overloaded", "busy"),
        (429, {"retry-after": "3"}, b"{}", "provider_rate_limit", "429"),
        (
            400,
            {"x-amzn-errortype": "ThrottlingException:http://x/"},
            b'{"message":"slow down"}',
            "provider_rate_limit",
            "slow down",
        ),
        (424, {"x-amzn-errortype": "ModelErrorException"}, b"{}", "provider_stream_cut", "424"),
        (400, {"x-amzn-errortype": "Strange"}, b'{"message":"no"}', "provider_bad_request", "no"),
    ],
)
def test_refused_requests_are_typed(
    status: int, headers: dict[str, str], body: bytes, code: str, words: str
) -> None:
    error = bind(target()).error(status, headers, body)
    assert (error.code, error.status) == (code, status)
    assert words in error.message
    assert error.retry_after == (3.0 if headers.get("retry-after") else None)


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("bedrock-403-token", 403, "provider_auth"),
        ("bedrock-503-throttled", 503, "provider_overloaded"),
    ],
)
def test_recorded_errors_are_read(case: str, status: int, code: str) -> None:
    body = (require_corpus() / "errors" / case / "response.body").read_bytes()
    error = bind(target()).error(status, {}, body)
    assert error.code == code
    assert error.message == json.loads(body)["message"]


def test_there_is_no_list_of_models() -> None:
    assert bind(target()).models_path is None
    with pytest.raises(ProviderError):
        bind(target()).listed(b"{}")


FOLLOWED = [
    name
    for name in cases("bedrock-converse", "bedrock-converse-inline")
    if Case(name).followups and Case(name).request
]


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_next_request_is_what_another_client_sent(name: str) -> None:
    case = Case(name)
    assert case.request is not None
    to = target(inline_tags=NOVA, reasoning="claude-adaptive")
    got = read(bind(to).decoder(FRAMES), [case.body])
    logged = case.followups[0]["messages"]
    answers = tuple(
        ToolResult(block["toolResult"]["toolUseId"], "", block["toolResult"]["content"][0]["text"])
        for block in logged[-1]["content"]
        if "toolResult" in block
    )
    first = case.request["messages"]
    turns = (
        UserTurn(first[0]["content"][0]["text"]),
        AssistantTurn((), got.finished.native),
        ToolTurn(answers),
    )
    assert messages(to, *turns) == logged
