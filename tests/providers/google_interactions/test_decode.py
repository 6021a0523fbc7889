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
    ModelFailed,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.google_interactions import bind
from thinkaloud.providers.target import Target

TARGET = Target(
    host="google",
    dialect="google-interactions",
    base_url="https://generativelanguage.googleapis.com",
    model="gemini-3-flash",
)


def stream() -> Decoder:
    return bind(TARGET).decoder("text/event-stream")


def start(index: int, **step: Any) -> dict[str, Any]:
    return {"event_type": "step.start", "index": index, "step": step}


def delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"event_type": "step.delta", "index": index, "delta": delta}


def thought(index: int, text: str) -> dict[str, Any]:
    return delta(index, type="thought_summary", content={"type": "text", "text": text})


def stop(index: int) -> dict[str, Any]:
    return {"event_type": "step.stop", "index": index}


USAGE = {"total_input_tokens": 4, "total_output_tokens": 5, "total_thought_tokens": 6}


def completed(status: str = "completed", **more: Any) -> dict[str, Any]:
    interaction = {"status": status, "usage": USAGE, **more}
    return {"event_type": "interaction.completed", "interaction": interaction}


def sse(*events: dict[str, Any]) -> bytes:
    body = b"".join(
        f"event: {e['event_type']}\ndata: {json.dumps(e, ensure_ascii=False)}\n\n".encode()
        for e in events
    )
    return body + b"event: done\ndata: [DONE]\n\n"


def feed(*events: dict[str, Any]) -> DecodedResponse:
    return play(stream(), [sse(*events)])


def native(decoded: DecodedResponse) -> Any:
    assert decoded.finished.native is not None
    assert decoded.finished.native.origin == TARGET.origin
    return msgspec.json.decode(decoded.finished.native.payload)


FULL = (
    {"event_type": "interaction.created", "interaction": {"id": "i", "status": "in_progress"}},
    start(0, type="thought"),
    thought(0, "Zähle "),
    thought(0, "die 🍎"),
    delta(0, type="thought_signature", signature="AA=="),
    stop(0),
    start(1, type="thought"),
    thought(1, "Noch einmal."),
    delta(1, type="thought_signature", signature="BB=="),
    stop(1),
    start(2, type="model_output"),
    delta(2, type="text", text="Es sind "),
    delta(2, type="text", text="drei."),
    stop(2),
    start(3, type="function_call", id="c1", name="add", arguments={}, signature=""),
    delta(3, type="arguments_delta", arguments='{"x": '),
    delta(3, type="arguments_delta", arguments="1}"),
    stop(3),
    start(4, type="function_call", name="now", arguments={"z": 0}),
    stop(4),
    completed("requires_action"),
)

recordings = pytest.mark.parametrize("name", cases("google-interactions") or ["absent/absent"])


@recordings
def test_a_recording_matches_the_independent_parse(name: str) -> None:
    case = Case(name)
    decoded = play(stream(), [case.body])
    assert_as_expected(case, decoded)
    assert [call.arguments for call in decoded.calls] == [
        call["arguments"] for call in case.expected["tool_calls"]
    ]
    # The parse counts a thought without a summary as reasoning; here it has no text to show.
    shown = case.expected["reasoning"] != ""
    words = [word for word in case.expected["sequence"] if shown or word != "reasoning"]
    assert decoded.sequence == words
    assert decoded.finished.reasoning_status == ("shown" if shown else "hidden_by_provider")


@recordings
def test_a_recording_decodes_the_same_however_it_is_split(name: str) -> None:
    case = Case(name)
    assert_cuts_do_not_matter(stream, case.body, case.network_chunks())


@recordings
def test_a_recording_that_is_cut_off_never_finishes(name: str) -> None:
    body = Case(name).body
    last = [line for line in body.splitlines() if b'"interaction.completed"' in line][-1]
    assert_no_early_finish(stream, body, last)


def test_a_whole_stream() -> None:
    decoded = feed(*FULL)
    assert decoded.reasoning == "Zähle die 🍎Noch einmal."
    assert [e.part for e in decoded.events if isinstance(e, ReasoningText)] == [0, 0, 1]
    assert decoded.answer == "Es sind drei."
    assert decoded.calls == [
        ToolCall(tool_call_id="c1", name="add", arguments='{"x": 1}'),
        ToolCall(tool_call_id="call_1", name="now", arguments='{"z":0}'),
    ]
    assert decoded.sequence == ["reasoning", "text", "tool_call"]
    assert decoded.finished.finish_reason == "tool_calls"
    assert decoded.finished.raw_finish_reason == "requires_action"
    assert decoded.finished.usage == Usage(
        input_tokens=4, output_tokens=11, reasoning_tokens=6, raw=USAGE
    )
    assert native(decoded) == [
        {
            "type": "thought",
            "signature": "AA==",
            "summary": [{"type": "text", "text": "Zähle die 🍎"}],
        },
        {
            "type": "thought",
            "signature": "BB==",
            "summary": [{"type": "text", "text": "Noch einmal."}],
        },
        {"type": "model_output", "content": [{"type": "text", "text": "Es sind drei."}]},
        {"type": "function_call", "id": "c1", "name": "add", "arguments": {"x": 1}},
        {"type": "function_call", "id": "call_1", "name": "now", "arguments": {"z": 0}},
    ]


def test_splits_do_not_matter() -> None:
    assert_cuts_do_not_matter(stream, sse(*FULL))


def test_a_call_is_opened_when_its_name_is_known_and_completed_at_its_stop() -> None:
    decoder = stream()
    opened = decoder.feed(sse(start(0, type="function_call", id="c", name="f", arguments={})))
    assert opened == [ToolCallOpened(tool_call_id="c", name="f")]
    assert decoder.feed(sse(stop(0))) == [ToolCall(tool_call_id="c", name="f", arguments="{}")]


def test_calls_keep_the_order_in_which_they_began() -> None:
    decoded = feed(
        start(0, type="function_call", id="a", name="f", arguments={}),
        start(1, type="function_call", id="b", name="g", arguments={}),
        stop(1),
        delta(0, type="arguments_delta", arguments='{"late":1}'),
        completed(),
    )
    assert [call.tool_call_id for call in decoded.calls] == ["a", "b"]
    assert decoded.calls[0].arguments == '{"late":1}'
    assert decoded.finished.finish_reason == "tool_calls"


def test_a_signature_without_a_summary_is_hidden_reasoning_that_is_sent_back() -> None:
    decoded = feed(
        start(0, type="thought"),
        delta(0, type="thought_signature", signature="AA=="),
        delta(0, type="thought_signature", signature=""),
        stop(0),
        start(1, type="model_output"),
        delta(1, type="text", text="hi"),
        completed(usage={"total_output_tokens": 1}),
    )
    assert decoded.finished.reasoning_status == "hidden_by_provider"
    assert native(decoded)[0] == {"type": "thought", "signature": "AA=="}


def test_a_search_that_google_does_itself_is_a_server_item_and_is_sent_back() -> None:
    decoded = feed(
        start(0, type="google_search_call", id="s", signature=""),
        delta(0, type="google_search_call", arguments={"queries": ["q"]}),
        stop(0),
        start(1, type="google_search_result", call_id="s", signature="CC=="),
        delta(1, type="google_search_result", result=[{"url": "u"}], signature=""),
        stop(1),
        start(2, type="model_output"),
        delta(2, type="text", text="found"),
        delta(2, type="text_annotation_delta", annotations=[{"type": "url_citation"}]),
        stop(2),
        completed(),
    )
    kinds = [event.kind for event in decoded.events if isinstance(event, ServerToolActivity)]
    assert kinds == ["google_search_call", "google_search_result"]
    assert native(decoded) == [
        {"type": "google_search_call", "id": "s", "arguments": {"queries": ["q"]}},
        {
            "type": "google_search_result",
            "call_id": "s",
            "signature": "CC==",
            "result": [{"url": "u"}],
        },
        {"type": "model_output", "content": [{"type": "text", "text": "found"}]},
    ]


def test_an_image_in_the_answer_is_sent_back_in_its_place() -> None:
    decoded = feed(
        start(0, type="model_output"),
        delta(0, type="text", text="a"),
        delta(0, type="image", mime_type="image/png", data="AAAA"),
        delta(0, type="text", text="b"),
        completed(),
    )
    assert [item["type"] for item in native(decoded)[0]["content"]] == ["text", "image", "text"]


def test_a_response_that_did_not_stream_gives_the_same_events() -> None:
    body = {
        "status": "completed",
        "usage": USAGE,
        "steps": [
            {"type": "thought", "signature": "A", "summary": [{"type": "text", "text": "t"}]},
            {"type": "model_output", "content": [{"type": "text", "text": "a"}]},
            {"type": "function_call", "id": "c", "name": "f", "arguments": {"x": 1}},
        ],
    }
    decoded = play(bind(TARGET).decoder("application/json"), [json.dumps(body).encode()])
    assert (decoded.reasoning, decoded.answer) == ("t", "a")
    assert decoded.calls == [ToolCall(tool_call_id="c", name="f", arguments='{"x":1}')]
    assert decoded.finished.usage is not None
    assert native(decoded) == body["steps"]


def test_the_older_blocks_are_read_as_steps() -> None:
    decoded = feed(
        {"event_type": "content.start", "index": 0, "content": {"type": "thought"}},
        {**thought(0, "t"), "event_type": "content.delta"},
        {"event_type": "content.stop", "index": 0},
        {"event_type": "content.start", "index": 1, "content": {"type": "text", "text": ""}},
        {**delta(1, type="text", text="a"), "event_type": "content.delta"},
        {"event_type": "content.start", "index": 2, "content": {"type": "function_call"}},
        {
            **delta(2, type="function_call", id="c", name="f", arguments={"x": 1}),
            "event_type": "content.delta",
        },
        {"event_type": "content.stop", "index": 2},
        {**completed(), "event_type": "interaction.complete"},
    )
    assert decoded.sequence == ["reasoning", "text", "tool_call"]
    assert decoded.calls[0].arguments == '{"x":1}'
    assert native(decoded)[1]["type"] == "model_output"


def test_a_response_cut_by_the_limit_ends_by_length() -> None:
    assert feed(completed("incomplete")).finished.finish_reason == "length"


def test_a_failed_interaction_is_a_failure_with_its_message() -> None:
    error = {"code": "internal", "message": "It broke"}
    decoded = feed(completed("failed", error=error))
    assert (decoded.failed.code, decoded.failed.message) == ("provider_overloaded", "It broke")
    assert decoded.failed.usage is not None


def test_an_error_event_is_a_failure() -> None:
    event = {"event_type": "error", "error": {"code": "gateway_timeout", "message": "Late"}}
    assert feed(event).end == ModelFailed(code="provider_timeout", message="Late", retryable=True)


@pytest.mark.parametrize(
    "bad",
    [
        b"data: {broken\n\n",
        b'data: {"event_type":"step.delta","index":9,"delta":{"type":"made_up","text":"x"}}\n\n',
        b'data: {"event_type":"step.start","index":1,"step":{}}\n\n',
        b'data: {"event_type":"step.delta","index":0,"delta":{"type":"text","text":5}}\n\n',
    ],
)
def test_an_unreadable_event_is_one_failure(bad: bytes) -> None:
    before = sse(start(0, type="model_output"), delta(0, type="text", text="before"))
    decoded = play(stream(), [before + bad + sse(completed())])
    assert decoded.answer == "before"
    assert decoded.failed.code == "provider_stream_cut"


def test_a_stream_without_its_end_is_a_failure() -> None:
    assert feed(*FULL[:-1]).failed.code == "provider_stream_cut"


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    play(stream(), chunks)
    play(bind(TARGET).decoder("application/json"), chunks)


@given(st.data())
def test_mutated_streams_never_raise_and_splits_never_matter(data: st.DataObject) -> None:
    body = bytearray(sse(*FULL))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    whole = play(stream(), [bytes(body)])
    assert play(stream(), [bytes(body[:cut]), bytes(body[cut:])]).normalized == whole.normalized
