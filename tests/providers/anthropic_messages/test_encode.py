"""Encoding requests of the Messages API, for each host's and family's variant."""

import json
from typing import Any

import msgspec
import pytest

from tests.corpus import Case, cases
from tests.providers.anthropic_messages.reading import read
from tests.providers.anthropic_messages.wires import (
    INTERLEAVED,
    SSE,
    family_target,
    sse,
    target,
)
from thinkaloud.errors import ConfigurationError, InvalidRequest
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
from thinkaloud.providers.dialects.anthropic_messages import bind
from thinkaloud.providers.target import Family, Target

FIND = ToolSchema("find", "Finds.", {"type": "object", "properties": {"q": {"type": "string"}}})
ASK = UserTurn("Why?")
ADAPTIVE: dict[str, object] = {"thinking": "adaptive"}


def request(*turns: Turn, **fields: Any) -> ModelRequest:
    return ModelRequest("claude-x", turns or (ASK,), **fields)


def body_of(to: Target, asked: ModelRequest) -> Any:
    return json.loads(bind(to).encode(asked).body)


def messages(to: Target, *turns: Turn, **fields: Any) -> Any:
    return body_of(to, request(*turns, **fields))["messages"]


def own(to: Target, content: Any) -> AssistantTurn:
    payload = msgspec.Raw(content if isinstance(content, bytes) else json.dumps(content).encode())
    return AssistantTurn((AnswerPart("not this"),), ProviderPayload(to.origin, payload))


def results(*calls: str) -> ToolTurn:
    return ToolTurn(tuple(ToolResult(call, "find", f"result of {call}") for call in calls))


def test_a_plain_request_is_encoded_completely() -> None:
    sent = bind(target()).encode(request(system="Be brief.", tools=(FIND,), max_output_tokens=500))
    assert sent.path == "/v1/messages"
    assert sent.headers == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
    }
    assert json.loads(sent.body) == {
        "model": "claude-x",
        "max_tokens": 500,
        "stream": True,
        "system": "Be brief.",
        "tools": [{"name": "find", "description": "Finds.", "input_schema": FIND.parameters}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
    }


def test_vertex_has_the_model_in_the_path_and_the_version_in_the_body() -> None:
    quirks = {
        "path": "/publishers/anthropic/models/{model}:streamRawPredict",
        "body_version": "vertex-2023-10-16",
        "models_path": None,
    }
    to = Target(
        "v", "anthropic-messages", "https://v.test/v1", "claude-haiku-4-5@20251001", quirks=quirks
    )
    sent = bind(to).encode(ModelRequest(to.model, (ASK,)))
    assert sent.path == "/publishers/anthropic/models/claude-haiku-4-5@20251001:streamRawPredict"
    assert sent.headers == {"content-type": "application/json"}
    assert json.loads(sent.body) == {
        "anthropic_version": "vertex-2023-10-16",
        "max_tokens": 32_000,
        "stream": True,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
    }
    assert bind(to).models_path is None


def test_bedrock_invoke_has_no_stream_field_and_sends_betas_in_the_body() -> None:
    quirks = {
        "path": "/model/{model}/invoke-with-response-stream",
        "body_version": "bedrock-2023-05-31",
        "stream_field": False,
        "betas": ["context-1m"],
        "betas_in_body": True,
        "interleaved": True,
    }
    to = Target("b", "anthropic-messages", "https://b.test", "arn:x/us.claude-v1:0", quirks=quirks)
    sent = bind(to).encode(ModelRequest(to.model, (ASK,), tools=(FIND,), effort="low"))
    assert sent.path == "/model/arn%3Ax%2Fus.claude-v1%3A0/invoke-with-response-stream"
    body = json.loads(sent.body)
    assert sent.headers == {"content-type": "application/json"}
    assert body["anthropic_beta"] == ["context-1m", "interleaved-thinking-2025-05-14"]
    assert body["anthropic_version"] == "bedrock-2023-05-31"
    assert not {"stream", "model"} & body.keys()


@pytest.mark.parametrize(
    ("quirks", "effort", "thinking", "output"),
    [
        ({}, None, None, None),
        ({}, "none", {"type": "disabled"}, None),
        ({}, "minimal", {"type": "enabled", "budget_tokens": 1024}, None),
        ({}, "high", {"type": "enabled", "budget_tokens": 16384}, None),
        ({}, 5000, {"type": "enabled", "budget_tokens": 5000}, None),
        ({}, 10, {"type": "enabled", "budget_tokens": 1024}, None),
        ({"budgets": {"low": 3000}}, "low", {"type": "enabled", "budget_tokens": 3000}, None),
        (ADAPTIVE, None, {"type": "adaptive", "display": "summarized"}, None),
        (ADAPTIVE | {"unasked": False}, None, None, None),
        (ADAPTIVE | {"display": None}, None, {"type": "adaptive"}, None),
        (ADAPTIVE, "none", {"type": "disabled"}, None),
        (ADAPTIVE, "minimal", {"type": "adaptive", "display": "summarized"}, "low"),
        (ADAPTIVE, "xhigh", {"type": "adaptive", "display": "summarized"}, "xhigh"),
        (ADAPTIVE, 2000, {"type": "enabled", "budget_tokens": 2000}, None),
        ({"thinking": "switch"}, None, None, None),
        ({"thinking": "switch"}, "none", {"type": "disabled"}, None),
        ({"thinking": "switch"}, "max", {"type": "enabled"}, "max"),
        ({"thinking": "always"}, "high", None, None),
        ({"thinking": "none"}, "none", None, None),
        ({"thinking": "none"}, None, None, None),
    ],
)
def test_effort_is_encoded_as_the_family_requires(
    quirks: dict[str, object], effort: Effort | None, thinking: Any, output: str | None
) -> None:
    body = body_of(target(**quirks), request(effort=effort))
    assert body.get("thinking") == thinking
    assert body.get("output_config") == (None if output is None else {"effort": output})


@pytest.mark.parametrize(
    ("most", "asked", "effort", "limit", "budget"),
    [
        (None, None, "high", 48_384, 16_384),
        (64_000, None, "max", 62_000, 30_000),
        (8_000, None, "high", 8_000, 6_000),
        (None, 4_000, "high", 4_000, 3_000),
        (None, 500, "high", 1_025, 1_024),
        (20_000, 90_000, None, 20_000, None),
    ],
)
def test_the_limit_covers_the_thinking_and_leaves_tokens_for_the_answer(
    most: int | None, asked: int | None, effort: Effort | None, limit: int, budget: int | None
) -> None:
    family = Family("f", budget=(1024, 30_000), max_output_tokens=most)
    body = body_of(family_target(family), request(effort=effort, max_output_tokens=asked))
    assert body["max_tokens"] == limit
    assert body.get("thinking", {}).get("budget_tokens") == budget


def test_interleaved_thinking_is_requested_by_header_if_needed() -> None:
    to = target(interleaved=True, betas=["a"])
    header = "a,interleaved-thinking-2025-05-14"
    assert bind(to).encode(request(tools=(FIND,), effort="low")).headers["anthropic-beta"] == header
    assert bind(to).encode(request(tools=(FIND,), effort="none")).headers["anthropic-beta"] == "a"
    assert bind(to).encode(request(effort="low")).headers["anthropic-beta"] == "a"


def test_images_come_before_the_text() -> None:
    sent = messages(target(), UserTurn("What is it?", (Image("image/png", "aGk="),)))
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    assert sent[0]["content"] == [
        {"type": "image", "source": source},
        {"type": "text", "text": "What is it?"},
    ]


def test_an_image_for_a_family_without_images_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        messages(family_target(Family("blind")), UserTurn("?", (Image("image/png", "aGk="),)))
    assert caught.value.field == "image_path"


@pytest.mark.promise("P13")
def test_an_own_turn_is_sent_back_byte_for_byte() -> None:
    to = target(**ADAPTIVE)
    payload = (
        b'[{"type":"thinking","thinking":"A\\u00e9 /","signature":"s+/=="}, '
        b'{"type":"redacted_thinking","data":"d=="},'
        b'{"type":"tool_use","id":"t.1","name":"find","input":{"q":1.50},"new":[ 1 ]}]'
    )
    sent = bind(to).encode(request(ASK, own(to, payload), results("t.1")))
    assert payload.replace(b", {", b",{") in sent.body
    assert json.loads(sent.body)["messages"][2] == {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "t.1", "content": "result of t.1"}],
    }


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    "origin",
    [
        Origin("anthropic-messages", "https://example.test", "claude-y"),
        Origin("anthropic-messages", "https://other.test", "claude-x"),
        Origin("bedrock-converse", "https://example.test", "claude-x"),
    ],
)
def test_another_origins_payload_is_not_sent(origin: Origin) -> None:
    turn = AssistantTurn(
        (ReasoningPart("secret thought"), AnswerPart("Because.")),
        ProviderPayload(
            origin, msgspec.Raw(b'[{"type":"thinking","thinking":"x","signature":"sig"}]')
        ),
    )
    sent = messages(target(**ADAPTIVE), ASK, turn, UserTurn("And?"))
    assert sent[1] == {"role": "assistant", "content": [{"type": "text", "text": "Because."}]}


def test_own_payloads_are_not_sent_after_a_refusal() -> None:
    to = target(**ADAPTIVE)
    turn = own(to, [{"type": "thinking", "thinking": "x", "signature": "sig"}])
    sent = messages(to, ASK, turn, UserTurn("And?"), send_opaque=False)
    assert sent[1]["content"] == [{"type": "text", "text": "not this"}]


def test_a_request_without_thinking_contains_no_thinking() -> None:
    to = target(**ADAPTIVE)
    content = [
        {"type": "thinking", "thinking": "x", "signature": "sig"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Hi"},
    ]
    for effort, kept in (("none", 1), ("low", 3), (None, 3)):
        sent = messages(to, ASK, own(to, content), UserTurn("And?"), effort=effort)
        assert sent[1]["content"] == content[-kept:]
    assert len(messages(target(), ASK, own(target(), content), UserTurn("And?"))[1]["content"]) == 1


def test_blank_texts_that_the_api_rejects_are_left_out() -> None:
    to = target(**ADAPTIVE)
    thought = {"type": "thinking", "thinking": "", "signature": "sig"}
    answer = {"type": "text", "text": "Hi"}
    turn = own(to, [thought, {"type": "text", "text": "\n\n"}, answer])
    blank = AssistantTurn((AnswerPart(" "),))
    sent = messages(to, ASK, turn, UserTurn("And?"), blank, UserTurn("Well?"))
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == [thought, answer]
    assert [block["text"] for block in sent[2]["content"]] == ["And?", "Well?"]


def test_a_thought_that_the_limit_cut_does_not_end_a_message() -> None:
    to = target(**ADAPTIVE)
    answer, cut = {"type": "text", "text": "Hi"}, {"type": "thinking", "thinking": "But th"}
    sent = messages(to, ASK, own(to, [cut]), ASK, own(to, [answer, cut]), ASK)
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == [answer]


def test_previously_called_tools_stay_defined_but_cannot_be_used() -> None:
    turns = (ASK, AssistantTurn((ToolCallPart("a", "find", "{}"),)), results("a"))
    body = body_of(target(), request(*turns))
    assert [tool["name"] for tool in body["tools"]] == ["find"]
    assert body["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in body_of(target(), request(*turns, tools=(FIND,)))


def test_neighbors_of_one_role_become_one_message() -> None:
    to = target(**ADAPTIVE)
    call = {"type": "tool_use", "id": "a", "name": "find", "input": {}}
    paused = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    sent = messages(to, ASK, own(to, [paused]), own(to, [call]), results("a"), UserTurn("Go on"))
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == [paused, call]
    assert [block["type"] for block in sent[2]["content"]] == ["tool_result", "text"]


def test_a_paused_turn_is_the_last_message() -> None:
    to = target(**ADAPTIVE)
    paused = [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}]
    assert messages(to, ASK, own(to, paused))[-1] == {"role": "assistant", "content": paused}


def test_a_foreign_turn_is_encoded_with_ids_and_inputs_that_the_api_accepts() -> None:
    parts = (
        ReasoningPart("hm"),
        AnswerPart("Looking."),
        ToolCallPart("functions.find:0", "find", '{"q": 1.50}'),
        ToolCallPart("functions.find.0", "find", ""),
        ToolCallPart("ok_1", "find", "[1"),
    )
    ids = ("functions.find:0", "functions.find.0", "ok_1")
    sent = messages(target(), ASK, AssistantTurn(parts), results(*ids))
    calls = sent[1]["content"][1:]
    assert sent[1]["content"][0] == {"type": "text", "text": "Looking."}
    assert [call["id"] for call in calls] == ["functions_find_0", "functions_find_0_", "ok_1"]
    assert [call["input"] for call in calls] == [{"q": 1.5}, {}, {"INVALID_JSON": "[1"}]
    assert [result["tool_use_id"] for result in sent[2]["content"]] == [
        call["id"] for call in calls
    ]


def test_a_failed_tool_is_marked_as_an_error() -> None:
    turn = ToolTurn((ToolResult("a", "find", "no such file", is_error=True),))
    call = AssistantTurn((ToolCallPart("a", "find", "{}"),))
    sent = messages(target(), ASK, call, turn)
    assert sent[2]["content"][0]["is_error"] is True


@pytest.mark.parametrize(
    ("first", "thinks"),
    [
        ({"type": "thinking", "thinking": "x", "signature": "s"}, True),
        ({"type": "redacted_thinking", "data": "d"}, True),
        (None, False),
    ],
)
def test_the_budget_is_omitted_if_the_current_turn_began_without_thinking(
    first: dict[str, str] | None, thinks: bool
) -> None:
    to = target()
    call = {"type": "tool_use", "id": "a", "name": "find", "input": {}}
    later = {"type": "tool_use", "id": "b", "name": "find", "input": {}}
    own_turn = own(to, [first, call] if first else [call])
    turns = (ASK, own_turn, results("a"), own(to, [later]), results("b"))
    body = body_of(to, request(*turns, effort="high"))
    assert ("thinking" in body) is thinks
    kinds = [block["type"] for block in body["messages"][1]["content"]]
    assert kinds == ([first["type"], "tool_use"] if first else ["tool_use"])
    assert "thinking" in body_of(to, request(*turns, UserTurn("New"), effort="high"))


def test_unsigned_thinking_is_sent_with_every_turn_that_called_a_tool() -> None:
    to = target(thinking="switch", unsigned=True)
    call = ToolCallPart("a", "find", "{}")
    decode_run = AssistantTurn((ReasoningPart("hm"), ReasoningPart(" so"), call))
    silent = AssistantTurn((call,))
    plain = AssistantTurn((ReasoningPart("hm"), AnswerPart("Yes.")))
    sent = messages(to, ASK, decode_run, results("a"), silent, results("a"), plain, ASK)
    assert sent[1]["content"][0] == {"type": "thinking", "thinking": "hm so"}
    assert sent[3]["content"][0] == {"type": "thinking", "thinking": ""}
    assert [block["type"] for block in sent[5]["content"]] == ["text"]


def test_unknown_quirks_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        bind(target(no_such_thing=1))
    with pytest.raises(ConfigurationError):
        bind(target(max_tokens="many"))


def test_a_familys_quirks_override_the_hosts() -> None:
    to = family_target(Family("f", quirks={"max_tokens": 7}), max_tokens=5, version="v")
    sent = bind(to).encode(request())
    assert json.loads(sent.body)["max_tokens"] == 7
    assert sent.headers["anthropic-version"] == "v"


def test_what_was_decoded_is_sent_back_as_it_came() -> None:
    to = target(**ADAPTIVE)
    got = read(bind(to).decoder(SSE), [sse(*INTERLEAVED)])
    assert got.finished.native is not None
    turn = AssistantTurn((), got.finished.native)
    sent = bind(to).encode(request(ASK, turn, results("toolu_1", "toolu_2")))
    assert bytes(got.finished.native.payload) in sent.body


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """What we know to differ: a text as a list of one, and the `caller` that the API adds itself."""
    content = message["content"]
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    blocks: list[dict[str, Any]] = []
    for block in content:
        kept = {key: value for key, value in block.items() if key != "caller"}
        if kept["type"] == "tool_result" and isinstance(kept["content"], list):
            kept["content"] = "".join(piece["text"] for piece in kept["content"])
        blocks.append(kept)
    return {"role": message["role"], "content": blocks}


FOLLOWED = [
    name
    for name in cases("anthropic-messages", "bedrock-invoke-anthropic")
    if Case(name).followups and Case(name).request
]


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_next_request_is_what_another_client_sent(name: str) -> None:
    case = Case(name)
    assert case.request is not None
    to = target(**ADAPTIVE)
    got = read(bind(to).decoder(case.meta["content_type"]), [case.body])
    logged = [_plain(message) for message in case.followups[0]["messages"]]
    first = [_plain(message) for message in case.request["messages"]]
    assert len(first) == 1
    answers = tuple(
        ToolResult(block["tool_use_id"], "", block["content"])
        for block in logged[-1]["content"]
        if block["type"] == "tool_result"
    )
    turns = (
        UserTurn(first[0]["content"][0]["text"]),
        AssistantTurn((), got.finished.native),
        ToolTurn(answers),
    )
    assert [_plain(message) for message in messages(to, *turns)] == logged
