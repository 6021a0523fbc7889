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
from thinkaloud.events.model import Keepalive, ModelFailed, ToolCall, Usage
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.ollama_chat import bind
from thinkaloud.providers.target import Target

TARGET = Target(
    host="ollama", dialect="ollama-chat", base_url="http://localhost:11434", model="qwen3"
)


def stream(effort: Effort | None = None, **quirks: object) -> Decoder:
    target = msgspec.structs.replace(TARGET, quirks=quirks)
    return bind(target).decoder("application/x-ndjson", effort)


def line(content: str = "", *, done: bool = False, **message: Any) -> dict[str, Any]:
    full_message = {"role": "assistant", "content": content, **message}
    return {
        "model": "qwen3",
        "created_at": "2026-01-01T00:00:00Z",
        "message": full_message,
        "done": done,
    }


def done(reason: str = "stop") -> dict[str, Any]:
    counts = {"prompt_eval_count": 8, "eval_count": 9}
    return {**line(done=True), "done_reason": reason, **counts}


def ndjson(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one, ensure_ascii=False).encode() + b"\n" for one in lines)


def feed(*lines: dict[str, Any], **quirks: object) -> DecodedResponse:
    return play(stream(**quirks), [ndjson(*lines)])


def native(decoded: DecodedResponse) -> Any:
    assert decoded.finished.native is not None
    assert decoded.finished.native.origin == TARGET.origin
    return msgspec.json.decode(decoded.finished.native.payload)


FULL = (
    line(thinking="Hm"),
    line(thinking="m… 🦙\n"),
    line("\n Well"),
    line(", yes."),
    line(tool_calls=[{"function": {"name": "f", "arguments": {"city": "Köln"}}}]),
    line(tool_calls=[{"id": "own", "function": {"index": 1, "name": "g", "arguments": {}}}]),
    done(),
)
INLINE = (
    line("<th"),
    line("ink>in"),
    line("side </thi"),
    line("nk>out <think> side"),
    done(),
)

recordings = pytest.mark.parametrize("name", cases("ollama-native") or ["absent/absent"])


@recordings
def test_a_recording_matches_the_independent_parse(name: str) -> None:
    case = Case(name)
    decoded = play(stream(), [case.body])
    assert_as_expected(case, decoded)
    assert decoded.sequence == case.expected["sequence"]
    assert [json.loads(call.arguments) for call in decoded.calls] == [
        json.loads(call["arguments"]) for call in case.expected["tool_calls"]
    ]
    assert decoded.finished.reasoning_status == "shown"
    assert decoded.finished.finish_reason == ("tool_calls" if decoded.calls else "stop")


@recordings
def test_a_recording_decodes_the_same_however_it_is_split(name: str) -> None:
    case = Case(name)
    assert_cuts_do_not_matter(stream, case.body, case.network_chunks())


@recordings
def test_a_recording_that_is_cut_off_never_finishes(name: str) -> None:
    assert_no_early_finish(stream, Case(name).body, b'"done":true')


def test_thinking_answer_and_calls() -> None:
    decoded = feed(*FULL)
    assert decoded.reasoning == "Hmm… 🦙\n"
    assert decoded.answer == "\n Well, yes."
    assert decoded.calls == [
        ToolCall(tool_call_id="call_0", name="f", arguments='{"city":"Köln"}'),
        ToolCall(tool_call_id="own", name="g", arguments="{}"),
    ]
    assert decoded.sequence == ["reasoning", "text", "tool_call"]
    assert decoded.finished.finish_reason == "tool_calls"
    assert decoded.finished.raw_finish_reason == "stop"
    assert decoded.finished.usage == Usage(
        input_tokens=8, output_tokens=9, raw={"prompt_eval_count": 8, "eval_count": 9}
    )
    assert native(decoded) == {
        "role": "assistant",
        "content": "\n Well, yes.",
        "thinking": "Hmm… 🦙\n",
        "tool_calls": [
            {"function": {"name": "f", "arguments": {"city": "Köln"}}},
            {"id": "own", "function": {"name": "g", "arguments": {}}},
        ],
    }


@pytest.mark.parametrize("fixture", [FULL, INLINE])
def test_splits_do_not_matter(fixture: tuple[dict[str, Any], ...]) -> None:
    assert_cuts_do_not_matter(stream, ndjson(*fixture))


def test_tags_at_the_start_of_the_content_are_reasoning_on_old_servers() -> None:
    decoded = feed(*INLINE)
    assert decoded.reasoning == "inside "
    assert decoded.answer == "out <think> side"
    assert native(decoded)["content"] == "out <think> side"
    assert native(decoded)["thinking"] == "inside "


def test_a_tag_after_split_off_thinking_is_text() -> None:
    decoded = feed(line(thinking="t"), line("<think>literal</think>"), done())
    assert (decoded.reasoning, decoded.answer) == ("t", "<think>literal</think>")


def test_without_tags_content_is_content() -> None:
    decoded = feed(line("<think>a</think>"), done(), inline_tags=[])
    assert (decoded.reasoning, decoded.answer) == ("", "<think>a</think>")
    assert decoded.finished.reasoning_status == "none"


def test_a_tag_that_the_template_opened_needs_only_its_end() -> None:
    decoded = feed(line("a</think>b"), done(), preopened=True)
    assert (decoded.reasoning, decoded.answer) == ("a", "b")


def test_a_template_that_was_told_not_to_think_opens_no_tag() -> None:
    decoded = play(stream("none", preopened=True), [ndjson(line("a</think>b"), done())])
    assert (decoded.reasoning, decoded.answer) == ("", "a</think>b")


def test_text_that_was_held_back_is_not_lost_at_the_end() -> None:
    assert feed(line("<thi"), done()).answer == "<thi"


def test_text_that_was_held_back_is_not_lost_if_the_stream_is_cut_off() -> None:
    decoded = feed(line("<thi"))
    assert decoded.answer == "<thi"
    assert decoded.failed.code == "provider_stream_cut"


def test_the_output_limit_ends_by_length() -> None:
    assert feed(line("a"), done("length")).finished.finish_reason == "length"


@pytest.mark.parametrize(
    ("words", "code", "retryable"),
    [
        ("model runner has unexpectedly stopped", "provider_stream_cut", True),
        ('"llama3" does not support thinking', "provider_bad_request", False),
        ("server busy, please try again", "provider_overloaded", True),
    ],
)
def test_an_error_line_is_a_failure_with_its_message(
    words: str, code: Any, retryable: bool
) -> None:
    decoded = feed(line("a"), {"error": words})
    assert decoded.answer == "a"
    assert decoded.end == ModelFailed(code=code, message=words, retryable=retryable)


def test_a_whole_response_gives_the_same_events() -> None:
    body = {**done(), "message": {"content": "a", "thinking": "t"}}
    decoder = bind(TARGET).decoder("application/json; charset=utf-8")
    decoded = play(decoder, [json.dumps(body).encode()])
    assert decoded.sequence == ["reasoning", "text"]
    assert decoded.finished.finish_reason == "stop"


def test_an_empty_line_of_the_model_is_a_keepalive() -> None:
    decoder = stream()
    assert decoder.feed(ndjson(line(""))) == [Keepalive()]
    assert decoder.feed(b"\r\n\n") == []


@pytest.mark.parametrize(
    "bad",
    [
        b"{broken\n",
        b"[]\n",
        b'{"message":{"content":5}}\n',
        b'{"message":{"content":"\xff"}}\n',
        b'{"message":{"tool_calls":[{"function":{}}]}}\n',
    ],
)
def test_an_unreadable_line_is_one_failure(bad: bytes) -> None:
    decoded = play(stream(), [ndjson(line("before")) + bad + ndjson(line("after"), done())])
    assert decoded.answer == "before"
    assert decoded.failed.code == "provider_stream_cut"


def test_a_line_without_an_end_is_not_held_for_ever() -> None:
    decoder = stream()
    events = [event for _ in range(33) for event in decoder.feed(b"x" * 2**20)]
    assert [type(event) for event in events] == [ModelFailed]


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_arbitrary_bytes_never_raise(chunks: list[bytes]) -> None:
    play(stream(), chunks)
    play(bind(TARGET).decoder("application/json"), chunks)


@given(st.data())
def test_mutated_streams_never_raise_and_splits_never_matter(data: st.DataObject) -> None:
    body = bytearray(ndjson(*FULL[:-1], *INLINE))
    for _ in range(data.draw(st.integers(0, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(body)))
    whole = play(stream(), [bytes(body)])
    assert play(stream(), [bytes(body[:cut]), bytes(body[cut:])]).normalized == whole.normalized
