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
from thinkaloud.events.model import Keepalive, ReasoningText, ToolCall, ToolCallOpened, Usage
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.cohere_chat import bind
from thinkaloud.providers.target import Target

TARGET = Target(
    host="cohere",
    dialect="cohere-chat",
    base_url="https://api.cohere.com",
    model="command-a-reasoning",
)


def stream() -> Decoder:
    return bind(TARGET).decoder("text/event-stream")


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": kind, "delta": {"message": message}}
    return found if index is None else {**found, "index": index}


def begin(index: int, kind: str) -> dict[str, Any]:
    return event("content-start", index, content={"type": kind, kind: ""})


def more(index: int, **content: str) -> dict[str, Any]:
    return event("content-delta", index, content=content)


def arguments(index: int, text: str) -> dict[str, Any]:
    return event("tool-call-delta", index, tool_calls={"function": {"arguments": text}})


def call(index: int, call_id: str | None, name: str, text: str = "") -> dict[str, Any]:
    function = {"name": name, "arguments": text}
    return event("tool-call-start", index, tool_calls={"id": call_id, "function": function})


USAGE = {
    "billed_units": {"input_tokens": 1, "output_tokens": 2},
    "tokens": {"input_tokens": 30, "output_tokens": 20, "reasoning_tokens": 15},
    "cached_tokens": 10,
}
START = event("message-start", role="assistant", content=[], tool_plan="", tool_calls=[])


def end(reason: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **more}}


def sse(*events: dict[str, Any]) -> bytes:
    body = b"".join(
        f"event: {e.get('type')}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode()
        for e in events
    )
    return body + b"data: [DONE]\n\n"


def feed(*events: dict[str, Any]) -> DecodedResponse:
    return play(stream(), [sse(*events)])


def native(decoded: DecodedResponse) -> Any:
    assert decoded.finished.native is not None
    assert decoded.finished.native.origin == TARGET.origin
    return msgspec.json.decode(decoded.finished.native.payload)


THINKING = (
    START,
    begin(0, "thinking"),
    more(0, thinking="Où "),
    more(0, thinking="est-ce 🧭?"),
    {"type": "content-end", "index": 0},
    begin(1, "text"),
    more(1, text="Là"),
    event("citation-start", 0, citations={"start": 0, "end": 1, "text": "Là", "sources": []}),
    {"type": "citation-end", "index": 0},
    more(1, text="-bas."),
    {"type": "content-end", "index": 1},
    end(),
)
CALLS = (
    START,
    event("tool-plan-delta", tool_plan="I will "),
    event("tool-plan-delta", tool_plan="look."),
    call(0, "find_1", "find"),
    arguments(0, '{"q": '),
    arguments(0, '"x"}'),
    {"type": "tool-call-end", "index": 0},
    call(1, None, "now"),
    {"type": "tool-call-end", "index": 1},
    end("TOOL_CALL"),
)

recordings = pytest.mark.parametrize("name", cases("cohere-v2") or ["absent/absent"])


@recordings
def test_a_recording_matches_the_independent_parse(name: str) -> None:
    case = Case(name)
    decoded = play(stream(), [case.body])
    assert_as_expected(case, decoded)
    assert decoded.sequence == case.expected["sequence"]
    assert [call.arguments for call in decoded.calls] == [
        call["arguments"] for call in case.expected["tool_calls"]
    ]
    plan = case.expected.get("tool_plan") or None
    assert native(decoded).get("tool_plan") == plan


@recordings
def test_a_recording_decodes_the_same_however_it_is_split(name: str) -> None:
    case = Case(name)
    assert_cuts_do_not_matter(stream, case.body, case.network_chunks())


@recordings
def test_a_recording_that_is_cut_off_never_finishes(name: str) -> None:
    body = Case(name).body
    last = [line for line in body.splitlines() if b'"message-end"' in line][-1]
    assert_no_early_finish(stream, body, last)


def test_thinking_then_text_with_citations_between() -> None:
    decoded = feed(*THINKING)
    assert decoded.reasoning == "Où est-ce 🧭?"
    assert decoded.answer == "Là-bas."
    assert decoded.sequence == ["reasoning", "text"]
    assert decoded.finished.finish_reason == "stop"
    assert decoded.finished.reasoning_status == "shown"
    assert decoded.finished.usage == Usage(
        input_tokens=30,
        output_tokens=20,
        reasoning_tokens=15,
        cache_read_tokens=10,
        raw=USAGE,
    )
    assert native(decoded) == {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Où est-ce 🧭?"},
            {"type": "text", "text": "Là-bas."},
        ],
    }


def test_a_tool_plan_is_neither_reasoning_nor_answer_and_is_sent_back() -> None:
    decoded = feed(*CALLS)
    assert (decoded.reasoning, decoded.answer) == ("", "")
    assert decoded.calls == [
        ToolCall(tool_call_id="find_1", name="find", arguments='{"q": "x"}'),
        ToolCall(tool_call_id="call_1", name="now", arguments=""),
    ]
    assert decoded.finished.finish_reason == "tool_calls"
    assert native(decoded) == {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [
            {
                "id": "find_1",
                "type": "function",
                "function": {"name": "find", "arguments": '{"q": "x"}'},
            },
            {"id": "call_1", "type": "function", "function": {"name": "now", "arguments": ""}},
        ],
    }


def test_a_plan_and_argument_text_are_keepalives() -> None:
    decoder = stream()
    assert decoder.feed(sse(CALLS[1])) == [Keepalive()]
    assert decoder.feed(sse(CALLS[3])) == [ToolCallOpened(tool_call_id="find_1", name="find")]
    assert decoder.feed(sse(CALLS[4])) == [Keepalive()]
    assert decoder.feed(b": ping\n\n") == []


@pytest.mark.parametrize("fixture", [THINKING, CALLS])
def test_splits_do_not_matter(fixture: tuple[dict[str, Any], ...]) -> None:
    assert_cuts_do_not_matter(stream, sse(*fixture))


def test_a_second_thinking_block_is_a_new_part() -> None:
    decoded = feed(
        begin(0, "thinking"),
        more(0, thinking="a"),
        begin(1, "thinking"),
        more(1, thinking="b"),
        end(),
    )
    assert [e.part for e in decoded.events if isinstance(e, ReasoningText)] == [0, 1]
    assert [block["thinking"] for block in native(decoded)["content"]] == ["a", "b"]


def test_hidden_reasoning_is_known_by_its_tokens() -> None:
    assert feed(begin(0, "text"), more(0, text="a"), end()).finished.reasoning_status == (
        "hidden_by_provider"
    )


def test_an_unclosed_call_is_reported_at_the_end_in_order() -> None:
    decoded = feed(
        call(0, "a", "f", "{"),
        call(1, "b", "g", "{}"),
        {"type": "tool-call-end", "index": 1},
        arguments(0, "}"),
        end("TOOL_CALL"),
    )
    assert [call.tool_call_id for call in decoded.calls] == ["a", "b"]
    assert decoded.calls[0].arguments == "{}"


def test_the_output_limit_ends_by_length_even_with_calls() -> None:
    decoded = feed(call(0, "a", "f", '{"x'), end("MAX_TOKENS"))
    assert decoded.finished.finish_reason == "length"


@pytest.mark.parametrize(
    ("reason", "code", "retryable"),
    [
        ("ERROR", "provider_overloaded", True),
        ("TIMEOUT", "provider_timeout", True),
        ("ERROR_TOXIC", "provider_content_filter", False),
    ],
)
def test_an_end_by_an_error_is_a_failure(reason: str, code: str, retryable: bool) -> None:
    decoded = feed(begin(0, "text"), more(0, text="a"), end(reason, error="It went wrong"))
    assert decoded.answer == "a"
    assert (decoded.failed.code, decoded.failed.message) == (code, "It went wrong")
    assert decoded.failed.retryable is retryable
    assert decoded.failed.usage is not None


def test_plain_text_instead_of_an_event_is_a_failure() -> None:
    failed = feed(START, {"message": "internal server error", "id": "x"}).failed
    assert (failed.code, failed.message) == ("provider_stream_cut", "internal server error")


def test_a_whole_response_gives_the_same_events() -> None:
    body = {
        "id": "x",
        "finish_reason": "TOOL_CALL",
        "usage": USAGE,
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "t"}, {"type": "text", "text": "a"}],
            "tool_plan": "p",
            "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
    }
    decoded = play(bind(TARGET).decoder("application/json"), [json.dumps(body).encode()])
    assert decoded.sequence == ["reasoning", "text", "tool_call"]
    assert decoded.finished.finish_reason == "tool_calls"
    assert native(decoded) == body["message"]


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {broken\n\n",
        b'data: {"type":"content-delta","delta":{"message":{"content":{"text":5}}}}\n\n',
        b'data: {"type":"tool-call-end","index":"one"}\n\n',
        b'data: {"type":"message-end","delta":{"usage":{"tokens":7}}}\n\n',
    ],
)
def test_an_unreadable_event_is_one_failure(bad: bytes) -> None:
    before = sse(begin(0, "text"), more(0, text="before"))
    decoded = play(stream(), [before + bad + sse(end())])
    assert decoded.answer == "before"
    assert decoded.failed.code == "provider_stream_cut"


def test_a_stream_without_its_end_is_a_failure_even_with_done() -> None:
    assert feed(*THINKING[:-1]).failed.code == "provider_stream_cut"


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    play(stream(), chunks)
    play(bind(TARGET).decoder("application/json"), chunks)


@given(st.data())
def test_mutated_streams_never_raise_and_splits_never_matter(data: st.DataObject) -> None:
    body = bytearray(sse(*THINKING[:-1], *CALLS))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    whole = play(stream(), [bytes(body)])
    assert play(stream(), [bytes(body[:cut]), bytes(body[cut:])]).normalized == whole.normalized
