from typing import Any

import msgspec
import pytest

from tests.corpus import Case, require_corpus
from tests.providers.playback import play
from tests.providers.requests import FIND, FOREIGN, RESULTS, TURNS, body, request, turn_of
from thinkaloud.errors import ConfigurationError
from thinkaloud.events.model import ProviderPayload
from thinkaloud.events.prompt import AssistantTurn, ReasoningPart, ToolResult, ToolTurn, UserTurn
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.google_generate import bind
from thinkaloud.providers.target import Family, Target

TARGET = Target(
    host="google",
    dialect="google-generate",
    base_url="https://generativelanguage.googleapis.com",
    model="gemini-3-flash",
)


def dialect(family: Family | None = None, **quirks: object) -> Dialect:
    target = msgspec.structs.replace(TARGET, quirks=quirks)
    return bind(target if family is None else msgspec.structs.replace(target, family=family))


def test_a_conversation_with_foreign_history_in_full() -> None:
    sent = dialect().encode(
        request(*TURNS, system="Be kind.", tools=(FIND,), effort="high", max_output_tokens=900)
    )
    assert sent.path == "/v1beta/models/some-model:streamGenerateContent?alt=sse"
    assert body(sent) == {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    {"text": "See"},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "I look."},
                    {
                        "functionCall": {"name": "find", "args": {"q": "x"}, "id": "c1"},
                        "thoughtSignature": "skip_thought_signature_validator",
                    },
                    {"functionCall": {"name": "now", "args": {}, "id": "c2"}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "name": "find",
                            "response": {"output": "found"},
                            "id": "c1",
                        }
                    },
                    {
                        "functionResponse": {
                            "name": "now",
                            "response": {"error": "no clock"},
                            "id": "c2",
                        }
                    },
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "find",
                        "description": "Finds.",
                        "parametersJsonSchema": FIND.parameters,
                    }
                ]
            }
        ],
        "generationConfig": {
            "maxOutputTokens": 900,
            "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "high"},
        },
    }


def test_a_family_that_needs_no_signature_gets_none() -> None:
    sent = dialect(foreign_signature=None).encode(request(*TURNS))
    assert b"thoughtSignature" not in sent.body


def test_vertex_is_configured_by_quirks() -> None:
    vertex = dialect(
        path="/v1/projects/{project}/locations/{location}/publishers/google/models/{model}"
        ":streamGenerateContent?alt=sse",
        project="p1",
        location="europe-west1",
        models_path=None,
        call_ids=False,
    )
    sent = vertex.encode(request(UserTurn(text="Hi"), FOREIGN, RESULTS))
    assert sent.path == (
        "/v1/projects/p1/locations/europe-west1/publishers/google/models/some-model"
        ":streamGenerateContent?alt=sse"
    )
    assert b'"id"' not in sent.body
    assert vertex.models_path is None


@pytest.mark.parametrize(
    ("quirks", "effort", "config"),
    [
        ({}, None, {"includeThoughts": True}),
        ({}, "none", {"includeThoughts": False, "thinkingBudget": 0}),
        ({}, "minimal", {"includeThoughts": True, "thinkingLevel": "minimal"}),
        ({}, "max", {"includeThoughts": True, "thinkingLevel": "high"}),
        ({}, 4096, {"includeThoughts": True, "thinkingBudget": 4096}),
        ({"thinking": "budget"}, "low", {"includeThoughts": True, "thinkingBudget": 2048}),
        ({"thinking": "budget"}, "none", {"includeThoughts": False, "thinkingBudget": 0}),
        (
            {"thinking": "budget", "budgets": {"high": 32768}},
            "high",
            {"includeThoughts": True, "thinkingBudget": 32768},
        ),
    ],
)
def test_effort_becomes_a_level_or_a_budget(quirks: Any, effort: Any, config: Any) -> None:
    sent = body(dialect(**quirks).encode(request(effort=effort)))
    assert sent["generationConfig"]["thinkingConfig"] == config


def test_a_family_that_never_reasons_is_not_asked_about_thinking() -> None:
    family = Family(name="gemini-2.0", reasons="never")
    assert "generationConfig" not in body(dialect(family).encode(request(effort="none")))


def test_a_model_name_cannot_escape_its_path_segment() -> None:
    sent = dialect().encode(msgspec.structs.replace(request(), model="../x?y"))
    assert sent.path == "/v1beta/models/..%2Fx%3Fy:streamGenerateContent?alt=sse"


def test_a_native_turn_is_sent_back_byte_for_byte_and_its_missing_ids_stay_missing() -> None:
    payload = (
        b'[{"functionCall": {"name": "f",  "args": {}}, "thoughtSignature": "A/+="},'
        b'{"functionCall":{"name":"f","args":{},"id":"own"}}]'
    )
    turn = AssistantTurn(
        parts=(), native=ProviderPayload(origin=TARGET.origin, payload=msgspec.Raw(payload))
    )
    results = ToolTurn(
        results=(
            ToolResult(tool_call_id="call_0", name="f", content="1"),
            ToolResult(tool_call_id="own", name="f", content="2"),
        )
    )
    sent = dialect().encode(request(UserTurn(text="Hi"), turn, results))
    assert payload in sent.body
    assert body(sent)["contents"][2]["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "1"}}},
        {"functionResponse": {"name": "f", "response": {"output": "2"}, "id": "own"}},
    ]


@pytest.mark.parametrize("send_opaque", [True, False])
def test_opaque_parts_are_not_sent_after_a_refusal_or_to_another_model(
    send_opaque: bool,
) -> None:
    other = msgspec.structs.replace(TARGET.origin, model="gemini-2.5-pro")
    origin = other if send_opaque else TARGET.origin
    native = ProviderPayload(origin=origin, payload=msgspec.Raw(b'[{"thoughtSignature":"OPAQUE"}]'))
    turn = msgspec.structs.replace(FOREIGN, native=native)
    sent = dialect().encode(request(UserTurn(text="Hi"), turn, RESULTS, send_opaque=send_opaque))
    assert b"OPAQUE" not in sent.body
    assert b"secret thought" not in sent.body
    assert body(sent)["contents"][1]["parts"][0] == {"text": "I look."}


def test_a_turn_with_nothing_to_send_back_is_left_out() -> None:
    thought_only = AssistantTurn(parts=(ReasoningPart(text="t"),))
    sent = body(dialect().encode(request(UserTurn(text="a"), thought_only, UserTurn(text="b"))))
    assert [content["role"] for content in sent["contents"]] == ["user", "user"]


def test_tool_schemas_are_reduced_for_hosts_that_know_the_openapi_subset_only() -> None:
    tool = msgspec.structs.replace(
        FIND,
        parameters={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "a": {"type": ["string", "null"], "default": "x"},
                "b": {"const": 3},
                "c": {"$ref": "#/$defs/Node", "description": "root"},
                "d": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "e": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
                "f": {"type": ["integer", "string"]},
            },
            "required": ["a"],
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
                }
            },
        },
    )
    bare = msgspec.structs.replace(FIND, name="bare", parameters={"type": "object"})
    sent = body(dialect(tool_schema="openapi").encode(request(tools=(tool, bare))))
    assert sent["tools"][0]["functionDeclarations"] == [
        {
            "name": "find",
            "description": "Finds.",
            "parameters": {
                "type": "OBJECT",
                "properties": {
                    "a": {"type": "STRING", "nullable": True, "default": "x"},
                    "b": {"enum": [3]},
                    "c": {
                        "type": "OBJECT",
                        "description": "root",
                        "properties": {"kids": {"type": "ARRAY", "items": {"type": "OBJECT"}}},
                    },
                    "d": {"type": "INTEGER", "nullable": True},
                    "e": {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]},
                    "f": {"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]},
                },
                "required": ["a"],
            },
        },
        {"name": "bare", "description": "Finds."},
    ]


@pytest.mark.parametrize("quirks", [{"pathh": "x"}, {"thinking": "loud"}])
def test_invalid_quirks_are_configuration_errors(quirks: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="google"):
        dialect(**quirks)


@pytest.mark.parametrize(
    "name",
    [
        "google-ai/gemini3pro-thinking-tool-turn1",
        "google-ai/gemini3pro-tool-signature",
        "vertex/gemini25flash-tool",
    ],
)
def test_the_next_request_after_a_recording_is_what_another_client_sent(name: str) -> None:
    require_corpus()
    case = Case(name)
    decoded = play(dialect().decoder("text/event-stream"), [case.body])
    call = decoded.calls[0]
    result = ToolResult(tool_call_id=call.tool_call_id, name=call.name, content="40 C")
    asked = case.followups[0]["contents"]
    sent = dialect().encode(
        request(
            UserTurn(text=asked[0]["parts"][0]["text"]),
            turn_of(decoded.finished),
            ToolTurn(results=(result,)),
        )
    )
    ours = body(sent)["contents"]
    assert ours[0] == asked[0]
    theirs = asked[1]["parts"][0]
    if name == "google-ai/gemini3pro-tool-signature":
        # That client generated an id for the call, and encoded the signature in base64url.
        del theirs["functionCall"]["id"]
        theirs["thoughtSignature"] = theirs["thoughtSignature"].translate(str.maketrans("-_", "+/"))
        del asked[2]["parts"][0]["functionResponse"]["id"]
    assert ours[1] == {"role": "model", "parts": [theirs]}
    answered = asked[2]["parts"][0]["functionResponse"]
    assert ours[2]["parts"][0]["functionResponse"] == {
        **answered,
        "response": {"output": "40 C"},  # clients differ in the key; Google names this one
    }
