"""Streams as gateways really send them, in every API format that can carry them."""

import json
import re
from collections.abc import Callable

import pytest

from tests.providers.bedrock_converse import wires as converse
from tests.providers.playback import DecodedResponse, play
from tests.providers.streams import WIRES, ResponseText, decoder
from thinkaloud.events.model import ModelFinished, ReasoningText
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.registry import load_dialect
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.providers.target import Target

SAID = ResponseText(["Hm, ", "so."], ["It ", "is 4."], ['{"at": ', '"home"}'])
SSE = [name for name, wire in WIRES.items() if wire.content_type == "text/event-stream"]
NAMED = ["openai-responses", "anthropic-messages", "google-interactions", "cohere-chat"]
TEXT = ["openai-chat", "openai-responses", "anthropic-messages", "google-generate"]


def events(name: str) -> list[bytes]:
    """The events of a stream, each with one LF after every line."""
    return [event.replace(b"\r\n", b"\n") for event in WIRES[name].events(SAID)]


def decoded(name: str, body: bytes, content_type: str | None = None) -> DecodedResponse:
    """Decode a body, and see that its cuts make no difference."""
    wire = WIRES[name]

    def make() -> Decoder:
        return decoder(wire.dialect, content_type or wire.content_type)

    whole = play(make(), [body])
    for size in (1, 7, 64):
        chunks = [body[at : at + size] for at in range(0, len(body), size)]
        assert play(make(), chunks).normalized == whole.normalized
    return whole


def assert_says_it_all(got: DecodedResponse) -> None:
    assert (got.reasoning, got.answer) == ("Hm, so.", "It is 4.")
    (call,) = got.calls
    assert call.name == "look_up"
    assert json.loads(call.arguments) == {"at": "home"}
    assert got.finished.finish_reason == "tool_calls"


NOISE = {
    "comment in data": b"data: : keepalive\n\n",
    "OpenRouter's comment in data": b"data: : OPENROUTER PROCESSING\n\n",
    "ping": b"data: ping\n\n",
    "ping with the time": b"data: ping - 2026-11-30 12:00:00.000000+00:00\n\n",
    "brackets": b"data: [HEARTBEAT]\n\n",
    "named": b"event: keepalive\ndata:\n\n",
    "null": b"data: null\n\n",
    "empty data": b"data: \n\n",
    "field without a colon": b"data\n\n",
    "retry": b"retry: 3000\n\n",
}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("name", SSE)
def test_keepalives_are_not_part_of_the_answer(name: str, noise: str) -> None:
    body = NOISE[noise].join([b"", *events(name), b""])
    assert_says_it_all(decoded(name, body))


FRAMINGS: dict[str, Callable[[bytes], bytes]] = {
    "no blank line": lambda body: body.replace(b"\n\n", b"\n"),
    "a line of spaces": lambda body: body.replace(b"\n\n", b"\n \n"),
    "ids and no blank line": lambda body: body.replace(b"\n\n", b"\nid: 7\n"),
    "CR": lambda body: body.replace(b"\n\n", b"\n").replace(b"\n", b"\r"),
    "data twice": lambda body: body.replace(b"data: {", b"data: data: {"),
    "bare JSON lines": lambda body: re.sub(rb"(?m)^(event: .*\n|data: )", b"", body),
    "pretty JSON": lambda body: re.sub(
        rb"data: (\{.*)",
        lambda found: b"data: " + json.dumps(json.loads(found[1]), indent=1).encode(),
        body,
    ),
    "no space, end without a line": lambda body: body.replace(b"data: ", b"data:").rstrip(),
    "done in lower case": lambda body: body.replace(b"[DONE]", b"[done]"),
    "done in quotes": lambda body: body.replace(b"[DONE]", b'"[DONE]"'),
}


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("name", SSE)
def test_events_are_separated_however_they_are_framed(name: str, framing: str) -> None:
    body = FRAMINGS[framing](b"".join(events(name)))
    assert_says_it_all(decoded(name, body))


@pytest.mark.parametrize("name", [*SSE, "ollama-chat"])
def test_a_stream_that_is_labelled_as_json_is_read_as_a_stream(name: str) -> None:
    assert_says_it_all(decoded(name, b"".join(events(name)), "application/json"))


@pytest.mark.parametrize("name", ["ollama-chat"])
@pytest.mark.parametrize("before", [b"data: ", b"data:"])
def test_json_lines_in_the_frame_of_server_sent_events_are_read(name: str, before: bytes) -> None:
    body = b"".join(before + line + b"\n" for line in events(name))
    assert_says_it_all(decoded(name, body + b"data: [DONE]\n\n"))


@pytest.mark.parametrize("name", NAMED)
def test_events_that_are_named_in_their_event_line_only_are_read(name: str) -> None:
    bare = re.sub(rb'"(type|event_type)": "[a-z_.-]+\.[a-z_.]+", ', b"", b"".join(events(name)))
    if name in ("anthropic-messages", "cohere-chat"):
        bare = re.sub(rb'data: \{"type": "[a-z_-]+", ', b"data: {", b"".join(events(name)))
    assert bare != b"".join(events(name))
    assert_says_it_all(decoded(name, bare))


WHOLE: dict[BuiltInDialect, dict[str, object]] = {
    "openai-chat": {"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}]},
    "openai-responses": {
        "object": "response",
        "status": "completed",
        "error": None,
        "output": [
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Yes."}],
            }
        ],
    },
    "anthropic-messages": {
        "type": "message",
        "content": [{"type": "text", "text": "Yes."}],
        "stop_reason": "end_turn",
    },
    "google-generate": {
        "candidates": [{"content": {"parts": [{"text": "Yes."}]}, "finishReason": "STOP"}]
    },
    "google-interactions": {
        "status": "completed",
        "steps": [{"type": "model_output", "content": [{"type": "text", "text": "Yes."}]}],
    },
    "cohere-chat": {
        "message": {"content": [{"type": "text", "text": "Yes."}]},
        "finish_reason": "COMPLETE",
    },
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("framed", [False, True], ids=["bare", "as data"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_answer_under_the_label_of_a_stream_is_read(
    name: BuiltInDialect, framed: bool, indent: int | None
) -> None:
    body = json.dumps(WHOLE[name], indent=indent).encode()
    body = b"data: %b\n\ndata: [DONE]\n\n" % body if framed else body
    got = decoded(name, body)
    assert got.answer == "Yes."
    assert isinstance(got.end, ModelFinished)


REASON = "the prompt is too long: 205351 tokens"
ERRORS = {
    "bare JSON": {"error": {"type": "invalid_request_error", "message": REASON}},
    "a text": {"error": f"invalid_request_error: {REASON}"},
    "flat, typed error": {"type": "error", "code": "invalid_request_error", "message": REASON},
    "another type": {"type": "stream_error", "error": {"code": 400, "message": REASON}},
    "camel case": {"type": "upstreamException", "statusCode": 400, "message": REASON},
    "nested": {"error": {"error": {"code": "bad_request", "message": REASON}}},
    "a list": {"errors": [{"code": 400, "message": REASON}]},
}
CARRIERS: dict[str, Callable[[bytes], bytes]] = {
    "bare": lambda error: error,
    "bare line": lambda error: error + b"\n",
    "data": lambda error: b"data: " + error + b"\n\n",
    "event: error": lambda error: b"event: error\ndata: " + error + b"\n\n",
    "event: response.error": lambda error: b"event: response.error\ndata: " + error + b"\n\n",
    "error line": lambda error: b"error: " + error + b"\n\n",
    "error line, end marker": lambda error: b"error: " + error + b"\n\ndata: [DONE]\n\n",
    "error in data": lambda error: b"data: error: " + error + b"\n\n",
}


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("name", SSE)
def test_the_providers_message_is_reported_however_the_error_is_sent(
    name: str, error: str, carrier: str
) -> None:
    body = CARRIERS[carrier](json.dumps(ERRORS[error]).encode())
    for before in (b"", b"".join(events(name)[:3])):
        got = decoded(name, before + body)
        assert REASON in got.failed.message
    if error not in ("a text", "nested"):
        assert got.failed.code == "provider_bad_request"
        assert not got.failed.retryable


@pytest.mark.parametrize(
    "body",
    [
        b'event: error\ndata: {"message": "no luck", "code": 503}\n\n',
        b'event: gateway_error\ndata: {"detail": "no luck", "status": 503}\n\n',
        b"error: no luck\n\n",
        b"data: Error: no luck\n\n",
        b'event: exception\ndata: {"msg": "no luck"}\n\n',
        b'error: {\n  "message": "no luck"\n}\n\n',
        b"upstream connect error: no luck\n",
    ],
)
@pytest.mark.parametrize("name", SSE)
def test_messages_in_another_shape_are_reported_too(name: str, body: bytes) -> None:
    got = decoded(name, body)
    assert "no luck" in got.failed.message
    assert got.failed.retryable


@pytest.mark.parametrize("name", SSE)
def test_a_web_page_under_the_label_of_a_stream_says_that_the_address_is_wrong(name: str) -> None:
    got = decoded(name, b"\n <!DOCTYPE html>\n<html>\n<body>Sign in</body></html>")
    assert got.failed.code == "provider_bad_request"
    assert "base_url" in got.failed.message


@pytest.mark.parametrize("name", [*SSE, "ollama-chat"])
def test_a_web_page_after_the_start_of_a_stream_is_a_cut_and_not_a_wrong_address(
    name: str,
) -> None:
    page = b"<html>\n<head><title>502 Bad Gateway</title></head>\n</html>\n"
    failed = decoded(name, b"".join(events(name)[:2]) + page).failed
    assert (failed.code, failed.retryable) == ("provider_stream_cut", True)
    assert "proxy" in failed.message


NOT_YET: dict[str, tuple[bytes, bytes]] = {
    "openai-chat": (b'"finish_reason": null', b'"finish_reason": "%b"'),
    "anthropic-messages": (b'"stop_reason": null', b'"stop_reason": "%b"'),
    "google-generate": (b'"index": 0}', b'"index": 0, "finishReason": "%b"}'),
}


@pytest.mark.parametrize("word", [b"null", b"None", b"", b"FINISH_REASON_UNSPECIFIED"])
@pytest.mark.parametrize("name", NOT_YET)
def test_a_finish_reason_that_means_unfinished_is_not_an_end(name: str, word: bytes) -> None:
    found, put = NOT_YET[name]
    whole = [event.replace(found, put % word) for event in events(name)]
    if name == "anthropic-messages":
        delta = {"type": "message_delta", "delta": {"stop_reason": word.decode()}}
        whole.insert(-2, b"data: " + json.dumps(delta).encode() + b"\n\n")
    assert_says_it_all(decoded(name, b"".join(whole)))
    ends = {"openai-chat": 3, "anthropic-messages": 2, "google-generate": 1}[name]
    got = decoded(name, b"".join(whole[:-ends]))
    assert (got.reasoning, got.answer) == ("Hm, so.", "It is 4.")
    assert got.failed.code == "provider_stream_cut"


MALFORMED = ["MALFORMED_FUNCTION_CALL", "malformed_tool_use", "function_call_filter: MALFORMED"]
ENDS: dict[str, tuple[bytes, bytes]] = {
    "openai-chat": (b'"finish_reason": "stop"', b'"finish_reason": "%b"'),
    "anthropic-messages": (b'"stop_reason": "end_turn"', b'"stop_reason": "%b"'),
    "google-generate": (b'"finishReason": "STOP"', b'"finishReason": "%b"'),
    "google-interactions": (b'"status": "completed"', b'"status": "%b"'),
    "cohere-chat": (b'"finish_reason": "COMPLETE"', b'"finish_reason": "%b"'),
    "ollama-chat": (b'"done_reason": "stop"', b'"done_reason": "%b"'),
    "openai-responses": (
        b'"response": {"id": "resp_1", "status": "completed"',
        b'"response": {"id": "resp_1", "status": "incomplete", '
        b'"incomplete_details": {"reason": "%b"}',
    ),
}


@pytest.mark.parametrize("word", MALFORMED)
@pytest.mark.parametrize("name", ENDS)
def test_a_malformed_tool_call_is_retried(name: str, word: str) -> None:
    found, put = ENDS[name]
    body = WIRES[name].body(ResponseText())
    assert found in body
    got = decoded(name, body.replace(found, put % word.encode()))
    assert got.failed.code == "provider_stream_cut"
    assert got.failed.retryable
    assert word in got.failed.message


def counted_up(name: str) -> bytes:
    """A stream whose index counts the pieces instead of the blocks."""
    key, begins = {
        "openai-responses": (rb'"(output_index|content_index|summary_index)": \d+', b"added"),
        "anthropic-messages": (rb'"(index)": \d+', b"_start"),
        "google-interactions": (rb'"(index)": \d+', b".start"),
        "cohere-chat": (rb'"(index)": \d+', b"-start"),
    }[name]
    number = 0
    found: list[bytes] = []
    for event in events(name):
        event = event.replace(b"reasoning_summary_text", b"reasoning_text")
        event = event.replace(b"summary_index", b"content_index")
        ends = b"stop" in event or b"-end" in event
        if begins in event or b"delta" in event or not ends:
            number += 1
        found.append(re.sub(key, lambda m, n=number: b'"%b": %d' % (m[1], n), event))
    return b"".join(found)


@pytest.mark.parametrize(
    "name", ["openai-responses", "anthropic-messages", "google-interactions", "cohere-chat"]
)
def test_an_index_per_piece_repeats_nothing_and_breaks_no_paragraph(
    name: str,
) -> None:
    got = decoded(name, counted_up(name))
    assert (got.reasoning, got.answer) == ("Hm, so.", "It is 4.")
    assert {event.part for event in got.events if isinstance(event, ReasoningText)} == {0}


def test_a_converse_block_index_per_piece_opens_one_block() -> None:
    pieces = [
        *(converse.delta(n, reasoningContent={"text": text}) for n, text in enumerate("abc")),
        *(converse.delta(n + 3, text=text) for n, text in enumerate(["It ", "is ", "4."])),
    ]
    body = converse.wire(converse.message_start(), *pieces, *converse.stop("end_turn"))
    got = play(WIRES["bedrock-converse"].decoder(), [body])
    assert (got.reasoning, got.answer) == ("abc", "It is 4.")
    assert {event.part for event in got.events if isinstance(event, ReasoningText)} == {0}
    native = got.finished.native
    assert native is not None
    assert len(json.loads(bytes(native.payload))) == 2


REPORTED: dict[str, str] = {
    "MiniMax": "insufficient balance (1008)",
    "OpenAI": "You exceeded your current quota, please check your plan and billing details.",
    "Anthropic": "Your credit balance is too low to access the Anthropic API.",
    "Zhipu": "余额不足或无可用资源包,请充值。",
    "DeepSeek": "Insufficient Balance",
    "OpenRouter": "This request requires more credits, or fewer max_tokens.",
    "Moonshot": "Your account is suspended due to insufficient balance, please recharge.",
}


@pytest.mark.parametrize("who", REPORTED)
@pytest.mark.parametrize("name", WIRES)
def test_an_exhausted_quota_is_not_retried(name: str, who: str) -> None:
    dialect = WIRES[name].dialect
    bound = load_dialect(dialect)(Target("lab", dialect, "https://lab.test/v1", "m"))
    for error in ({"message": REPORTED[who], "type": "x"}, REPORTED[who]):
        body = json.dumps({"error": error}, ensure_ascii=False).encode()
        refused = bound.error(429, {}, body)
        assert (refused.code, refused.retryable) == ("provider_rate_limit", False)


@pytest.mark.parametrize("name", TEXT)
def test_a_temporary_limit_is_retried(name: str) -> None:
    dialect = WIRES[name].dialect
    bound = load_dialect(dialect)(Target("lab", dialect, "https://lab.test/v1", "m"))
    for words in (
        "Rate limit reached for requests per min. Please try again in 2s.",
        "Resource has been exhausted (e.g. check quota).",
        "This request would exceed your organization's rate limit of 40,000 tokens per minute.",
    ):
        body = json.dumps({"error": {"message": words, "type": "rate_limit_error"}}).encode()
        assert bound.error(429, {}, body).retryable
