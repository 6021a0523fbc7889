"""Decoding the Messages API's responses, on hand-made bytes of every variant."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.anthropic_messages.reading import DecodedRun, check_truncations, cuts, read
from tests.providers.anthropic_messages.wires import (
    FRAMES,
    INTERLEAVED,
    PING,
    SSE,
    closed,
    delta,
    frame,
    invoke,
    opened,
    sse,
    start,
    stop,
    target,
    text,
    thinking,
    tool,
)
from tests.thoroughness import scaled
from thinkaloud.events.model import Keepalive, ModelFinished
from thinkaloud.providers.dialects.anthropic_messages import bind

DIALECT = bind(target())


def from_sse(*events: dict[str, Any]) -> DecodedRun:
    return read(DIALECT.decoder(SSE), [sse(*events)])


def from_json(message: dict[str, Any]) -> DecodedRun:
    return read(DIALECT.decoder("application/json"), [json.dumps(message).encode()])


def test_thinking_text_and_tools_come_in_the_order_of_the_wire() -> None:
    got = from_sse(*INTERLEAVED)
    assert got.reasoning == ["Let me see…", "Second thought 🤔", "And more."]
    assert got.text == "I look it up."
    assert got.calls == [("toolu_1", "find", '{"q": "ab"}'), ("toolu_2", "now", "")]
    assert got.sequence == ["reasoning", "text", "tool_call", "reasoning", "tool_call"]
    assert got.finished.finish_reason == "tool_calls"
    assert got.finished.reasoning_status == "shown"


def test_the_payload_is_the_content_as_it_is_sent_back() -> None:
    got = from_sse(*INTERLEAVED)
    assert got.finished.native is not None
    assert got.finished.native.origin == DIALECT.origin
    assert got.payload == [
        {"type": "thinking", "thinking": "Let me see…", "signature": "c2ln+/=="},
        {"type": "thinking", "thinking": "Second thought 🤔", "signature": "sig"},
        {"type": "text", "text": "I look it up."},
        {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"q": "ab"}},
        {"type": "thinking", "thinking": "And more.", "signature": "sig"},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ]


@pytest.mark.promise("P5")
@pytest.mark.parametrize(
    ("content_type", "body"), [(SSE, sse(*INTERLEAVED)), (FRAMES, invoke(*INTERLEAVED))]
)
def test_splitting_the_bytes_changes_nothing(content_type: str, body: bytes) -> None:
    whole = from_sse(*INTERLEAVED)
    for chunks in cuts(body):
        assert read(DIALECT.decoder(content_type), chunks) == whole


@pytest.mark.promise("P3")
@pytest.mark.parametrize(("content_type", "build"), [(SSE, sse), (FRAMES, invoke)])
def test_a_stream_that_is_cut_off_is_never_an_answer(content_type: str, build: Any) -> None:
    before_the_reason = len(build(*INTERLEAVED[:-2]))
    check_truncations(
        lambda: DIALECT.decoder(content_type), build(*INTERLEAVED), before_the_reason + 1
    )


def test_a_stop_reason_without_the_last_event_is_an_end() -> None:
    assert from_sse(start(), *text(0, "Hi"), stop()[0]).finished.finish_reason == "stop"


def test_a_last_event_that_lacks_its_blank_line_counts() -> None:
    got = read(DIALECT.decoder(SSE), [sse(start(), *text(0, "Hi"), *stop())[:-2]])
    assert got.finished.raw_finish_reason == "end_turn"


def test_a_last_event_cut_off_after_the_stop_reason_loses_nothing() -> None:
    got = read(DIALECT.decoder(SSE), [sse(start(), *text(0, "Hi"), *stop())[:-12]])
    assert got.finished.raw_finish_reason == "end_turn"


def test_the_done_marker_of_a_compatible_server_is_an_end() -> None:
    body = sse(start(), *text(0, "Hi"), stop()[0]) + b"data: [DONE]\n\n"
    assert isinstance(DIALECT.decoder(SSE).feed(body)[-1], ModelFinished)


def test_omitted_thinking_keeps_its_signature_and_is_hidden() -> None:
    got = from_sse(start(), *thinking(0, "", signature="AbC"), *text(1, "Hi"), *stop())
    assert got.sequence == ["text"]
    assert got.finished.reasoning_status == "hidden_by_provider"
    assert got.payload[0] == {"type": "thinking", "thinking": "", "signature": "AbC"}


def test_redacted_thinking_is_hidden_and_kept_in_place() -> None:
    redacted = [opened(0, type="redacted_thinking", data="x+/="), closed(0)]
    again = [opened(1, type="redacted_thinking", data="y"), closed(1)]
    got = from_sse(start(), *redacted, *again, *text(2, "Hi"), *stop())
    assert got.finished.reasoning_status == "hidden_by_provider"
    assert [block.get("data") for block in got.payload] == ["x+/=", "y", None]


def test_the_last_signature_that_is_not_empty_wins() -> None:
    signed = [delta(0, "signature", signature=value) for value in ("one", "two", "")]
    head = opened(0, type="thinking", thinking="", signature="")
    got = from_sse(start(), head, *signed, closed(0), *stop())
    assert got.payload == [{"type": "thinking", "thinking": "", "signature": "two"}]


def test_thinking_without_a_signature_is_sent_back_without_one() -> None:
    got = from_sse(start(), *thinking(0, "Hm", signature=None), *stop())
    assert got.payload == [{"type": "thinking", "thinking": "Hm"}]
    assert got.finished.finish_reason == "stop"


def test_a_compatible_server_may_omit_the_start_or_the_end_of_a_block() -> None:
    got = from_sse(
        start(), delta(0, "thinking", thinking="Hm"), delta(1, "text", text="A"), *stop()
    )
    assert (got.reasoning, got.text) == (["Hm"], "A")
    assert [block["type"] for block in got.payload] == ["thinking", "text"]


def test_text_in_the_beginning_of_a_block_is_not_lost() -> None:
    got = from_sse(
        start(),
        opened(0, type="thinking", thinking="Al"),
        delta(0, "thinking", thinking="so"),
        closed(0),
        opened(1, type="text", text="He"),
        delta(1, "text", text="y"),
        closed(1),
        *stop(),
    )
    assert (got.reasoning, got.text) == (["Also"], "Hey")
    assert got.payload[0]["thinking"] == "Also"


def test_provider_tools_are_named_and_kept_whole() -> None:
    search = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    found = {
        "type": "web_search_tool_result",
        "tool_use_id": "srv_1",
        "content": [{"type": "web_search_result", "encrypted_content": "Zz+/=", "url": "u"}],
    }
    quote = {"type": "web_search_result_location", "cited_text": "c", "encrypted_index": "E=="}
    got = from_sse(
        start(),
        opened(0, **search),
        delta(0, "input_json", partial_json='{"query":'),
        delta(0, "input_json", partial_json=' "x"}'),
        closed(0),
        opened(1, **found),
        closed(1),
        opened(2, type="text", text="", citations=[]),
        delta(2, "citations", citation=quote),
        delta(2, "text", text="It is so."),
        closed(2),
        *stop(),
    )
    assert got.server == ["server_tool_use", "web_search_tool_result"]
    assert got.calls == []
    assert got.sequence == ["server", "text"]
    assert got.payload == [
        search | {"input": {"query": "x"}},
        found,
        {"type": "text", "text": "It is so.", "citations": [quote]},
    ]


def test_a_paused_turn_is_reported() -> None:
    search = opened(0, type="server_tool_use", id="s", name="web_search", input={})
    got = from_sse(start(), search, closed(0), *stop("pause_turn"))
    assert got.finished.finish_reason == "pause"
    assert got.payload[0]["name"] == "web_search"


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("something_new", "stop"),
    ],
)
def test_stop_reasons_are_normalized(reason: str, meant: str) -> None:
    finished = from_sse(start(), *text(0, "Hi"), *stop(reason)).finished
    assert (finished.finish_reason, finished.raw_finish_reason) == (meant, reason)


def test_calls_determine_the_finish_reason_unless_the_limit_cut_them() -> None:
    calls = tool(0, "t", "find", '{"a":1}')
    assert from_sse(start(), *calls, *stop()).finished.finish_reason == "tool_calls"
    assert from_sse(start(), *calls, *stop("max_tokens")).finished.finish_reason == "length"


def test_a_call_cut_by_the_limit_is_sent_back_as_the_api_wants_it() -> None:
    got = from_sse(start(), *tool(0, "t", "find", '{"a": "x'), *stop("max_tokens"))
    assert got.calls == [("t", "find", '{"a": "x')]
    assert got.payload[0]["input"] == {"INVALID_JSON": '{"a": "x'}


def test_calls_keep_the_order_in_which_they_began() -> None:
    first, second = tool(0, "a", "one", '{"x":1}'), tool(1, "b", "two", "{}")
    got = from_sse(start(), first[0], second[0], *second[1:], *first[1:], *stop("tool_use"))
    assert got.calls == [("a", "one", '{"x":1}'), ("b", "two", "{}")]


def test_a_call_without_an_id_gets_one() -> None:
    head = opened(0, type="tool_use", name="one", input={})
    got = from_sse(start(), head, closed(0), *tool(1, "b", "two"), *stop("tool_use"))
    assert got.opened == [("call_0", "one"), ("b", "two")]
    assert got.payload[0]["id"] == "call_0"


def test_an_input_sent_with_its_block_is_complete() -> None:
    head = opened(0, type="tool_use", id="a", name="one", input={"x": 1.50, "y": [1, 2]})
    got = from_sse(start(), head, closed(0), *stop("tool_use"))
    assert got.calls == [("a", "one", '{"x":1.5,"y":[1,2]}')]


def test_usage_counts_the_cache_into_the_input_and_keeps_the_raw_figures() -> None:
    first = start(cache_read_input_tokens=100, cache_creation_input_tokens=7)
    ending = stop(output_tokens=50, input_tokens=12, output_tokens_details={"thinking_tokens": 30})
    usage = from_sse(first, *text(0, "Hi"), *ending).finished.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (119, 50, 30)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (100, 7)
    assert usage.raw == {
        "input_tokens": 12,
        "output_tokens": 50,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 30},
    }


def test_null_usage_figures_keep_earlier_ones() -> None:
    first = start(cache_read_input_tokens=100)
    usage = from_sse(first, *stop(cache_read_input_tokens=None)).finished.usage
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_tokens) == (110, 100)


def test_counted_thinking_without_a_block_is_hidden() -> None:
    ending = stop(output_tokens_details={"thinking_tokens": 30})
    assert (
        from_sse(start(), *text(0, "Hi"), *ending).finished.reasoning_status == "hidden_by_provider"
    )


def test_a_response_without_thinking_has_none() -> None:
    assert from_sse(start(), *text(0, "Hi"), *stop()).finished.reasoning_status == "none"


@pytest.mark.parametrize(
    ("kind", "code", "retryable"),
    [
        ("overloaded_error", "provider_overloaded", True),
        ("rate_limit_error", "provider_rate_limit", True),
        ("api_error", "provider_overloaded", True),
        ("timeout_error", "provider_timeout", True),
        ("invalid_request_error", "provider_bad_request", False),
        ("permission_error", "provider_auth", False),
        ("strange_error", "provider_stream_cut", True),
    ],
)
def test_an_error_inside_the_stream_is_typed(kind: str, code: str, retryable: bool) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "so it is"}}
    got = from_sse(start(), *text(0, "Hi"), error)
    assert got.text == "Hi"
    assert (got.failed.code, got.failed.message) == (code, "so it is")
    assert got.failed.retryable is retryable
    assert got.failed.usage is not None


def test_an_error_in_another_shape_is_still_an_error() -> None:
    body = sse(start()) + b'data: {"error": {"code": 503, "message": "busy", "status": "X"}}\n\n'
    assert read(DIALECT.decoder(SSE), [body]).failed.message == "busy"
    body = sse(start()) + b'event: error\ndata: {"error": "gone"}\n\n'
    assert read(DIALECT.decoder(SSE), [body]).failed.message == "gone"


def test_a_refused_signature_inside_the_stream_is_a_refused_request() -> None:
    message = "messages.1.content.0: Invalid `signature` in `thinking` block"
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    assert from_sse(error).failed.code == "provider_bad_request"


def test_a_refusal_is_a_failure_with_the_providers_message() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not that."}
    got = from_sse(start(), *text(0, "I"), *stop("refusal", details))
    assert (got.failed.code, got.failed.message) == ("provider_refusal", "Not that.")
    assert not got.failed.retryable
    assert got.failed.usage is not None
    assert from_sse(start(), *stop("refusal")).failed.message


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {not json\n\n",
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":5}}\n\n',
        b'data: {"type":"content_block_delta","index":0,"delta":{"text":"\xff"}}\n\n',
        b'data: {"type":"content_block_start","index":0,"content_block":7}\n\n',
        b'data: {"type":"content_block_start","content_block":{"type":"x","y":"\xff"}}\n\n',
        b'data: {"type":"x","y":' + b"[" * 100_000 + b"\n\n",
    ],
)
def test_an_unreadable_event_ends_the_stream_after_the_earlier_output(broken: bytes) -> None:
    body = sse(start(), *text(0, "Hi")) + broken + sse(*text(1, "no"), *stop())
    got = read(DIALECT.decoder(SSE), [body])
    assert got.text == "Hi"
    assert got.failed.code == "provider_stream_cut"


def test_unknown_events_fields_blocks_and_deltas_are_ignored() -> None:
    got = from_sse(
        start(),
        {"type": "brand_new", "index": 3, "x": {}},
        opened(0, type="text", text="", extra={"deep": []}),
        delta(0, "strange", strange=1),
        delta(0, "text", text="Hi", flag=None),
        closed(0),
        closed(9),
        *stop(),
    )
    assert got.text == "Hi"
    assert got.payload == [{"type": "text", "text": "Hi", "extra": {"deep": []}}]


def test_keepalives_are_reported() -> None:
    decoder = DIALECT.decoder(SSE)
    assert decoder.feed(sse(start())) == [Keepalive()]
    assert decoder.feed(b": just a comment\n\n") == []
    assert decoder.feed(sse(PING)) == [Keepalive()]
    assert decoder.feed(sse(opened(0, type="redacted_thinking", data="x"))) == [Keepalive()]
    assert decoder.feed(sse(delta(0, "input_json", partial_json="{"), PING)) == [Keepalive()]
    assert decoder.feed(b"") == []


def test_a_whole_response_gives_the_same_events() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm", "signature": "s+/="},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t", "name": "find", "input": {"q": "a b"}},
        {"type": "tool_use", "id": "u", "name": "now", "input": {}},
    ]
    usage = {"input_tokens": 3, "output_tokens": 4}
    message = {"type": "message", "content": content, "stop_reason": "tool_use", "usage": usage}
    got = from_json(message)
    assert (got.reasoning, got.text) == (["Hm"], "Hi")
    assert got.calls == [("t", "find", '{"q":"a b"}'), ("u", "now", "{}")]
    assert got.payload == content
    assert got.finished.finish_reason == "tool_calls"
    assert got.finished.usage is not None
    assert got.finished.usage.raw == usage


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"message"}', b'{"content":[]}'])
def test_a_whole_response_that_is_not_a_message_is_a_failure(body: bytes) -> None:
    got = read(DIALECT.decoder("application/json"), [body])
    assert got.failed.code == "provider_stream_cut"


def test_an_error_in_a_whole_response_is_typed() -> None:
    got = from_json({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    assert (got.failed.code, got.failed.message) == ("provider_overloaded", "busy")


def test_an_exception_between_frames_is_typed() -> None:
    body = invoke(start(), *text(0, "Hi")) + frame(
        b'{"message":"Too many requests"}',
        message_type="exception",
        exception_type="throttlingException",
    )
    got = read(DIALECT.decoder(FRAMES), [body])
    assert got.text == "Hi"
    assert (got.failed.code, got.failed.message) == ("provider_rate_limit", "Too many requests")


def test_a_refused_signature_between_frames_is_a_refused_request() -> None:
    message = b'{"message":"messages.1.content.0: Invalid `signature` in `thinking` block"}'
    body = frame(message, message_type="exception", exception_type="validationException")
    failed = read(DIALECT.decoder(FRAMES), [body]).failed
    assert failed.code == "provider_bad_request"


@pytest.mark.parametrize("bad", [frame(b"{"), frame(b'{"bytes": "%%"}'), b"\x00" * 40])
def test_a_damaged_frame_ends_the_stream_after_the_earlier_output(bad: bytes) -> None:
    body = invoke(start(), *text(0, "Hi")) + bad + invoke(*stop())
    got = read(DIALECT.decoder(FRAMES), [body])
    assert got.text == "Hi"
    assert got.failed.code == "provider_stream_cut"


def test_a_huge_delta_and_very_many_small_ones_are_read_whole() -> None:
    huge = "<" * 3_000_000
    assert from_sse(start(), *text(0, huge), *stop()).text == huge
    body = sse(start(), opened(0, type="text", text=""))
    body += sse(delta(0, "text", text="<")) * 20_000 + sse(closed(0), *stop())
    got = read(DIALECT.decoder(SSE), [body])
    assert len(got.text) == 20_000
    assert got.payload == [{"type": "text", "text": got.text}]


CONTENT_TYPES = st.sampled_from([SSE, FRAMES, "application/json"])


@given(content_type=CONTENT_TYPES, chunks=st.lists(st.binary(max_size=200), max_size=8))
def test_arbitrary_bytes_give_one_typed_end(content_type: str, chunks: list[bytes]) -> None:
    failed = read(DIALECT.decoder(content_type), chunks).failed
    # A body that starts with `<` is reported as a web page.
    assert failed.code in {"provider_stream_cut", "provider_bad_request"}


@settings(max_examples=scaled(150, 3_000))
@given(data=st.data())
def test_damaged_bytes_never_raise_and_decode_the_same_however_split(data: st.DataObject) -> None:
    build, content_type = data.draw(st.sampled_from([(sse, SSE), (invoke, FRAMES)]))
    body = bytearray(build(*INTERLEAVED))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        if data.draw(st.booleans()):
            body[at] = data.draw(st.integers(0, 255))
        else:
            del body[at : at + data.draw(st.integers(1, 30))]
    whole = read(DIALECT.decoder(content_type), [bytes(body)])
    places = sorted(data.draw(st.sets(st.integers(1, len(body)), max_size=12)))
    pieces = [bytes(body[a:b]) for a, b in zip([0, *places], [*places, None], strict=True)]
    assert read(DIALECT.decoder(content_type), pieces) == whole


def test_the_response_finishes_as_soon_as_the_last_event_arrives() -> None:
    events = DIALECT.decoder(SSE).feed(sse(start(), *text(0, "Hi"), *stop()))
    assert isinstance(events[-1], ModelFinished)
