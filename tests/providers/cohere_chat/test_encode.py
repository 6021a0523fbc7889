from typing import Any

import msgspec
import pytest

from tests.corpus import Case, require_corpus
from tests.providers.playback import play
from tests.providers.requests import FIND, FOREIGN, TURNS, body, request, turn_of
from thinkaloud.events.model import ProviderPayload
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolResult, ToolTurn, UserTurn
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.cohere_chat import bind
from thinkaloud.providers.target import Family, Target

TARGET = Target(
    host="cohere", dialect="cohere-chat", base_url="https://api.cohere.com", model="command-a"
)


def dialect(family: Family | None = None, **quirks: object) -> Dialect:
    target = msgspec.structs.replace(TARGET, quirks=quirks)
    return bind(target if family is None else msgspec.structs.replace(target, family=family))


def test_a_conversation_with_foreign_history_in_full() -> None:
    sent = dialect().encode(
        request(*TURNS, system="Be kind.", tools=(FIND,), effort="high", max_output_tokens=900)
    )
    assert sent.path == "/v2/chat"
    assert body(sent) == {
        "model": "some-model",
        "stream": True,
        "thinking": {"type": "enabled"},
        "max_tokens": 900,
        "messages": [
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
                    },
                    {"type": "text", "text": "See"},
                ],
            },
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "find", "arguments": '{"q":  "x"}'},
                    },
                    {
                        "id": "c2",
                        "type": "function",
                        "function": {"name": "now", "arguments": "{}"},
                    },
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
            {"role": "tool", "tool_call_id": "c2", "content": "no clock"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "find",
                    "description": "Finds.",
                    "parameters": FIND.parameters,
                },
            }
        ],
    }


@pytest.mark.parametrize(
    ("quirks", "effort", "thinking"),
    [
        ({}, None, None),
        ({}, "none", {"type": "disabled"}),
        ({}, "low", {"type": "enabled"}),
        ({"budgets": {"low": 512}}, "low", {"type": "enabled", "token_budget": 512}),
        ({}, 700, {"type": "enabled", "token_budget": 700}),
    ],
)
def test_effort_becomes_the_thinking_switch(quirks: Any, effort: Any, thinking: Any) -> None:
    assert body(dialect(**quirks).encode(request(effort=effort))).get("thinking") == thinking


def test_a_family_that_never_reasons_is_not_asked_about_thinking() -> None:
    family = Family(name="command-a-03-2025", reasons="never")
    assert "thinking" not in body(dialect(family).encode(request(effort="none")))


def test_a_native_message_is_sent_back_and_stays_here_where_it_must() -> None:
    payload = b'{"role":"assistant",  "content":[{"type":"thinking","thinking":"t"}]}'
    native = ProviderPayload(origin=TARGET.origin, payload=msgspec.Raw(payload))
    turn = msgspec.structs.replace(FOREIGN, native=native)
    assert payload in dialect().encode(request(UserTurn(text="Hi"), turn)).body
    refused = dialect().encode(request(UserTurn(text="Hi"), turn, send_opaque=False)).body
    assert b"thinking" not in refused
    assert b"secret thought" not in refused


def test_a_turn_with_nothing_to_send_back_is_left_out() -> None:
    thought_only = AssistantTurn(parts=(ReasoningPart(text="t"),))
    sent = body(dialect().encode(request(UserTurn(text="a"), thought_only, UserTurn(text="b"))))
    assert [message["role"] for message in sent["messages"]] == ["user", "user"]


def test_the_next_request_after_a_recording_is_what_another_client_sent() -> None:
    require_corpus()
    case = Case("cohere/tool-plan-no-reasoning")
    theirs = case.followups[0]["messages"]
    decoded = play(dialect().decoder("text/event-stream"), [case.body])
    call = decoded.calls[0]
    content = theirs[2]["content"]
    results = ToolTurn(
        results=(ToolResult(tool_call_id=call.tool_call_id, name=call.name, content=content),)
    )
    sent = dialect().encode(
        request(UserTurn(text=theirs[0]["content"][0]["text"]), turn_of(decoded.finished), results)
    )
    _, ours, result = body(sent)["messages"]
    # That client drops the plan, sends an empty text instead and rewrites the arguments.
    assert ours.pop("tool_plan") == case.expected["tool_plan"]
    del theirs[1]["content"]
    for message in (ours, theirs[1]):
        function = message["tool_calls"][0]["function"]
        function["arguments"] = msgspec.json.decode(function["arguments"])
    assert ours == theirs[1]
    assert result == theirs[2]
