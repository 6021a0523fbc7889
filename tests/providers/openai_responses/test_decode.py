"""Decoding each variant of the Responses API, and each way that a response ends."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.openai_responses import wire
from tests.providers.openai_responses.wire import (
    FC,
    MSG,
    RAW,
    RS,
    USAGE,
    VARIANTS,
    added,
    cut,
    decode,
    delta,
    done,
    end,
    normalized,
    payload,
    sse,
)
from tests.thoroughness import cut_interval
from thinkaloud.events.model import (
    AnswerText,
    Keepalive,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
    Usage,
)

HI = AnswerText("Hi 👋.")
COUNT = ReasoningText("We count.", 0)
SUMMARY = [ReasoningText("Añade.", 0), ReasoningText("Weigh.", 1)]
CALL = [ToolCallOpened("call_a", "look"), ToolCall("call_a", "look", '{"at":"ñ"}')]
COUNTED = Usage(
    input_tokens=10,
    output_tokens=9,
    reasoning_tokens=5,
    cache_read_tokens=4,
    raw=USAGE,
)

SAID: dict[str, list[ModelEvent]] = {
    "openai": [*SUMMARY, *CALL],
    "openrouter": [COUNT, HI],
    "copilot": [*SUMMARY, HI],
    "codex": [*SUMMARY, HI],
    "lm studio": [COUNT, *CALL],
    "mantle": [COUNT, HI],
    "server tools": [ServerToolActivity("web_search_call"), HI],
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_decodes_reasoning_answer_and_calls_once_and_in_order(variant: str) -> None:
    events = normalized(decode(VARIANTS[variant]))
    assert events[:-1] == SAID[variant]
    last = events[-1]
    assert isinstance(last, ModelFinished)
    assert last.finish_reason == ("tool_calls" if CALL[0] in events else "stop")
    assert last.raw_finish_reason == "completed"
    assert last.usage == COUNTED
    hidden = variant == "server tools"
    assert last.reasoning_status == ("hidden_by_provider" if hidden else "shown")


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_decodes_the_same_split_at_any_byte(variant: str) -> None:
    body = VARIANTS[variant]
    whole = normalized(decode(body))
    for at in range(0, len(body), cut_interval(len(body))):
        assert normalized(decode([body[:at], body[at:]])) == whole
    assert normalized(decode([bytes([byte]) for byte in body])) == whole


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_cut_off_anywhere_before_its_end_fails_and_keeps_what_came(
    variant: str,
) -> None:
    body = VARIANTS[variant]
    whole = normalized(decode(body))
    for at in range(0, body.index(b'"type": "response.completed"'), 7):
        *before, last = normalized(decode(body[:at]))
        assert isinstance(last, ModelFailed)
        assert (last.code, last.retryable) == ("provider_stream_cut", True)
        for event, expected in zip(before, whole, strict=False):
            if isinstance(event, AnswerText | ReasoningText):
                assert isinstance(expected, type(event))
                assert expected.text.startswith(event.text)  # type: ignore[union-attr]
            else:
                assert event == expected


def test_the_payload_has_the_items_as_they_ended_and_not_as_they_started() -> None:
    last = decode(VARIANTS["openai"])[-1]
    assert isinstance(last, ModelFinished)
    assert last.native is not None
    assert last.native.origin == wire.dialect().origin
    reasoning = {key: value for key, value in RS.items() if key != "status"}
    call = {key: value for key, value in FC.items() if key != "status"}
    assert payload(last.native) == [reasoning, call]
    assert json.dumps(RS["encrypted_content"]).encode() in bytes(last.native.payload)


def test_the_payload_follows_the_output_index_and_keeps_the_phase_without_log_probabilities() -> (
    None
):
    last = decode(VARIANTS["openrouter"])[-1]
    assert isinstance(last, ModelFinished)
    assert [item["type"] for item in payload(last.native)] == ["reasoning", "message"]
    message = payload(last.native)[1]
    assert message["phase"] == "final_answer"
    assert message["content"] == [{"type": "output_text", "text": "Hi 👋.", "annotations": []}]


def test_copilots_encrypted_item_is_sent_back_with_the_id_that_it_ended_with() -> None:
    last = decode(VARIANTS["copilot"])[-1]
    assert isinstance(last, ModelFinished)
    assert [item["id"] for item in payload(last.native)] == ["d", "g"]


def test_ids_can_be_stripped_from_all_of_the_models_items() -> None:
    last = decode(VARIANTS["server tools"], item_ids="strip")[-1]
    assert isinstance(last, ModelFinished)
    assert ["id" in item for item in payload(last.native)] == [False, True, False]


def test_reasoning_that_nothing_follows_is_never_sent_back() -> None:
    reason = {"reason": "max_output_tokens"}
    body = sse(done(0, RS), end("incomplete", incomplete_details=reason, usage=USAGE))
    *_, last = decode(body)
    assert isinstance(last, ModelFinished)
    assert (last.finish_reason, last.raw_finish_reason) == (
        "length",
        "incomplete:max_output_tokens",
    )
    assert last.native is None
    after = decode(sse(done(0, MSG), done(1, RS), end()))[-1]
    assert isinstance(after, ModelFinished)
    assert [item["type"] for item in payload(after.native)] == ["message"]
    kept = decode(sse(done(0, MSG), done(1, RS), end()), trailing_reasoning=True)[-1]
    assert isinstance(kept, ModelFinished)
    assert [item["type"] for item in payload(kept.native)] == ["message", "reasoning"]


def test_if_reasoning_cannot_be_sent_back_no_item_refers_to_it() -> None:
    bare = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": None}
    last = decode(sse(done(0, bare), done(1, wire.SEARCH), done(2, bare), done(3, FC), end()))[-1]
    assert isinstance(last, ModelFinished)
    assert payload(last.native) == [
        {key: value for key, value in FC.items() if key not in {"id", "status"}}
    ]
    kept = decode(sse(done(0, bare), done(1, FC), end()), bare_reasoning=True)[-1]
    assert isinstance(kept, ModelFinished)
    assert payload(kept.native)[0] == {"type": "reasoning", "id": "rs_1", "summary": []}


def test_reasoning_can_be_repeated_before_each_of_several_calls() -> None:
    other = {**FC, "id": "fc_2", "call_id": "call_b"}
    body = sse(done(0, RAW), done(1, FC), done(2, other), end())
    last = decode(body, reasoning_before_each_call=True)[-1]
    assert isinstance(last, ModelFinished)
    kinds = [item["type"] for item in payload(last.native)]
    assert kinds == ["reasoning", "function_call", "reasoning", "function_call"]


def test_a_call_cut_by_a_limit_is_opened_but_neither_reported_nor_sent_back() -> None:
    body = sse(
        done(0, RS),
        added(1, {**FC, "arguments": ""}),
        delta("function_call_arguments", 1, '{"at'),
        done(1, {**FC, "arguments": '{"at', "status": "incomplete"}),
        end("incomplete", incomplete_details={"reason": "max_output_tokens"}),
    )
    events = normalized(decode(body))
    assert events[-2] == ToolCallOpened("call_a", "look")
    last = events[-1]
    assert isinstance(last, ModelFinished)
    assert (last.finish_reason, last.native) == ("length", None)


def test_parallel_calls_are_reported_in_the_order_in_which_they_started() -> None:
    second = {**FC, "id": "fc_2", "call_id": "call_b", "name": "hear", "arguments": ""}
    body = sse(
        added(0, {**FC, "arguments": ""}), added(1, second), done(1, second), done(0, FC), end()
    )
    assert normalized(decode(body))[:-1] == [
        ToolCallOpened("call_a", "look"),
        ToolCallOpened("call_b", "hear"),
        ToolCall("call_a", "look", '{"at":"ñ"}'),
        ToolCall("call_b", "hear", ""),
    ]


def test_a_call_without_an_id_gets_one_in_the_payload_too() -> None:
    nameless = {key: value for key, value in FC.items() if key != "call_id"}
    events = normalized(decode(sse(added(0, nameless), done(0, nameless), end())))
    assert events[:2] == [
        ToolCallOpened("call_0", "look"),
        ToolCall("call_0", "look", '{"at":"ñ"}'),
    ]
    assert isinstance(events[-1], ModelFinished)
    assert payload(events[-1].native)[0]["call_id"] == "call_0"


def test_arguments_that_are_an_object_become_compact_json() -> None:
    events = decode(sse(done(0, {**FC, "arguments": {"at": [1, 2]}}), end()))
    assert ToolCall("call_a", "look", '{"at":[1,2]}') in events


WHOLE: list[dict[str, Any]] = [
    {"type": "response.output_text.done", "output_index": 1, "content_index": 0, "text": "Hi 👋."},
    done(1, MSG),
    end(output=[RAW, MSG]),
]


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("streamed", ["", "H", "Hi 👋."])
def test_text_that_is_sent_complete_at_the_end_is_neither_lost_nor_doubled(
    streamed: str, first: int
) -> None:
    opening = [delta("output_text", 1, streamed, content_index=0)] if streamed else []
    body = sse(done(0, RAW), *opening, *WHOLE[first:], *([] if first == 2 else [end()]))
    assert normalized(decode(body))[:-1] == [COUNT, HI]


def test_reasoning_that_is_sent_complete_at_the_end_keeps_its_parts() -> None:
    assert normalized(decode(sse(done(0, RS), done(1, MSG), end())))[:-1] == [*SUMMARY, HI]


@pytest.mark.parametrize("first", ["reasoning_text", "reasoning_summary_text"])
def test_reasoning_and_its_summary_are_never_both_shown(first: str) -> None:
    both = {**RS, "content": [{"type": "reasoning_text", "text": "Raw."}]}
    shown = "Raw." if first == "reasoning_text" else "Añade.Weigh."
    other = {"reasoning_text": "reasoning_summary_text"}.get(first, "reasoning_text")
    body = sse(delta(first, 0, shown), delta(other, 0, "again"), done(0, both), end())
    assert "".join(e.text for e in decode(body) if isinstance(e, ReasoningText)) == shown
    at_once = decode(sse(done(0, both), end()))
    assert "".join(e.text for e in at_once if isinstance(e, ReasoningText)) == "Raw."


def test_missing_output_indexes_refer_to_the_latest_item() -> None:
    events = [
        added(0, {"type": "reasoning"}),
        delta("reasoning_text", 0, "We count."),
        done(0, RAW),
        added(1, {"type": "message"}),
        delta("output_text", 1, "Hi 👋."),
        done(1, MSG),
        end(),
    ]
    for event in events:
        event.pop("output_index", None)
    *events, last = normalized(decode(sse(*events)))
    assert events == [COUNT, HI]
    assert isinstance(last, ModelFinished)
    assert [item["type"] for item in payload(last.native)] == ["reasoning", "message"]


def test_items_that_never_ended_are_sent_back_rebuilt_and_without_ids() -> None:
    body = sse(
        done(0, RS),
        delta("output_text", 1, "Hi"),
        added(2, {**FC, "arguments": ""}),
        delta("function_call_arguments", 2, "{}"),
        end(),
    )
    *events, last = normalized(decode(body))
    assert events[-1] == ToolCall("call_a", "look", "{}")
    assert isinstance(last, ModelFinished)
    reasoning, message, call = payload(last.native)
    assert "id" not in reasoning
    assert message["content"] == [{"type": "output_text", "text": "Hi"}]
    assert call == {"type": "function_call", "call_id": "call_a", "name": "look", "arguments": "{}"}


def test_keepalives_are_reported_if_nothing_else_is_but_comments_are_not() -> None:
    decoder = wire.dialect().decoder("text/event-stream")
    assert decoder.feed(b": processing\n\n") == []
    assert decoder.feed(sse({"type": "response.created"})) == [Keepalive()]
    assert decoder.feed(sse({"type": "ping"}, {"type": "keepalive", "delta": 5})) == [Keepalive()]
    assert decoder.feed(sse(added(0, {"type": "reasoning"}))) == [Keepalive()]
    assert decoder.feed(sse(delta("function_call_arguments", 1, "{"))) == [Keepalive()]
    assert decoder.feed(b"data:\n\n") == [Keepalive()]
    assert decoder.feed(sse(delta("output_text", 2, "a"))) == [AnswerText("a")]


def test_a_refusal_is_a_failure_with_the_models_text_and_not_an_answer() -> None:
    refused = {**MSG, "content": [{"type": "refusal", "refusal": "I will not."}]}
    streamed = sse(
        {"type": "response.refusal.delta", "output_index": 0, "delta": "I will"},
        {"type": "response.refusal.delta", "output_index": 0, "delta": " not."},
        done(0, refused),
        end(usage=USAGE),
    )
    for body in (streamed, sse(done(0, refused), end(usage=USAGE))):
        assert normalized(decode(body)) == [
            ModelFailed("provider_refusal", "I will not.", usage=COUNTED)
        ]


def test_a_content_filter_is_a_failure_that_keeps_the_output() -> None:
    body = sse(
        delta("output_text", 0, "Hi"),
        end("incomplete", incomplete_details={"reason": "content_filter"}, usage=USAGE),
    )
    answer, last = normalized(decode(body))
    assert answer == AnswerText("Hi")
    assert isinstance(last, ModelFailed)
    assert (last.code, last.usage) == ("provider_content_filter", COUNTED)


NOT_VERIFIED = "The encrypted content for item rs_1 could not be verified."


@pytest.mark.parametrize(
    ("event", "code", "retryable"),
    [
        ({"type": "error", "code": "server_error", "message": "m"}, "provider_overloaded", True),
        ({"type": "error", "error": {"code": "insufficient_quota", "message": "m"}}, "provider_rate_limit", False),
        ({"type": "error", "error": {"code": "rate_limit_exceeded", "message": "m"}}, "provider_rate_limit", True),
        ({"error": {"code": 429, "message": "m"}}, "provider_rate_limit", True),
        ({"error": {"code": 400, "message": "m"}}, "provider_bad_request", False),
        ({"error": {"code": "504", "message": "m"}}, "provider_timeout", True),
        (end("failed", error={"code": "context_length_exceeded", "message": "m"}), "provider_bad_request", False),
        (end("failed", error={"code": "server_error", "message": "m"}), "provider_overloaded", True),
        (end("failed", error={"code": "content_filter", "message": "m"}), "provider_content_filter", False),
    ],
)  # fmt: skip
def test_an_error_inside_a_stream_is_a_typed_failure(
    event: dict[str, Any], code: str, retryable: bool
) -> None:
    answer, last = normalized(decode(sse(delta("output_text", 0, "Hi"), event, end())))
    assert answer == AnswerText("Hi")
    assert isinstance(last, ModelFailed)
    assert (last.code, last.retryable, last.message) == (code, retryable, "m")


def test_an_error_inside_a_stream_has_its_retry_after() -> None:
    wait = {"code": "rate_limit_exceeded", "message": "Please try again in 1.5s."}
    last = decode(sse(end("failed", error=wait, usage=USAGE)))[-1]
    assert isinstance(last, ModelFailed)
    assert (last.retry_after, last.usage) == (1.5, COUNTED)
    refused = decode(sse({"type": "error", "code": "bad_request", "message": NOT_VERIFIED}))[-1]
    assert isinstance(refused, ModelFailed)
    assert refused.code == "provider_bad_request"


@pytest.mark.parametrize(
    "bad",
    [
        b'data: {"type": "response.outp\n\n',
        b'data: {"type": "response.output_text.delta", "output_index": 0, "delta": 7}\n\n',
        b'data: {"type": "response.output_text.delta", "output_index": 0, "delta": "\xff"}\n\n',
        b'data: {"type": "response.output_item.done", "output_index": 1, "item": [1]}\n\n',
        b'data: {"type": "response.output_item.done", "output_index": 1,'
        b' "item": {"type": "web_search_call", "query": "\xff"}}\n\n',
        b'data: {"type": "response.completed", "response": 1}\n\n',
        b"data: 5\n\n",
    ],
)
def test_an_unreadable_event_is_one_failure_after_all_earlier_output(bad: bytes) -> None:
    events = normalized(decode(sse(delta("output_text", 0, "Hi")) + bad + VARIANTS["openai"]))
    assert events[0] == AnswerText("Hi")
    assert len(events) == 2
    assert isinstance(events[1], ModelFailed)
    assert (events[1].code, events[1].retryable) == ("provider_stream_cut", True)


@pytest.mark.parametrize(
    "harmless",
    [
        {"type": "response.mcp_call_arguments.delta", "delta": {"a": 1}},
        {"type": "response.output_text.annotation.added", "text": 7},
        {"type": ["odd"], "delta": None},
        {"type": "error.of.another.kind", "error": None},
    ],
)
def test_unused_events_may_have_any_shape(harmless: dict[str, Any]) -> None:
    assert normalized(decode(sse(harmless) + VARIANTS["codex"])) == normalized(
        decode(VARIANTS["codex"])
    )


def test_done_ends_a_response_only_if_every_item_has_ended() -> None:
    mark = "data: [DONE]\n\n"
    assert isinstance(decode(sse(done(0, MSG), mark))[-1], ModelFinished)
    assert isinstance(decode(sse(delta("output_text", 0, "Hi"), mark))[-1], ModelFailed)
    assert isinstance(decode(sse(mark))[-1], ModelFailed)


def test_the_end_may_be_called_done_and_its_status_counts() -> None:
    finished = decode(
        sse(done(0, MSG), {"type": "response.done", "response": {"status": "completed"}})
    )
    assert isinstance(finished[-1], ModelFinished)
    reason = {"reason": "max_output_tokens"}
    short = {
        "type": "response.done",
        "response": {"status": "incomplete", "incomplete_details": reason},
    }
    last = decode(sse(done(0, MSG), short))[-1]
    assert isinstance(last, ModelFinished)
    assert last.finish_reason == "length"
    cancelled = decode(sse(done(0, MSG), end("cancelled")))[-1]
    assert isinstance(cancelled, ModelFailed)
    assert cancelled.code == "provider_stream_cut"


def test_nothing_is_emitted_after_the_end() -> None:
    decoder = wire.dialect().decoder("text/event-stream")
    assert isinstance(decoder.feed(VARIANTS["codex"] + VARIANTS["openai"])[-1], ModelFinished)
    assert decoder.feed(VARIANTS["openai"]) == []
    assert decoder.close() == []


def test_an_oversized_event_is_a_failure() -> None:
    decoder = wire.dialect().decoder("text/event-stream")
    last = decoder.feed(b"data: " + b"x" * (33 * 2**20))[-1]
    assert isinstance(last, ModelFailed)
    assert decoder.close() == []


def test_separately_counted_reasoning_tokens_are_added_to_the_output() -> None:
    apart = {**USAGE, "total_tokens": 24}
    last = decode(sse(done(0, MSG), end(usage=apart)))[-1]
    assert isinstance(last, ModelFinished)
    assert last.usage is not None
    assert (last.usage.output_tokens, last.usage.reasoning_tokens) == (14, 5)
    assert last.reasoning_status == "hidden_by_provider"


def test_usage_of_unexpected_types_does_not_fail_a_response() -> None:
    last = decode(sse(done(0, MSG), end(usage={"input_tokens": "x", "output_tokens_details": []})))[
        -1
    ]
    assert isinstance(last, ModelFinished)
    assert last.usage == Usage(raw={"input_tokens": "x", "output_tokens_details": []})
    assert last.reasoning_status == "none"


def whole(**response: object) -> bytes:
    return json.dumps({"object": "response", "status": "completed", **response}).encode()


def test_an_unstreamed_response_decodes_like_a_stream() -> None:
    body = whole(output=[RS, FC], usage=USAGE)
    json_type = "application/json; charset=utf-8"
    one = decode([body[:50], body[50:]], json_type)
    assert normalized(one) == normalized(decode(VARIANTS["openai"]))
    error = {"code": "server_error", "message": "m"}
    failed = decode(whole(status="failed", output=[MSG], error=error), json_type)
    assert failed[0] == HI
    assert isinstance(failed[1], ModelFailed)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"status": "completed"', b'{"status": "queued"}']
)
def test_a_body_that_is_not_a_response_is_a_failure(body: bytes) -> None:
    (last,) = decode(body, "application/json")
    assert isinstance(last, ModelFailed)
    assert last.code == "provider_stream_cut"


def test_a_web_page_says_that_the_address_is_wrong() -> None:
    (last,) = decode(b"\n<!doctype html><html>", "text/html; charset=utf-8")
    assert isinstance(last, ModelFailed)
    assert last.code == "provider_bad_request"
    assert "base_url" in last.message


@given(st.binary(max_size=300), st.sampled_from(["text/event-stream", "application/json"]))
def test_no_bytes_raise_an_exception(data: bytes, content_type: str) -> None:
    last = decode(data, content_type)[-1]
    assert isinstance(last, ModelFailed | ModelFinished)


@settings(deadline=None)
@given(
    st.sampled_from(sorted(VARIANTS)),
    st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3)), max_size=4),
    st.lists(st.integers(0, 5000), max_size=12),
)
def test_a_damaged_stream_raises_nothing_and_says_the_same_however_it_is_split(
    variant: str, damage: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    body = VARIANTS[variant]
    for at, patch in damage:
        at %= len(body)
        body = body[:at] + patch + body[at + 1 :]
    whole = normalized(decode(body))
    assert isinstance(whole[-1], ModelFailed | ModelFinished)
    assert normalized(decode(cut(body, cuts))) == whole


def test_the_payload_keeps_the_providers_order_where_a_later_item_began_first() -> None:
    last = decode(sse(done(1, MSG), done(0, {**RS, "content": []}), end()))[-1]
    assert isinstance(last, ModelFinished)
    reasoning, message = payload(last.native)
    assert (reasoning["type"], message["type"]) == ("reasoning", "message")
    assert "content" not in reasoning


def test_an_output_index_that_is_used_again_is_another_item() -> None:
    body = sse(
        added(0, {"type": "reasoning"}),
        done(0, RAW),
        added(0, {"type": "message"}),
        delta("output_text", 0, "Hi 👋."),
        done(0, MSG),
        end(),
    )
    *events, last = normalized(decode(body))
    assert events == [COUNT, HI]
    assert isinstance(last, ModelFinished)
    assert [item["type"] for item in payload(last.native)] == ["reasoning", "message"]


def test_a_call_marked_as_cut_is_reported_if_the_response_is_complete() -> None:
    events = normalized(decode(sse(done(0, {**FC, "status": "incomplete"}), end())))
    assert events[:-1] == CALL
    assert isinstance(events[-1], ModelFinished)
    assert events[-1].finish_reason == "tool_calls"


def test_a_refusal_that_is_only_streamed_is_a_refusal_too() -> None:
    piece = {"type": "response.refusal.delta", "output_index": 0, "delta": "No"}
    (last,) = normalized(decode(sse(piece, {**piece, "delta": "."}, end())))
    assert last == ModelFailed("provider_refusal", "No.")
