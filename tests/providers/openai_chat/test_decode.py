import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.openai_chat.streams import answer_stream, delta, native, play, short, stream
from tests.thoroughness import scaled
from thinkaloud.events.model import Keepalive, ModelFailed, ModelFinished, ServerToolActivity, Usage
from thinkaloud.providers.dialects.openai_chat import bind
from thinkaloud.providers.target import Target

DONE = ("finished", "stop", "shown")
BOTH = [("reasoning", 0, "Hm, so."), ("answer", "Four."), DONE]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_in_a_plain_field_is_split_and_is_sent_back_in_it(field):
    body = stream(
        delta(role="assistant", content=None, **{field: ""}),
        delta(content="", **{field: "Hm, "}),
        delta(content=None, **{field: "so."}),
        delta(content="Four.", **{field: None}),
        delta("stop", content=""),
    )
    events = play(body)
    assert short(events) == BOTH
    assert native(events) == {"role": "assistant", "content": "Four.", field: "Hm, so."}


def test_reasoning_that_comes_in_several_fields_of_a_delta_counts_once():
    def twice(text):
        return delta(
            reasoning_content=text,
            reasoning=text,
            reasoning_details=[{"type": "reasoning.text", "text": text, "index": 0}],
        )

    assert short(play(stream(twice("Hm, "), twice("so."), delta("stop", content="Four.")))) == BOTH


def test_one_delta_may_hold_reasoning_answer_and_a_call_in_this_order():
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": "{}"}}
    body = stream(delta("tool_calls", tool_calls=[call], content="b", reasoning_content="a"))
    assert short(play(body)) == [
        ("reasoning", 0, "a"),
        ("answer", "b"),
        ("opened", "c1", "f"),
        ("call", "c1", "f", "{}"),
        ("finished", "tool_calls", "shown"),
    ]


def details(*items):
    return delta(reasoning_details=list(items))


def test_reasoning_details_are_merged_by_type_and_index_with_opaque_values_whole():
    body = stream(
        details({"type": "reasoning.summary", "summary": "A", "index": 0, "format": "x"}),
        details({"type": "reasoning.summary", "summary": "B", "index": 0, "format": "x"}),
        details({"type": "reasoning.encrypted", "data": "ENC0", "index": 0, "id": "rs_1"}),
        details({"type": "reasoning.text", "text": "C", "index": 1, "signature": ""}),
        details({"type": "reasoning.text", "text": "D", "index": 1, "signature": ""}),
        details({"type": "reasoning.text", "signature": "SIG+/=", "index": 1}),
        details({"type": "reasoning.text", "text": "", "signature": "", "index": 1, "new": 7}),
        delta(content="Four."),
        details({"type": "reasoning.encrypted", "data": "ENC1", "index": 0, "id": "rs_2"}),
        delta("stop"),
    )
    events = play(body)
    assert short(events) == [
        ("reasoning", 0, "AB"),
        ("reasoning", 1, "CD"),
        ("answer", "Four."),
        DONE,
    ]
    assert native(events)["reasoning_details"] == [
        {"type": "reasoning.summary", "summary": "AB", "index": 0, "format": "x"},
        {"type": "reasoning.encrypted", "data": "ENC0", "index": 0, "id": "rs_1"},
        {"type": "reasoning.text", "text": "CD", "index": 1, "signature": "SIG+/=", "new": 7},
        {"type": "reasoning.encrypted", "data": "ENC1", "index": 0, "id": "rs_2"},
    ]


def test_items_of_one_type_are_distinguished_by_index():
    items = [{"type": "reasoning.text", "text": text, "index": i} for i, text in enumerate("AB")]
    events = play(stream(details(items[0]), details(*items[1:]), delta("stop")))
    assert short(events)[:2] == [("reasoning", 0, "A"), ("reasoning", 1, "B")]
    assert native(events)["reasoning_details"] == items


def test_text_after_a_signature_begins_a_new_item_of_the_same_index():
    body = stream(
        details({"type": "reasoning.text", "text": "A", "signature": "S1", "index": 0}),
        details({"type": "reasoning.text", "text": "B", "index": 0}),
        details({"type": "reasoning.text", "signature": "S2", "index": 0}),
        delta("stop"),
    )
    events = play(body)
    assert short(events)[:2] == [("reasoning", 0, "A"), ("reasoning", 1, "B")]
    assert [item["signature"] for item in native(events)["reasoning_details"]] == ["S1", "S2"]


def test_encrypted_items_without_an_index_stay_apart():
    items = [{"type": "reasoning.encrypted", "data": d} for d in ("one", "two")]
    events = play(stream(details(*items), delta("stop", content="Four.")))
    assert native(events)["reasoning_details"] == items


def test_reasoning_that_is_only_encrypted_is_hidden_by_the_provider():
    body = stream(
        details({"type": "reasoning.encrypted", "data": "E", "index": 0}),
        delta("stop", content="x"),
    )
    assert short(play(body)) == [("answer", "x"), ("finished", "stop", "hidden_by_provider")]


def thinking(text, **extra):
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}], **extra}


def test_mistrals_content_chunks_are_split_whatever_closed_says():
    body = stream(
        delta(role="assistant", content=""),
        delta(content=[thinking("Hm")]),
        delta(content=[thinking(", ", closed=True)]),
        delta(content=[thinking("so.", closed=True), {"type": "text", "text": "Fo"}]),
        delta("stop", content="ur."),
    )
    events = play(body)
    assert short(events) == BOTH
    assert native(events) == {
        "role": "assistant",
        "content": [thinking("Hm, so.", closed=True), {"type": "text", "text": "Four."}],
    }


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
    ],
)
@pytest.mark.parametrize("size", [None, 1])
def test_inline_tags_of_every_spelling_are_split_and_not_sent_back(opening, closing, size):
    text = f"{opening}Hm, so.{closing}Four."
    body = answer_stream(*text)
    assert short(play(body, size=size)) == BOTH
    assert short(play(answer_stream(text), size=size)) == BOTH
    assert native(play(body)) is None


def test_tags_are_sent_back_verbatim_where_the_provider_wants_them():
    events = play(answer_stream("\n<think>\nHm</think>", "\n\nFour."), back={"carrier": "tags"})
    assert native(events)["content"] == "\n<think>\nHm</think>\n\nFour."


def test_reasoning_of_a_field_is_sent_back_in_tags_where_the_provider_wants_them():
    body = stream(delta(reasoning="Hm"), delta("stop", content="Four."))
    assert native(play(body, back={"carrier": "tags"}))["content"] == "<think>Hm</think>Four."


def test_a_preopened_tag_needs_only_its_closing_one():
    assert short(play(answer_stream("Hm, so.", "</thi", "nk>Four."), preopened=True)) == BOTH
    assert short(play(answer_stream("Hm</think>Four."), preopened=False))[:3] == [
        ("answer", "Hm"),
        ("Reclassified", None),
        ("answer", "Four."),
    ]


def test_a_template_that_was_told_not_to_think_opens_no_tag():
    body = answer_stream("Four.", " </think> is a tag.")
    for effort, expected in (("none", "answer"), ("low", "reasoning"), (None, "reasoning")):
        assert short(play(body, preopened=True, effort=effort))[0][0] == expected
    assert short(play(body, preopened=True, effort="none"))[0] == (
        "answer",
        "Four. </think> is a tag.",
    )


def test_granite_phrases_are_tags_where_the_family_says_so():
    tags = [["Here's my thought process:", "Here's my response:"]]
    text = "Here's my thought process:Hm, so.Here's my response:Four."
    assert short(play(answer_stream(*text), inline_tags=tags)) == BOTH
    assert short(play(answer_stream(*text)))[0] == ("answer", text)


def test_after_reasoning_in_a_field_a_tag_in_the_content_is_text():
    body = stream(delta(reasoning="Hm"), delta(content="<think>"), delta("stop", content="x"))
    assert short(play(body)) == [("reasoning", 0, "Hm"), ("answer", "<think>x"), DONE]


def test_after_reasoning_in_a_field_harmony_in_the_content_is_text():
    body = stream(delta(reasoning="Hm"), delta("stop", content="<|channel|>final<|message|>x"))
    assert short(play(body))[1] == ("answer", "<|channel|>final<|message|>x")


def test_text_that_is_held_back_comes_out_before_a_call_and_before_a_failure():
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    body = stream(delta(content="<thi"), delta("tool_calls", tool_calls=[call]))
    assert short(play(body))[:2] == [("answer", "<thi"), ("opened", "c", "f")]
    assert short(play(answer_stream("<thi", finish=None, done=False))) == [
        ("answer", "<thi"),
        ("ModelFailed", "provider_stream_cut"),
    ]


HARMONY = (
    "<|channel|>analysis<|message|>Hm, <|b so.<|end|>"
    "<|start|>assistant<|channel|>commentary<|message|>I look it up.<|end|>"
    "<|start|>assistant<|channel|>analysis<|message|>Now.<|end|>"
    "<|start|>assistant<|channel|>commentary to=functions.get_time<|constrain|>json<|message|>"
    '{"zone": "UTC"}<|call|>'
    "<|start|>assistant to=functions.other<|channel|>commentary json<|message|>{}<|call|>"
)


@pytest.mark.parametrize("size", [None, 1, 7])
def test_raw_harmony_is_split_into_reasoning_answer_and_calls(size):
    assert short(play(answer_stream(*HARMONY), size=size)) == [
        ("reasoning", 0, "Hm, <|b so."),
        ("answer", "I look it up."),
        ("reasoning", 2, "Now."),
        ("opened", "call_0", "get_time"),
        ("opened", "call_1", "other"),
        ("call", "call_0", "get_time", '{"zone": "UTC"}'),
        ("call", "call_1", "other", "{}"),
        ("finished", "tool_calls", "shown"),
    ]
    assert short(play(answer_stream(HARMONY)))[1] == ("answer", "I look it up.")


def test_raw_harmony_ends_with_the_final_channel():
    text = (
        "<|start|>assistant<|channel|>analysis<|message|>Hm, so.<|end|>"
        "<|start|>assistant<|channel|>final<|message|>Four.<|return|>"
    )
    assert short(play(answer_stream(text))) == BOTH
    assert short(play(answer_stream(text), harmony=False))[0] == ("answer", text)


def test_fragments_of_calls_are_joined_and_keep_their_order():
    def part(index, arguments, **extra):
        return {"index": index, "function": {"arguments": arguments}, **extra}

    first = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    second = {"index": 1, "id": "b", "type": "function", "function": {"name": "g"}}
    body = stream(
        delta(tool_calls=[first]),
        delta(tool_calls=[part(0, '{"x"', id="")]),
        delta(tool_calls=[second, part(0, ": 1}", id=None)]),
        delta(tool_calls=[part(1, "{}", id="", type="function")]),
        delta("tool_calls"),
    )
    assert short(play(body)) == [
        ("opened", "a", "f"),
        ("opened", "b", "g"),
        ("call", "a", "f", '{"x": 1}'),
        ("call", "b", "g", "{}"),
        ("finished", "tool_calls", "none"),
    ]


@pytest.mark.parametrize(
    ("fragments", "calls"),
    [
        # no index, no id
        (
            [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "g"}}],
            [("call_0", "f", "{}"), ("call_1", "g", "")],
        ),
        # no index, fragments known by their id
        (
            [
                {"id": "a", "function": {"name": "f", "arguments": "{"}},
                {"id": "b", "function": {"name": "g", "arguments": "{"}},
                {"id": "a", "function": {"arguments": "}"}},
                {"function": {"arguments": "!"}},
            ],
            [("a", "f", "{}"), ("b", "g", "{!")],
        ),
        # Gemini numbers all 0
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
                {"index": 0, "id": "b", "function": {"name": "f", "arguments": "[]"}},
            ],
            [("a", "f", "{}"), ("b", "f", "[]")],
        ),
        # the name repeated, the id changing without one, arguments as an object
        (
            [
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": {"k": [1, "ü"]}}},
                {"index": 0, "id": "a", "function": {"name": "f"}},
                {"index": 0, "id": "z", "function": {"arguments": None}},
            ],
            [("a", "f", '{"k":[1,"ü"]}')],
        ),
        # the id before the name, the id after the first fragment, no name at all
        (
            [
                {"index": 0, "function": {"arguments": "{"}},
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
                {"index": 1, "id": "b", "function": {"arguments": "{}"}},
            ],
            [("a", "f", "{}"), ("b", "", "{}")],
        ),
    ],
)
def test_calls_are_distinguished_however_they_are_numbered(fragments, calls):
    body = stream(*(delta(tool_calls=[fragment]) for fragment in fragments), delta("tool_calls"))
    got = short(play(body))
    assert [event[1:] for event in got if event[0] == "call"] == calls
    assert sorted(event[1] for event in got if event[0] == "opened") == sorted(c[0] for c in calls)


def test_extra_fields_of_a_call_survive_in_the_native_message():
    signed = {
        "index": 0,
        "id": "a",
        "type": "function",
        "extra_content": {"google": {"thought_signature": "CiQB+/=="}},
        "function": {"name": "f", "arguments": "{}"},
    }
    events = play(stream(delta("tool_calls", tool_calls=[signed], content="x")))
    assert native(events) == {
        "role": "assistant",
        "content": "x",
        "tool_calls": [{key: value for key, value in signed.items() if key != "index"}],
    }


def test_a_plain_call_needs_no_native_message_unless_it_needs_reasoning():
    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert native(play(stream(delta("tool_calls", tool_calls=[call])))) is None


def test_truncated_calls_end_as_length():
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x'}}
    assert short(play(stream(delta("length", tool_calls=[call]))))[-1][1] == "length"


def test_the_servers_own_tools_are_reported_once_when_they_start():
    tool = {"index": 0, "type": "search", "arguments": "{}"}
    body = stream(
        delta(executed_tools=[tool]),
        delta(executed_tools=[{**tool, "output": "x"}]),
        delta("stop", content="y"),
    )
    assert [e for e in play(body) if isinstance(e, ServerToolActivity)] == [
        ServerToolActivity("search")
    ]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("end_turn", "stop"),
        ("", "stop"),
        ("length", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("tool_calls", "stop"),
        ("pause_turn", "pause"),
    ],
)
def test_the_finish_reason_is_normalized_and_kept(word, reason):
    last = play(answer_stream("x", finish=word))[-1]
    assert isinstance(last, ModelFinished)
    assert (last.finish_reason, last.raw_finish_reason) == (reason, word)


@pytest.mark.parametrize(
    ("word", "code", "retryable"),
    [
        ("content_filter", "provider_content_filter", False),
        ("content_filter: SAFETY", "provider_content_filter", False),
        ("sensitive", "provider_content_filter", False),
        ("refusal", "provider_refusal", False),
        ("insufficient_system_resource", "provider_overloaded", True),
        ("error", "provider_overloaded", True),
    ],
)
def test_a_finish_without_an_answer_is_a_failure(word, code, retryable):
    last = play(answer_stream("x", finish=word))[-1]
    assert isinstance(last, ModelFailed)
    assert (last.code, last.retryable) == (code, retryable)


def test_a_refusal_is_a_failure_with_the_models_text():
    body = stream(delta(refusal="I can"), delta(refusal="not."), delta("stop", refusal=""))
    last = play(body)[-1]
    assert isinstance(last, ModelFailed)
    assert (last.code, last.message) == ("provider_refusal", "I cannot.")


FIGURES = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17}


@pytest.mark.parametrize(
    "chunks",
    [
        [delta("stop", content="x"), {"choices": [], "usage": FIGURES}],
        [delta("stop", content="x"), {"choices": None, "usage": FIGURES}],
        [{**delta("stop", content="x"), "usage": FIGURES}],
        [{**delta(content="x"), "usage": {}}, {**delta("stop"), "usage": FIGURES}],
        [{"choices": [{"delta": {"content": "x"}, "finish_reason": "stop", "usage": FIGURES}]}],
        [{**delta("stop", content="x"), "x_groq": {"id": "r", "usage": FIGURES}}],
        [{**delta("stop", content="x"), "usage": FIGURES}, {"choices": [], "usage": None}],
    ],
)
def test_usage_is_found_in_every_place(chunks):
    last = play(stream(*chunks))[-1]
    assert isinstance(last, ModelFinished)
    assert last.usage == Usage(input_tokens=10, output_tokens=7, raw=FIGURES)


@pytest.mark.parametrize(
    ("figures", "quirk", "output", "reasoning", "cached"),
    [
        ({"completion_tokens_details": {"reasoning_tokens": 5}}, None, 7, 5, None),
        # xAI: the total tells that reasoning is counted apart
        (
            {"completion_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 22},
            None,
            12,
            5,
            None,
        ),
        # Gemini on Vercel: more reasoning than completion
        ({"completion_tokens_details": {"reasoning_tokens": 61}}, None, 68, 61, None),
        ({"completion_tokens_details": {"reasoning_tokens": 5}}, True, 12, 5, None),
        ({"reasoning_tokens": 3}, False, 7, 3, None),
        ({"completion_tokens_details": None, "prompt_cache_hit_tokens": 4}, None, 7, None, 4),
        ({"prompt_tokens_details": {"cached_tokens": 6}}, None, 7, None, 6),
        ({"completion_tokens_details": "odd", "cached_tokens": 2}, None, 7, None, 2),
    ],
)
def test_output_tokens_include_reasoning(figures, quirk, output, reasoning, cached):
    figures = {**FIGURES, **figures}
    last = play(
        stream({**delta("stop", content="x"), "usage": figures}),
        completion_excludes_reasoning=quirk,
    )[-1]
    assert isinstance(last, ModelFinished)
    assert last.usage == Usage(
        input_tokens=10,
        output_tokens=output,
        reasoning_tokens=reasoning,
        cache_read_tokens=cached,
        raw=figures,
    )
    assert last.reasoning_status == ("hidden_by_provider" if reasoning else "none")


@pytest.mark.promise("P3")
def test_only_a_finish_reason_or_done_ends_a_response():
    assert short(play(answer_stream("x", finish=None)))[-1] == ("finished", "stop", "none")
    assert short(play(answer_stream("x", done=False)))[-1] == ("finished", "stop", "none")
    cut = play(answer_stream("x", finish=None, done=False))
    assert short(cut) == [("answer", "x"), ("ModelFailed", "provider_stream_cut")]
    assert cut[-1].retryable
    assert short(play(b"")) == [("ModelFailed", "provider_stream_cut")]
    assert short(play(answer_stream("x", done=False) + b"data: [DON"))[-1][0] == "finished"


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        ({"error": {"message": "no luck", "code": 502}}, "provider_overloaded", True),
        ({"error": {"message": "no luck", "type": "server_error"}}, "provider_overloaded", True),
        (
            {"error": {"message": "no luck", "code": "rate_limit_exceeded"}},
            "provider_rate_limit",
            True,
        ),
        ({"error": {"message": "no luck", "status_code": 400}}, "provider_bad_request", False),
        (
            {"error": {"message": "no luck", "code": "tool_use_failed", "status_code": 400}},
            "provider_bad_request",
            True,
        ),
        ({"error": "no luck"}, "provider_overloaded", True),
        (
            {"choices": None, "error": {"message": "no luck", "code": "429"}},
            "provider_rate_limit",
            True,
        ),
        ({"object": "error", "message": "no luck", "code": 400}, "provider_bad_request", False),
        ({"detail": "no luck"}, "provider_overloaded", True),
        ({"x_groq": {"error": "no luck"}, **delta()}, "provider_overloaded", True),
        (
            {"choices": [{"delta": {}, "error": {"message": "no luck", "code": 504}}]},
            "provider_timeout",
            True,
        ),
    ],
)
@pytest.mark.promise("P3")
def test_an_error_inside_the_stream_is_a_failure_even_after_a_finish_reason(error, code, retryable):
    body = stream(
        delta(reasoning="Hm"), {**delta("length"), "usage": FIGURES}, error, delta(content="late")
    )
    events = play(body)
    assert short(events) == [("reasoning", 0, "Hm"), ("ModelFailed", code)]
    last = events[-1]
    assert (last.message, last.retryable) == ("no luck", retryable)
    assert last.usage.input_tokens == 10


@pytest.mark.parametrize(
    "payload",
    ["{", '{"choices": 5}', '{"choices": [{"delta": {"content": 5}}]}', "[" * 50_000, "\xff"],
)
def test_an_unreadable_event_ends_the_stream_after_the_earlier_output(payload):
    body = (
        stream(delta(content="x"), done=False)
        + f"data: {payload}\n\n".encode("latin-1")
        + answer_stream("late")
    )
    events = play(body)
    assert short(events) == [("answer", "x"), ("ModelFailed", "provider_stream_cut")]


def test_wrong_utf8_inside_a_text_ends_the_stream():
    body = (
        answer_stream("x", finish=None, done=False)
        + b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'
    )
    assert short(play(body)) == [("answer", "x"), ("ModelFailed", "provider_stream_cut")]


def test_an_event_without_words_is_a_keepalive_and_a_comment_is_not():
    decoder = bind(Target("lab", "openai-chat", "http://lab.test/v1", "m")).decoder("")
    assert decoder.feed(stream(delta(role="assistant", content=""), done=False)) == [Keepalive()]
    assert decoder.feed(b": keep-alive\n\n") == []
    call = {"index": 0, "function": {"arguments": "{"}}
    many = stream(delta(tool_calls=[call]), delta(tool_calls=[call]), done=False)
    assert decoder.feed(many) == [Keepalive()]


WHOLE = {
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Four.",
                "reasoning_content": "Hm, so.",
                "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": FIGURES,
}


@pytest.mark.parametrize("size", [None, 1])
def test_a_whole_response_gives_the_same_events(size):
    for kind in ("application/json", "text/event-stream"):
        events = play(json.dumps(WHOLE, indent=1).encode(), kind=kind, size=size)
        assert short(events) == [
            ("reasoning", 0, "Hm, so."),
            ("answer", "Four."),
            ("opened", "a", "f"),
            ("call", "a", "f", "{}"),
            ("finished", "tool_calls", "shown"),
        ]
        assert events[-1].usage.output_tokens == 7
    assert short(play(stream(WHOLE)))[:2] == BOTH[:2]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"message": "no luck", "code": 503}}', "provider_overloaded"),
        (b'[{"error": {"message": "no luck", "code": 400}}]', "provider_bad_request"),
        (b'{"choices": []}', "provider_stream_cut"),
        (b'{"choices": [{"message"', "provider_stream_cut"),
        (b"<!DOCTYPE html><html>", "provider_bad_request"),
    ],
)
def test_a_whole_body_that_is_not_a_message_is_a_failure(body, code):
    assert short(play(body, kind="application/json")) == [("ModelFailed", code)]


def test_a_message_repeated_beside_the_delta_counts_once():
    chunks = [
        {"choices": [{"delta": {"content": text}, "message": {"content": so_far}}]}
        for text, so_far in (("Fo", "Fo"), ("ur.", "Four."))
    ]
    again = {"choices": [{"message": {"content": "Four."}, "finish_reason": "stop"}]}
    assert short(play(stream(*chunks, again)))[:1] == [("answer", "Four.")]


def test_only_the_first_choice_is_read():
    other = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    assert short(play(stream(delta(content="yes"), other)))[0] == ("answer", "yes")


CORNERS = [
    stream(
        delta(role="assistant", content=""),
        delta(reasoning_content="Grüße 🤔"),
        details({"type": "reasoning.text", "text": "B", "index": 0, "signature": "S"}),
        delta(content="Antwort 🎉"),
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"ü'}}]),
        delta("tool_calls"),
        {"choices": [], "usage": FIGURES},
    ),
    answer_stream("\n<think>ä < b</thi", "nk>\n\nc <think> d"),
    answer_stream(*HARMONY),
    stream(
        delta(content=[thinking("a"), {"type": "text", "text": "b"}]), delta("stop", content="c")
    ),
    stream(delta(reasoning="a"), {"error": {"message": "b"}}),
    json.dumps(WHOLE).encode(),
]


@pytest.mark.promise("P5")
@given(body=st.sampled_from(CORNERS), places=st.sets(st.integers(1, 99_999), max_size=50))
def test_any_split_gives_the_same_message(body, places):
    decoder = bind(Target("lab", "openai-chat", "http://lab.test/v1", "m")).decoder("")
    events = []
    cuts = sorted(len(body) * place // 100_000 for place in places)
    for start, end in itertools.pairwise([0, *cuts, len(body)]):
        events += decoder.feed(body[start:end])
    events += decoder.close()
    assert short(events) == short(play(body))
    assert events[-1] == play(body)[-1]


@settings(max_examples=scaled(300, 6_000))
@given(
    body=st.sampled_from(CORNERS),
    cut=st.integers(0, 2000),
    junk=st.one_of(st.binary(max_size=12), st.sampled_from([b"null", b"{}", b"[]", b"-1", b'""'])),
    length=st.integers(0, 20),
)
def test_damaged_bytes_never_raise_and_always_end_once(body, cut, junk, length):
    cut = min(cut, len(body))
    events = play(body[:cut] + junk + body[cut + length :])
    ends = [event for event in events if isinstance(event, ModelFinished | ModelFailed)]
    assert ends == events[-1:]


@given(body=st.binary(max_size=200).filter(lambda body: b"[DONE]" not in body))
def test_arbitrary_bytes_never_raise_and_are_not_an_answer(body):
    assert isinstance(play(body)[-1], ModelFailed)
    assert isinstance(play(b"data: " + body + b"\n\n")[-1], ModelFailed)


def test_nothing_is_emitted_after_the_end():
    decoder = bind(Target("lab", "openai-chat", "http://lab.test/v1", "m")).decoder("")
    assert (
        decoder.feed(answer_stream("x") + answer_stream("late"))[-1] == play(answer_stream("x"))[-1]
    )
    assert decoder.feed(answer_stream("late")) == []
    assert decoder.close() == []


def chosen(index, finish=None, **members):
    return {"choices": [{"index": index, "delta": members, "finish_reason": finish}]}


CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "chunks",
    [
        # LiteLLM numbers its blocks
        [chosen(0, reasoning_content="Hm, "), chosen(0, reasoning_content="so.")],
        [chosen(1, reasoning_content="Hm, "), chosen(1, reasoning_content="so.")],
        [chosen(0, role="assistant"), chosen(3, reasoning="Hm, so.")],
    ],
)
def test_text_in_another_choice_belongs_to_the_requested_message(chunks):
    for index in (1, 2, 5):
        body = stream(*chunks, chosen(index, content="Fo"), chosen(index, content="ur."))
        last = stream(chosen(0, "stop"))
        assert short(play(body.removesuffix(b"data: [DONE]\n\n") + last)) == BOTH


def test_a_thought_between_two_texts_of_other_choices_is_read_in_order():
    body = stream(
        chosen(0, reasoning="a"),
        chosen(1, content="b"),
        chosen(2, reasoning="c"),
        chosen(3, content="d"),
        chosen(0, "stop"),
    )
    kinds = [event[0] for event in short(play(body))]
    assert kinds == ["reasoning", "answer", "reasoning", "answer", "finished"]


def test_calls_in_a_separate_choice_are_read():
    said_ = {"message": {"role": "assistant", "content": "x"}, "finish_reason": "tool_calls"}
    called = {"index": 1, "message": {"tool_calls": [CALL]}, "finish_reason": "tool_calls"}
    whole = json.dumps({"choices": [{"index": 0, **said_}, called]}).encode()
    streamed = stream(chosen(0, content="x"), chosen(1, tool_calls=[CALL]), chosen(0, "tool_calls"))
    for body in (whole, streamed):
        assert [event[0] for event in short(play(body))] == ["answer", "opened", "call", "finished"]


def test_an_unrequested_second_message_is_ignored():
    chunks = [chosen(n, content=text) for text in ("ye", "s") for n in (0, 1)]
    assert short(play(stream(*chunks, chosen(1, "length"))))[0] == ("answer", "yes")
    both = {"choices": [*chosen(0, content="yes")["choices"], *chosen(1, content="no")["choices"]]}
    assert short(play(stream(both, chosen(0, "stop"))))[0] == ("answer", "yes")
    assert short(play(stream(both, chosen(1, "stop"), done=False)))[-1][1] == "provider_stream_cut"


@pytest.mark.parametrize(
    "members",
    [
        {"reasoning_content": [{"type": "text", "text": "Hm, "}, {"type": "text", "text": "so."}]},
        {"reasoning_content": ["Hm, ", "so."]},
        {"reasoning_content": {"type": "text", "text": "Hm, so."}},
        {"reasoning": [{"type": "reasoning.text", "text": "Hm, so."}]},
        {"content": [{"type": "reasoning", "summary": [{"text": "Hm, "}, {"text": "so."}]}]},
        {"content": [{"type": "reasoning", "text": "Hm, so."}]},
        {"content": [{"type": "thinking", "thinking": "Hm, so."}]},
        {"content": [{"type": "reasoning", "reasoning": {"text": "Hm, so."}}]},
        {"content": {"type": "thinking", "thinking": ["Hm, ", {"text": "so."}]}},
    ],
)
def test_reasoning_is_read_as_text_as_a_part_and_as_a_list_of_parts(members):
    for answer in ("Four.", ["Fo", {"type": "text", "text": "ur."}]):
        assert short(play(stream(delta(**members), delta("stop", content=answer)))) == BOTH


@pytest.mark.parametrize("empty", [None, {}, "", False, []])
def test_an_empty_error_field_is_not_an_error(empty):
    chunks = [{**delta(content="x"), "error": empty}, {**delta("stop"), "error": empty}]
    assert short(play(stream(*chunks))) == [("answer", "x"), ("finished", "stop", "none")]
