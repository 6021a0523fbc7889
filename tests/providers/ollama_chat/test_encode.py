from typing import Any

import msgspec
import pytest

from tests.corpus import Case, require_corpus
from tests.providers.playback import play
from tests.providers.requests import FIND, FOREIGN, TURNS, body, request, turn_of
from thinkaloud.events.model import ProviderPayload
from thinkaloud.events.prompt import ToolResult, ToolTurn, UserTurn
from thinkaloud.ports.model import Dialect
from thinkaloud.providers.dialects.ollama_chat import bind
from thinkaloud.providers.target import Family, Target

TARGET = Target(
    host="ollama", dialect="ollama-chat", base_url="http://localhost:11434", model="qwen3"
)


def dialect(family: Family | None = None, **quirks: object) -> Dialect:
    target = msgspec.structs.replace(TARGET, quirks=quirks)
    return bind(target if family is None else msgspec.structs.replace(target, family=family))


def test_a_conversation_with_foreign_history_in_full() -> None:
    sent = dialect(options={"num_ctx": 32768}).encode(
        request(*TURNS, system="Be kind.", tools=(FIND,), effort="high", max_output_tokens=900)
    )
    assert sent.path == "/api/chat"
    assert body(sent) == {
        "model": "some-model",
        "stream": True,
        "think": True,
        "options": {"num_ctx": 32768, "num_predict": 900},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "See", "images": ["iVBORw0KGgo="]},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {"id": "c1", "function": {"name": "find", "arguments": {"q": "x"}}},
                    {"id": "c2", "function": {"name": "now", "arguments": {}}},
                ],
            },
            {"role": "tool", "tool_name": "find", "tool_call_id": "c1", "content": "found"},
            {"role": "tool", "tool_name": "now", "tool_call_id": "c2", "content": "no clock"},
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
    ("think", "effort", "sent"),
    [
        ("flag", None, None),
        ("flag", "none", False),
        ("flag", "minimal", True),
        ("flag", 500, True),
        ("level", None, None),
        ("level", "minimal", "low"),
        ("level", "medium", "medium"),
        ("level", "max", "high"),
        ("level", "none", False),
        ("always_flag", None, True),
    ],
)
def test_effort_becomes_the_think_switch(think: str, effort: Any, sent: Any) -> None:
    assert body(dialect(think=think).encode(request(effort=effort))).get("think") == sent


def test_a_family_that_never_reasons_is_not_asked_to_think() -> None:
    family = Family(name="llama", reasons="never")
    assert "think" not in body(dialect(family).encode(request(effort="none")))


def test_a_native_message_is_sent_back_and_stays_here_where_it_must() -> None:
    payload = b'{"role":"assistant","content":"a",  "thinking":"t"}'
    native = ProviderPayload(origin=TARGET.origin, payload=msgspec.Raw(payload))
    turn = msgspec.structs.replace(FOREIGN, native=native)
    assert payload in dialect().encode(request(UserTurn(text="Hi"), turn)).body
    refused = dialect().encode(request(UserTurn(text="Hi"), turn, send_opaque=False)).body
    assert b"thinking" not in refused
    assert b"secret thought" not in refused


def test_the_next_request_after_a_recording_is_what_another_client_sent() -> None:
    require_corpus()
    case = Case("ollama-native/qwen3-think-tool-turn1")
    theirs = case.followups[0]["messages"]
    decoded = play(dialect().decoder("application/x-ndjson"), [case.body])
    call = decoded.calls[0]
    content = theirs[3]["content"]
    results = ToolTurn(
        results=(ToolResult(tool_call_id=call.tool_call_id, name=call.name, content=content),)
    )
    sent = dialect().encode(
        request(
            UserTurn(text=theirs[1]["content"]),
            turn_of(decoded.finished),
            results,
            system=theirs[0]["content"],
        )
    )
    ours = body(sent)["messages"]
    # That client leaves the ids away and names the type of the call.
    del ours[2]["tool_calls"][0]["id"]
    del ours[3]["tool_call_id"]
    del theirs[2]["tool_calls"][0]["type"]
    assert ours == theirs
