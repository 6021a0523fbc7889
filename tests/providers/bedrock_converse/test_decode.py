"""Decoding the Converse API's responses, on hand-made bytes of every variant."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.anthropic_messages.reading import DecodedRun, check_truncations, cuts, read
from tests.providers.anthropic_messages.wires import frame
from tests.providers.bedrock_converse.wires import (
    FRAMES,
    FULL,
    INLINE,
    NOVA,
    Event,
    closed,
    delta,
    message_start,
    opened,
    reasoning,
    redacted,
    stop,
    target,
    text,
    tool,
    wire,
)
from tests.thoroughness import scaled
from thinkaloud.events.model import Keepalive
from thinkaloud.providers.dialects.bedrock_converse import bind

DIALECT = bind(target())
INLINE_DIALECT = bind(target(inline_tags=NOVA))


def from_wire(*events: Event) -> DecodedRun:
    return read(DIALECT.decoder(FRAMES), [wire(*events)])


def from_json(body: Any) -> DecodedRun:
    return read(DIALECT.decoder("application/json"), [json.dumps(body).encode()])


def test_reasoning_text_and_tools_come_in_the_order_of_the_wire() -> None:
    got = from_wire(*FULL)
    assert got.reasoning == ["Let me see…", "Again 🤔"]
    assert got.text == "I look it up."
    assert got.calls == [("t_1", "find", '{"q": "ab"}'), ("t_2", "now", "")]
    assert got.sequence == ["reasoning", "text", "tool_call"]
    assert got.finished.finish_reason == "tool_calls"
    assert got.finished.reasoning_status == "shown"


def test_the_payload_has_the_shape_of_a_whole_message() -> None:
    got = from_wire(*FULL)
    assert got.payload == [
        {"reasoningContent": {"reasoningText": {"text": "Let me see…", "signature": "c2ln+/=="}}},
        {"reasoningContent": {"reasoningText": {"text": "Again 🤔", "signature": "sig"}}},
        {"text": "I look it up."},
        {"toolUse": {"toolUseId": "t_1", "name": "find", "input": {"q": "ab"}}},
        {"toolUse": {"toolUseId": "t_2", "name": "now", "input": {}}},
    ]


@pytest.mark.promise("P5")
@pytest.mark.parametrize(("dialect", "events"), [(DIALECT, FULL), (INLINE_DIALECT, INLINE)])
def test_splitting_the_bytes_changes_nothing(dialect: Any, events: list[Event]) -> None:
    body = wire(*events)
    whole = read(dialect.decoder(FRAMES), [body])
    for chunks in cuts(body):
        assert read(dialect.decoder(FRAMES), chunks) == whole


@pytest.mark.promise("P3")
def test_a_stream_that_is_cut_off_is_never_an_answer() -> None:
    check_truncations(lambda: DIALECT.decoder(FRAMES), wire(*FULL), len(wire(*FULL[:-2])) + 1)


def test_a_stop_reason_without_the_figures_is_an_end() -> None:
    finished = from_wire(message_start(), *text(0, "Hi"), stop()[0]).finished
    assert (finished.finish_reason, finished.usage) == ("stop", None)


def test_usage_without_a_stop_reason_is_not_an_end() -> None:
    failed = from_wire(message_start(), *text(0, "Hi"), stop()[1]).failed
    assert failed.code == "provider_stream_cut"
    assert failed.usage is not None


@pytest.mark.promise("P1")
def test_inline_tags_are_split_off_only_at_the_start() -> None:
    got = read(INLINE_DIALECT.decoder(FRAMES), [wire(*INLINE)])
    assert got.reasoning == [" So < and <b> it"]
    assert got.text == "\nAnswer <thinking><"
    assert got.sequence == ["reasoning", "text", "tool_call"]
    assert got.finished.reasoning_status == "shown"
    raw = "<thinking> So < and <b> it</thinking>\nAnswer <thinking><"
    assert got.payload[0] == {"text": raw}


def test_a_beginning_of_a_tag_is_text_when_the_block_ends_and_nothing_when_cut() -> None:
    got = read(INLINE_DIALECT.decoder(FRAMES), [wire(message_start(), *text(0, "<thin"), *stop())])
    assert (got.text, got.reasoning) == ("<thin", [])
    got = read(INLINE_DIALECT.decoder(FRAMES), [wire(message_start(), delta(0, text="<thin"))])
    assert (got.text, got.failed.code) == ("", "provider_stream_cut")
    events = [message_start(), delta(0, text="<thin"), *tool(1, "t", "find"), *stop("tool_use")]
    assert read(INLINE_DIALECT.decoder(FRAMES), [wire(*events)]).sequence == ["text", "tool_call"]


def test_inline_reasoning_in_a_later_block_is_a_part_of_its_own() -> None:
    first, second = (text(index, "<thinking>a</thinking>b") for index in (0, 1))
    got = read(INLINE_DIALECT.decoder(FRAMES), [wire(message_start(), *first, *second, *stop())])
    assert (got.reasoning, got.text) == (["a", "a"], "bb")


def test_tags_are_text_if_the_operator_configures_none() -> None:
    decoder = bind(target(inline_tags=())).decoder(FRAMES)
    assert read(decoder, [wire(*INLINE)]).reasoning == []


def test_tags_of_unknown_families_are_parsed_too() -> None:
    assert from_wire(*INLINE).reasoning == [" So < and <b> it"]


def test_redacted_reasoning_is_hidden_and_kept_in_place() -> None:
    got = from_wire(
        message_start(), *redacted(0, "eA=="), *redacted(1, "eQ=="), *text(2, "Hi"), *stop()
    )
    assert got.finished.reasoning_status == "hidden_by_provider"
    assert got.payload == [
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"reasoningContent": {"redactedContent": "eQ=="}},
        {"text": "Hi"},
    ]


def test_reasoning_without_text_keeps_its_signature_and_is_hidden() -> None:
    got = from_wire(message_start(), *reasoning(0, "", signature="s"), *text(1, "Hi"), *stop())
    assert got.finished.reasoning_status == "hidden_by_provider"
    assert got.payload[0] == {"reasoningContent": {"reasoningText": {"text": "", "signature": "s"}}}


def test_an_empty_text_block_before_unsigned_reasoning_is_ignored() -> None:
    got = from_wire(
        message_start(), *text(0, ""), *reasoning(1, "Hm", signature=None), *text(2, "Hi"), *stop()
    )
    assert got.sequence == ["reasoning", "text"]
    assert got.payload[1] == {"reasoningContent": {"reasoningText": {"text": "Hm"}}}


def test_the_last_signature_that_is_not_empty_wins() -> None:
    signed = [delta(0, reasoningContent={"signature": value}) for value in ("one", "two", "")]
    got = from_wire(message_start(), *signed, closed(0), *stop())
    assert got.payload[0]["reasoningContent"]["reasoningText"]["signature"] == "two"


def test_provider_tools_are_named_and_kept_whole() -> None:
    call = {"toolUseId": "s", "name": "nova_code_interpreter", "type": "server_tool_use"}
    result = {"toolUseId": "s", "status": "success", "type": "nova_code_interpreter_result"}
    got = from_wire(
        message_start(),
        opened(0, toolUse=call),
        delta(0, toolUse={"input": '{"snippet": "1"}'}),
        closed(0),
        opened(1, toolResult=result),
        delta(1, toolResult=[{"json": {"stdOut": "1"}}]),
        delta(1, toolResult=[{"text": "x"}]),
        closed(1),
        *text(2, "One."),
        *stop(),
    )
    assert got.server == ["server_tool_use", "nova_code_interpreter_result"]
    assert got.calls == []
    assert got.finished.finish_reason == "stop"
    assert got.payload == [
        {"toolUse": call | {"input": {"snippet": "1"}}},
        {"toolResult": result | {"content": [{"json": {"stdOut": "1"}}, {"text": "x"}]}},
        {"text": "One."},
    ]


def test_calls_keep_their_order_and_get_ids() -> None:
    first = [opened(0, toolUse={"name": "one"}), delta(0, toolUse={"input": "{}"}), closed(0)]
    second = tool(1, "b", "two", "{}")
    got = from_wire(
        message_start(), first[0], second[0], *second[1:], *first[1:], *stop("tool_use")
    )
    assert got.calls == [("call_0", "one", "{}"), ("b", "two", "{}")]
    assert got.payload[0]["toolUse"]["toolUseId"] == "call_0"


def test_a_call_cut_by_the_limit_stays_what_it_was() -> None:
    got = from_wire(message_start(), *tool(0, "t", "find", '{"a'), *stop("max_tokens"))
    assert got.calls == [("t", "find", '{"a')]
    assert got.finished.finish_reason == "length"
    assert got.payload[0]["toolUse"]["input"] == {"INVALID_JSON": '{"a'}


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
    finished = from_wire(message_start(), *text(0, "Hi"), *stop(reason)).finished
    assert (finished.finish_reason, finished.raw_finish_reason) == (meant, reason)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("guardrail_intervened", "provider_content_filter"),
        ("content_filtered", "provider_content_filter"),
        ("refusal", "provider_refusal"),
        ("malformed_tool_use", "provider_stream_cut"),
    ],
)
def test_a_filtered_answer_is_a_failure_with_its_usage(reason: str, code: str) -> None:
    got = from_wire(message_start(), *text(0, "Hi"), *stop(reason))
    assert got.text == "Hi"
    assert got.failed.code == code
    assert got.failed.usage is not None


def test_usage_counts_the_cache_into_the_input() -> None:
    ending = stop(cacheReadInputTokens=100, cacheWriteInputTokens=7)
    usage = from_wire(message_start(), *text(0, "Hi"), *ending).finished.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (117, 20, None)
    assert (usage.cache_read_tokens, usage.cache_write_tokens) == (100, 7)
    assert usage.raw is not None
    assert usage.raw["totalTokens"] == 30


def test_an_exception_between_events_is_typed() -> None:
    message = b'{"message":"The model returned: Invalid `signature` in `thinking` block"}'
    for name, code in (
        ("throttlingException", "provider_rate_limit"),
        ("validationException", "provider_bad_request"),
    ):
        body = wire(message_start(), *text(0, "Hi")) + frame(
            message, message_type="exception", exception_type=name
        )
        got = read(DIALECT.decoder(FRAMES), [body])
        assert got.text == "Hi"
        assert got.failed.code == code
        assert "Invalid `signature`" in got.failed.message


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"{", event_type="contentBlockDelta"),
        frame(b'{"delta":{"text":5}}', event_type="contentBlockDelta"),
        frame(b'{"start":{"toolUse":7}}', event_type="contentBlockStart"),
        frame(b'{"start":{"toolUse":{"x":"\xff"}}}', event_type="contentBlockStart"),
        b"\x00" * 40,
    ],
)
def test_an_unreadable_event_ends_the_stream_after_the_earlier_output(bad: bytes) -> None:
    body = wire(message_start(), *text(0, "Hi")) + bad + wire(*text(1, "no"), *stop())
    got = read(DIALECT.decoder(FRAMES), [body])
    assert got.text == "Hi"
    assert got.failed.code == "provider_stream_cut"


def test_unknown_events_and_deltas_are_ignored() -> None:
    got = from_wire(
        message_start(),
        ("brandNew", {"x": 1}),
        opened(0, image={"format": "png"}),
        delta(0, image={"bytes": ""}),
        delta(7, toolUse={"input": "{}"}),
        closed(9),
        delta(1, text="Hi", more={}),
        closed(1),
        *stop(),
    )
    assert got.text == "Hi"
    assert got.payload == [{"text": "Hi"}]


def test_keepalives_are_reported() -> None:
    decoder = DIALECT.decoder(FRAMES)
    assert decoder.feed(wire(message_start())) == [Keepalive()]
    assert decoder.feed(wire(redacted(0, "eA==")[0])) == [Keepalive()]
    assert decoder.feed(wire(message_start())[:5]) == []


def test_a_whole_response_gives_the_same_events() -> None:
    content = [
        {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "s+/="}}},
        {"reasoningContent": {"redactedContent": "eA=="}},
        {"text": "Hi"},
        {"toolUse": {"toolUseId": "s", "name": "nova", "type": "server_tool_use", "input": {}}},
        {"toolResult": {"toolUseId": "s", "type": "nova_result", "content": []}},
        {"toolUse": {"toolUseId": "t", "name": "find", "input": {"q": "a b"}}},
    ]
    usage = {"inputTokens": 3, "outputTokens": 4, "totalTokens": 7}
    got = from_json(
        {"output": {"message": {"content": content}}, "stopReason": "tool_use", "usage": usage}
    )
    assert (got.reasoning, got.text) == (["Hm"], "Hi")
    assert got.server == ["server_tool_use", "nova_result"]
    assert got.calls == [("t", "find", '{"q":"a b"}')]
    assert got.payload == content
    assert got.finished.usage is not None
    assert got.finished.usage.raw == usage


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"message":"no"}', b'{"output":{"message":5}}']
)
def test_a_whole_response_that_is_not_a_message_is_a_failure(body: bytes) -> None:
    got = read(DIALECT.decoder("application/json"), [body])
    assert got.failed.code == "provider_stream_cut"


@given(inline=st.booleans(), kind=st.sampled_from([FRAMES, "application/json"]), data=st.binary())
def test_arbitrary_bytes_give_one_typed_end(inline: bool, kind: str, data: bytes) -> None:
    dialect = INLINE_DIALECT if inline else DIALECT
    assert read(dialect.decoder(kind), [data]).failed.code == "provider_stream_cut"


WORDS = st.sampled_from(
    ["<thinking>", "</thinking>", "<thin", "king>", "<", "/", "a", " ", "\n", "é"]
)


@settings(max_examples=scaled(150, 3_000))
@given(words=st.lists(WORDS, max_size=12), data=st.data())
def test_inline_reasoning_does_not_depend_on_how_the_text_is_split(
    words: list[str], data: st.DataObject
) -> None:
    whole = "".join(words)
    places = data.draw(st.sets(st.integers(0, len(whole)), max_size=8))
    at = [0, *sorted(places), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(at)]

    def split(*texts: str) -> tuple[str, str]:
        body = wire(message_start(), *text(0, *texts), *stop())
        got = read(INLINE_DIALECT.decoder(FRAMES), [body])
        return "".join(got.reasoning), got.text

    assert split(*pieces) == split(whole)


@settings(max_examples=scaled(100, 2_000))
@given(data=st.data())
def test_damaged_bytes_never_raise_and_decode_the_same_however_split(data: st.DataObject) -> None:
    body = bytearray(wire(*FULL))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    whole = read(DIALECT.decoder(FRAMES), [bytes(body)])
    places = [0, *sorted(data.draw(st.sets(st.integers(1, len(body)), max_size=12)))]
    pieces = [bytes(body[a:b]) for a, b in zip(places, [*places[1:], None], strict=True)]
    assert read(DIALECT.decoder(FRAMES), pieces) == whole
