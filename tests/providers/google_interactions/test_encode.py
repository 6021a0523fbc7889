from typing import Any

import msgspec
import pytest

from tests.corpus import Case, require_corpus
from tests.providers.playback import play
from tests.providers.requests import FIND, FOREIGN, RESULTS, TURNS, body, request, turn_of
from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import ProviderPayload
from thinkaloud.events.prompt import AssistantTurn, UserTurn
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.google_interactions import bind
from thinkaloud.providers.target import Family, Target

TARGET = Target(
    host="google",
    dialect="google-interactions",
    base_url="https://generativelanguage.googleapis.com",
    model="gemini-3-flash",
)


def dialect(family: Family | None = None, **quirks: object) -> Dialect:
    target = msgspec.structs.replace(TARGET, quirks=quirks)
    return bind(target if family is None else msgspec.structs.replace(target, family=family))


def test_a_conversation_with_foreign_history_in_full() -> None:
    sent = dialect().encode(
        request(*TURNS, system="Be kind.", tools=(FIND,), effort="max", max_output_tokens=900)
    )
    assert sent.path == "/v1beta/interactions"
    assert sent.headers == {"Api-Revision": "2026-05-20"}
    assert body(sent) == {
        "model": "some-model",
        "store": False,
        "stream": True,
        "system_instruction": "Be kind.",
        "input": [
            {
                "type": "user_input",
                "content": [
                    {"type": "image", "mime_type": "image/png", "data": "iVBORw0KGgo="},
                    {"type": "text", "text": "See"},
                ],
            },
            {"type": "model_output", "content": [{"type": "text", "text": "I look."}]},
            {"type": "function_call", "id": "c1", "name": "find", "arguments": {"q": "x"}},
            {"type": "function_call", "id": "c2", "name": "now", "arguments": {}},
            {
                "type": "function_result",
                "call_id": "c1",
                "name": "find",
                "result": [{"type": "text", "text": "found"}],
            },
            {
                "type": "function_result",
                "call_id": "c2",
                "name": "now",
                "result": [{"type": "text", "text": "no clock"}],
                "is_error": True,
            },
        ],
        "tools": [
            {
                "type": "function",
                "name": "find",
                "description": "Finds.",
                "parameters": FIND.parameters,
            }
        ],
        "generation_config": {
            "max_output_tokens": 900,
            "thinking_summaries": "auto",
            "thinking_level": "high",
        },
    }


@pytest.mark.parametrize(
    ("effort", "config"),
    [
        (None, {"thinking_summaries": "auto"}),
        ("none", {"thinking_summaries": "none", "thinking_level": "minimal"}),
        ("low", {"thinking_summaries": "auto", "thinking_level": "low"}),
    ],
)
def test_effort_becomes_a_level(effort: Any, config: Any) -> None:
    assert body(dialect().encode(request(effort=effort)))["generation_config"] == config


def test_a_token_budget_cannot_be_sent_to_this_api() -> None:
    with pytest.raises(InvalidRequest) as raised:
        dialect().encode(request(effort=1000))
    assert raised.value.field == "reasoning_effort"


def test_a_family_that_never_reasons_is_not_asked_about_thinking() -> None:
    family = Family(name="plain", reasons="never")
    assert "generation_config" not in body(dialect(family).encode(request(effort="none")))


def test_a_foreign_call_can_be_given_a_signature() -> None:
    sent = body(
        dialect(foreign_signature="skip").encode(request(UserTurn(text="a"), FOREIGN, RESULTS))
    )
    calls = [step for step in sent["input"] if step["type"] == "function_call"]
    assert [call.get("signature") for call in calls] == ["skip", None]


def test_native_steps_are_sent_back_byte_for_byte_among_the_others() -> None:
    steps = [b'{"type":"thought",  "signature":"A/+="}', b'{"type":"model_output","content":[]}']
    payload = msgspec.Raw(b"[" + b" , ".join(steps) + b"]")
    turn = AssistantTurn(parts=(), native=ProviderPayload(origin=TARGET.origin, payload=payload))
    sent = dialect().encode(request(UserTurn(text="a"), turn, UserTurn(text="b")))
    assert b",".join(steps) in sent.body
    assert [step["type"] for step in body(sent)["input"]] == [
        "user_input",
        "thought",
        "model_output",
        "user_input",
    ]
    refused = dialect().encode(request(UserTurn(text="a"), turn, send_opaque=False))
    assert b"signature" not in refused.body


def test_the_next_request_after_a_recording_carries_its_steps() -> None:
    require_corpus()
    case = Case("google-interactions/tool-calls")
    decoded = play(dialect().decoder("text/event-stream"), [case.body])
    sent = body(dialect().encode(request(UserTurn(text="a"), turn_of(decoded.finished), RESULTS)))
    thought, first, second = sent["input"][1:4]
    assert thought == {"type": "thought", "signature": case_signature(case)}
    assert (first["type"], first["name"], first["arguments"]) == (
        "function_call",
        "add",
        {"x": 2, "y": 3},
    )
    assert (first["id"], second["id"]) == tuple(call.tool_call_id for call in decoded.calls)


def case_signature(case: Case) -> str:
    for line in case.body.splitlines():
        if b'"thought_signature"' in line:
            return msgspec.json.decode(line.removeprefix(b"data: "))["delta"]["signature"]
    raise AssertionError("the recording has no signature")
