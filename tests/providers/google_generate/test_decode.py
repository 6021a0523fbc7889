import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.corpus import Case, cases
from tests.providers.playback import (
    DecodedResponse,
    assert_as_expected,
    assert_cuts_do_not_matter,
    assert_no_early_finish,
    play,
)
from thinkaloud.events.model import (
    AnswerText,
    Keepalive,
    ModelFailed,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    Usage,
)
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.google_generate import bind
from thinkaloud.providers.target import Target

TARGET = Target(
    host="google",
    dialect="google-generate",
    base_url="https://generativelanguage.googleapis.com",
    model="gemini-3-flash",
)


def stream() -> Decoder:
    return bind(TARGET).decoder("text/event-stream")


def chunk(*parts: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-3-flash", **more}


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(
        b"data: " + json.dumps(c, ensure_ascii=False).encode() + b"\r\n\r\n" for c in chunks
    )


def feed(*chunks: dict[str, Any]) -> DecodedResponse:
    return play(stream(), [sse(*chunks)])


def native(decoded: DecodedResponse) -> Any:
    assert decoded.finished.native is not None
    assert decoded.finished.native.origin == TARGET.origin
    return msgspec.json.decode(decoded.finished.native.payload)


USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}
THINKING = (
    chunk({"text": "Añadir ", "thought": True}),
    chunk({"text": "números 🧮", "thought": True}),
    chunk({"text": "Es "}),
    chunk({"text": "cuatro."}),
    chunk({"text": "", "thoughtSignature": "c2lnbg=="}, finish="STOP", usageMetadata=USAGE),
)
CALLS = (
    chunk({"text": "Look.", "thought": True}),
    chunk(
        {
            "functionCall": {"name": "find", "args": {"q": "é", "n": [1, 2]}},
            "thoughtSignature": "QUJD",
        },
        {"functionCall": {"name": "find", "args": {}, "id": "own"}},
    ),
    chunk({"text": ""}, finish="STOP", usageMetadata=USAGE),
)

recordings = pytest.mark.parametrize("name", cases("google-generatecontent") or ["absent/absent"])


@recordings
def test_a_recording_matches_the_independent_parse(name: str) -> None:
    case = Case(name)
    decoded = play(stream(), [case.body])
    assert_as_expected(case, decoded)
    assert decoded.sequence == case.expected["sequence"]
    assert [json.loads(call.arguments) for call in decoded.calls] == [
        json.loads(call["arguments"]) for call in case.expected["tool_calls"]
    ]
    status = decoded.finished.reasoning_status
    if case.expected["reasoning"]:
        assert status == "shown"
    else:
        hidden = case.expected["reasoning_tokens"] or case.expected["signatures_present"]
        assert status == ("hidden_by_provider" if hidden else "none")


@recordings
def test_a_recording_decodes_the_same_however_it_is_split(name: str) -> None:
    case = Case(name)
    assert_cuts_do_not_matter(stream, case.body, case.network_chunks())


@recordings
def test_a_recording_that_is_cut_off_never_finishes(name: str) -> None:
    assert_no_early_finish(stream, Case(name).body, b'"finishReason"')


@recordings
def test_every_signature_of_a_recording_is_sent_back_in_its_place_byte_for_byte(name: str) -> None:
    case = Case(name)
    signed = [
        part
        for line in case.body.splitlines()
        if line.startswith(b"data: ")
        for candidate in json.loads(line[6:]).get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
        if "thoughtSignature" in part
    ]
    assert [part for part in native(play(stream(), [case.body])) if "thoughtSignature" in part] == (
        signed
    )


@recordings
def test_a_recording_as_one_json_array_gives_the_same(name: str) -> None:
    case = Case(name)
    lines = [line[6:] for line in case.body.splitlines() if line.startswith(b"data: ")]
    array = b"[" + b",\r\n".join(lines) + b"]"
    decoder = bind(TARGET).decoder("application/json; charset=UTF-8")
    assert play(decoder, [array]).normalized == play(stream(), [case.body]).normalized


def test_thoughts_then_text_then_a_lone_signature() -> None:
    decoded = feed(*THINKING)
    assert decoded.reasoning == "Añadir números 🧮"
    assert decoded.answer == "Es cuatro."
    assert decoded.sequence == ["reasoning", "text"]
    assert decoded.finished.finish_reason == "stop"
    assert decoded.finished.reasoning_status == "shown"
    assert decoded.finished.usage == Usage(
        input_tokens=10, output_tokens=12, reasoning_tokens=7, raw=USAGE
    )
    assert native(decoded) == [
        {"text": "Añadir números 🧮", "thought": True},
        {"text": "Es cuatro."},
        {"text": "", "thoughtSignature": "c2lnbg=="},
    ]


@pytest.mark.parametrize("fixture", [THINKING, CALLS])
def test_splits_do_not_matter(fixture: tuple[dict[str, Any], ...]) -> None:
    assert_cuts_do_not_matter(stream, sse(*fixture))


def test_calls_come_whole_and_missing_ids_are_given() -> None:
    decoded = feed(*CALLS)
    assert decoded.calls == [
        ToolCall(tool_call_id="call_0", name="find", arguments='{"q":"é","n":[1,2]}'),
        ToolCall(tool_call_id="own", name="find", arguments="{}"),
    ]
    assert decoded.finished.finish_reason == "tool_calls"
    assert decoded.finished.raw_finish_reason == "STOP"
    assert native(decoded)[1]["thoughtSignature"] == "QUJD"
    assert "id" not in native(decoded)[1]["functionCall"]


def test_signed_text_is_an_answer_and_is_never_merged() -> None:
    decoded = feed(
        chunk({"text": "a"}),
        chunk({"text": "b", "thoughtSignature": "U0lH"}),
        chunk({"text": "c"}, finish="STOP"),
    )
    assert (decoded.reasoning, decoded.answer) == ("", "abc")
    assert native(decoded) == [
        {"text": "a"},
        {"text": "b", "thoughtSignature": "U0lH"},
        {"text": "c"},
    ]
    assert decoded.finished.reasoning_status == "hidden_by_provider"


def test_thoughts_may_come_again_after_text() -> None:
    decoded = feed(
        chunk({"text": "1", "thought": True}, {"text": "2"}),
        chunk({"text": "3", "thought": True}),
        chunk({"text": "4"}, finish="STOP"),
    )
    assert decoded.sequence == ["reasoning", "text", "reasoning", "text"]


def test_thoughts_that_used_up_the_limit_end_by_length() -> None:
    decoded = feed(chunk({"text": "1", "thought": True}, finish="MAX_TOKENS"))
    assert decoded.finished.finish_reason == "length"
    assert decoded.answer == ""


def test_a_call_cut_by_the_limit_ends_by_length() -> None:
    decoded = feed(chunk({"functionCall": {"name": "f"}}, finish="MAX_TOKENS"))
    assert decoded.finished.finish_reason == "length"
    assert decoded.calls[0].arguments == "{}"


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII"])
def test_a_filter_in_the_answer_is_a_failure_that_keeps_what_came_before(reason: str) -> None:
    decoded = feed(chunk({"text": "so far"}), chunk(finish=reason, usageMetadata=USAGE))
    assert decoded.answer == "so far"
    assert decoded.failed.code == "provider_content_filter"
    assert reason in decoded.failed.message
    assert not decoded.failed.retryable
    assert decoded.failed.usage is not None
    assert decoded.failed.usage.output_tokens == 12


def test_a_blocked_prompt_is_a_content_filter() -> None:
    decoded = feed({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": USAGE})
    assert decoded.failed.code == "provider_content_filter"
    assert decoded.failed.usage is not None


def test_a_malformed_call_is_a_retryable_failure() -> None:
    decoded = feed(
        {
            "candidates": [
                {"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed: print("}
            ]
        }
    )
    assert decoded.end == ModelFailed(
        code="provider_stream_cut", message="Malformed: print(", retryable=True
    )


def test_an_error_inside_the_stream_keeps_its_code_and_retry_after() -> None:
    decoded = feed(
        chunk({"text": "a"}),
        {
            "error": {
                "code": 429,
                "message": "Slow down",
                "status": "RESOURCE_EXHAUSTED",
                "details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "1.5s"}],
            }
        },
    )
    assert decoded.answer == "a"
    assert decoded.end == ModelFailed(
        code="provider_rate_limit", message="Slow down", retryable=True, retry_after=1.5
    )


def test_code_that_google_runs_itself_is_a_server_item_and_is_sent_back() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}
    decoded = feed(chunk(code, result, {"text": "2"}, finish="STOP"))
    kinds = [event.kind for event in decoded.events if isinstance(event, ServerToolActivity)]
    assert kinds == ["executableCode", "codeExecutionResult"]
    assert native(decoded) == [code, result, {"text": "2"}]


def test_a_finish_reason_on_every_chunk_does_not_cut_the_answer() -> None:
    decoded = feed(chunk({"text": "a"}, finish="STOP"), chunk({"text": "b"}, finish="STOP"))
    assert decoded.answer == "ab"


def test_a_chunk_without_text_is_a_keepalive_and_a_comment_is_not() -> None:
    decoder = stream()
    assert decoder.feed(sse({"usageMetadata": USAGE})) == [Keepalive()]
    assert decoder.feed(b": still here\n\n") == []
    assert decoder.feed(sse(chunk({"text": "", "thought": True}))) == [Keepalive()]


def test_a_whole_response_gives_the_same_events() -> None:
    body = chunk(
        {"text": "t", "thought": True},
        {"text": "a"},
        {"functionCall": {"name": "f", "args": {"x": 1}}},
        finish="STOP",
    )
    decoder = bind(TARGET).decoder("application/json")
    assert decoder.feed(json.dumps(body).encode()) == []
    decoded = DecodedResponse(decoder.close())
    assert decoded.sequence == ["reasoning", "text", "tool_call"]
    assert decoded.finished.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {broken\n\n",
        b"data: {}{}\n\n",
        b'data: {"candidates": 5}\n\n',
        b'data: {"candidates":[{"content":{"parts":[{"text":5}]}}]}\n\n',
        b'data: {"usageMetadata":{"promptTokenCount":"many"}}\n\n',
        b'data: {"candidates":[{"content":{"parts":[{"unknown":"\xff"}]}}]}\n\n',
        b'data: {"x":' + b"[" * 100_000 + b"\n\n",
    ],
)
def test_an_unreadable_event_is_one_failure_after_the_earlier_output(bad: bytes) -> None:
    decoded = play(stream(), [sse(chunk({"text": "before"})) + bad + sse(chunk({"text": "after"}))])
    assert decoded.answer == "before"
    assert (decoded.failed.code, decoded.failed.retryable) == ("provider_stream_cut", True)


def test_an_empty_body_is_a_failure() -> None:
    assert play(stream(), []).failed.code == "provider_stream_cut"
    assert play(bind(TARGET).decoder("application/json"), [b"[]"]).failed.code == (
        "provider_stream_cut"
    )


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    play(stream(), chunks)
    play(bind(TARGET).decoder("application/json"), chunks)


@given(st.data())
def test_mutated_streams_never_raise_and_splits_never_matter(data: st.DataObject) -> None:
    body = bytearray(sse(*THINKING, *CALLS))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    whole = play(stream(), [bytes(body)])
    assert play(stream(), [bytes(body[:cut]), bytes(body[cut:])]).normalized == whole.normalized


def test_reasoning_of_one_response_stays_one_part() -> None:
    parts = {event.part for event in feed(*THINKING).events if isinstance(event, ReasoningText)}
    assert parts == {0}
    assert AnswerText(text="Es ") in feed(*THINKING).events
