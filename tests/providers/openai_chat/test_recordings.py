"""Every recording decodes to what an independent parser found, however it is split."""

import json
import random
from functools import cache
from typing import Any

import pytest

from tests.corpus import Case, cases
from tests.thoroughness import cut_interval
from thinkaloud.events.model import (
    AnswerText,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    ToolCall,
    ToolCallOpened,
)
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    ModelRequest,
    ToolCallPart,
    ToolResult,
    ToolTurn,
    UserTurn,
)
from thinkaloud.providers.dialects.openai_chat import bind
from thinkaloud.providers.target import Target

CASES = cases("openai-chat", "openai-chat-inline", "openai-chat-harmony")

CARRIERS = {
    "avian": "reasoning_content",
    "doubleword": "reasoning_content",
}
"""Hosts whose quirks the recorded follow-up requests show."""


@cache
def case(name: str) -> Case:
    return Case(name)


def target(name: str) -> Target:
    host = name.partition("/")[0]
    quirks: dict[str, object] = {}
    if host in CARRIERS:
        quirks["back"] = {"carrier": CARRIERS[host]}
    return Target(
        host=host,
        dialect="openai-chat",
        base_url=f"https://{host}.test/v1",
        model="m",
        quirks=quirks,
    )


def play(name: str, chunks: list[bytes]) -> list[Any]:
    decoder = bind(target(name)).decoder("text/event-stream")
    events: list[Any] = []
    for chunk in chunks:
        events += decoder.feed(chunk)
    events += decoder.close()
    assert decoder.close() == []
    return events


def summary_of(events: list[Any]) -> dict[str, Any]:
    """A response in the format of expected.json, plus its last event."""
    sequence: list[str] = []
    for event in events:
        word = {ReasoningText: "reasoning", AnswerText: "text", ToolCallOpened: "tool_call"}.get(
            type(event)
        )
        if word and sequence[-1:] != [word]:
            sequence.append(word)
    return {
        "reasoning": "".join(e.text for e in events if isinstance(e, ReasoningText)),
        "text": "".join(e.text for e in events if isinstance(e, AnswerText)),
        "sequence": sequence,
        "calls": [(e.name, e.arguments) for e in events if isinstance(e, ToolCall)],
        "ids": [e.tool_call_id for e in events if isinstance(e, ToolCall)],
        "parts": [(e.part, type(e).__name__) for e in events if isinstance(e, ReasoningText)][-1:],
        "last": events[-1],
    }


@cache
def whole(name: str) -> dict[str, Any]:
    return summary_of(play(name, [case(name).body]))


def is_complete(expected: dict[str, Any]) -> bool:
    ended = expected["finish_reason"] is not None or expected["done_sentinel"]
    return ended and expected["error"] is None


@pytest.mark.promise("P1", "P4")
@pytest.mark.parametrize("name", CASES)
def test_a_recording_matches_the_independent_parser(name):
    expected = case(name).expected
    got = whole(name)
    assert got["reasoning"] == expected["reasoning"]
    assert got["text"] == expected["text"]
    assert got["sequence"] == expected["sequence"]
    last = got["last"]
    if not is_complete(expected):
        assert isinstance(last, ModelFailed)
        return
    calls = expected["tool_calls"]
    assert got["calls"] == [(call["name"], call["arguments"]) for call in calls]
    assert got["ids"] == [call["id"] or f"call_{place}" for place, call in enumerate(calls)]
    assert isinstance(last, ModelFinished)
    assert last.raw_finish_reason == (expected["finish_reason"] or "")
    reasoning_tokens = last.usage.reasoning_tokens if last.usage else None
    assert reasoning_tokens == expected["reasoning_tokens"]
    if expected["usage"] is not None:
        assert last.usage is not None
        assert last.usage.raw == expected["usage"]
        assert last.usage.output_tokens >= (last.usage.reasoning_tokens or 0)
    if expected["reasoning"]:
        assert last.reasoning_status == "shown"
    elif expected["signatures_present"] or reasoning_tokens:
        assert last.reasoning_status == "hidden_by_provider"
    else:
        assert last.reasoning_status == "none"
    if calls and expected["finish_reason"] != "length":
        assert last.finish_reason == "tool_calls"


@pytest.mark.promise("P5")
@pytest.mark.parametrize("name", CASES)
def test_recorded_and_random_splits_change_nothing(name):
    body = case(name).body
    logged = case(name).network_chunks()
    if logged is not None:
        assert summary_of(play(name, logged)) == whole(name)
    rng = random.Random(name)
    for _ in range(3):
        places = sorted(rng.sample(range(1, len(body)), min(len(body) - 1, 200)))
        chunks = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]
        assert summary_of(play(name, chunks)) == whole(name)


@pytest.mark.promise("P5")
@pytest.mark.parametrize("name", [name for name in CASES if len(Case(name).body) < 8_000])
def test_a_split_anywhere_changes_nothing(name):
    body = case(name).body
    for place in range(0, len(body), cut_interval(len(body))):
        assert summary_of(play(name, [body[:place], body[place:]])) == whole(name), place


@pytest.mark.promise("P5")
@pytest.mark.parametrize("name", [name for name in CASES if len(Case(name).body) < 80_000])
def test_one_byte_at_a_time_changes_nothing(name):
    body = case(name).body
    assert summary_of(play(name, [body[at : at + 1] for at in range(len(body))])) == whole(name)


def finish_at(body: bytes) -> int:
    """Where the first end marker is, according to a plain search."""
    places = [body.find(b"[DONE]")]
    for line in body.split(b"\n"):
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:]).get("choices") or [{}]
            if choices[0].get("finish_reason"):
                places.append(body.index(line) + len(line))
                break
    return min((place for place in places if place >= 0), default=len(body))


@pytest.mark.promise("P3")
@pytest.mark.parametrize("name", CASES)
def test_a_stream_cut_off_before_its_end_fails_and_keeps_the_output(name):
    body = case(name).body
    end = finish_at(body)
    rng = random.Random(name)
    for place in [rng.randrange(end) for _ in range(12)]:
        got = summary_of(play(name, [body[:place]]))
        assert isinstance(got["last"], ModelFailed)
        assert got["last"].code in ("provider_stream_cut", "provider_bad_request")
        assert whole(name)["reasoning"].startswith(got["reasoning"])
        assert whole(name)["text"].startswith(got["text"])


def plain(message: dict[str, Any], *, like: dict[str, Any]) -> dict[str, Any]:
    """A message without differences that mean nothing.

    Blank content and none; the spacing inside arguments; a second field with the same
    reasoning where `like` has it in one; `format`, which one client sends back as null.
    """
    message = {key: value for key, value in message.items() if str(value or "").strip()}
    if "reasoning_content" in like or "reasoning_details" in like:
        message.pop("reasoning", None)
    if "reasoning" in like:
        message.pop("reasoning_content", None)
    for call in message.get("tool_calls", ()):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    for item in message.get("reasoning_details", ()):
        item.pop("format")
    return message


FOLLOWED = [name for name in CASES if Case(name).followups and is_complete(Case(name).expected)]


@pytest.mark.promise("P13")
@pytest.mark.parametrize("name", FOLLOWED)
def test_the_next_request_equals_the_recorded_one(name):
    events = play(name, [case(name).body])
    last = events[-1]
    calls = [e for e in events if isinstance(e, ToolCall)]
    turn = AssistantTurn(parts=neutral(events), native=last.native)
    results = tuple(ToolResult(call.tool_call_id, call.name, "42") for call in calls)
    request = ModelRequest(model="m", turns=(UserTurn("q"), turn, ToolTurn(results)))
    sent = json.loads(bind(target(name)).encode(request).body)["messages"][1]
    theirs = next(m for m in case(name).followups[0]["messages"] if m["role"] == "assistant")
    if name in THEIRS_LOSES:
        theirs["reasoning_details"] = last_details(name, sent)
    assert plain(theirs, like=sent) == plain(sent, like=sent)


THEIRS_LOSES = {
    "openrouter/grok41-tool": "that client sent no encrypted item and renamed the summary",
    "openrouter/kimi-k25-tool": "that client lost the first delta of the reasoning",
    "vercel-gateway/gpt5-tool": "that client dropped the id of the summary",
}


def last_details(name: str, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """The items as the recording itself has them, whole."""
    items = json.loads(json.dumps(sent["reasoning_details"]))
    answer_stream = "".join(item.get("text") or item.get("summary") or "" for item in items)
    assert answer_stream == case(name).expected["reasoning"]
    opaque = [item["data"] for item in items if "data" in item]
    assert all(data.encode() in case(name).body for data in opaque)
    assert len(opaque) == len(case(name).expected["signatures"])
    return items


def neutral(events: list[Any]) -> tuple[Any, ...]:
    parts: list[Any] = []
    for event in events:
        if isinstance(event, AnswerText):
            parts.append(AnswerPart(event.text))
        if isinstance(event, ToolCall):
            parts.append(ToolCallPart(event.tool_call_id, event.name, event.arguments))
    return tuple(parts)
