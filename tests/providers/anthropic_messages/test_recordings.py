"""Recorded responses of the Messages API, whole, split anywhere, and truncated."""

import base64

import pytest

from tests.corpus import Case, cases
from tests.providers.anthropic_messages.reading import DecodedRun, check_truncations, cuts, read
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.anthropic_messages import bind
from thinkaloud.providers.target import Target

NAMES = cases("anthropic-messages", "bedrock-invoke-anthropic")

TARGET = Target("h", "anthropic-messages", "https://example.test", "claude")


def decoder(case: Case) -> Decoder:
    return bind(TARGET).decoder(case.meta["content_type"])


def check(case: Case, got: DecodedRun) -> None:
    expected = case.expected
    assert "".join(got.reasoning) == expected["reasoning"]
    assert got.reasoning == [part for part in expected["reasoning_parts"] if part]
    assert got.text == expected["text"]
    assert got.calls == [
        (call["id"], call["name"], call["arguments"]) for call in expected["tool_calls"]
    ]
    assert got.opened == [call[:2] for call in got.calls]
    hidden = [word for word in expected["sequence"] if word not in {"redacted", "reasoning"}]
    if got.reasoning:
        assert got.sequence == [word for word in expected["sequence"] if word != "redacted"]
    else:
        assert got.sequence == hidden
    assert got.server == expected["server_items"]
    finished = got.finished
    assert finished.raw_finish_reason == expected["finish_reason"]
    assert finished.usage is not None
    assert finished.usage.reasoning_tokens == expected["reasoning_tokens"]
    assert finished.usage.raw == expected["usage"]
    if got.reasoning:
        assert finished.reasoning_status == "shown"
    elif expected["signatures_present"] or expected["reasoning_tokens"]:
        assert finished.reasoning_status == "hidden_by_provider"
    else:
        assert finished.reasoning_status == "none"


def check_payload(case: Case, got: DecodedRun) -> None:
    thoughts = [b for b in got.payload if b["type"] in {"thinking", "redacted_thinking"}]
    lengths = [len(b.get("signature") or b.get("data") or "") for b in thoughts]
    assert [length for length in lengths if length] == [
        s["len"] for s in case.expected["signatures"]
    ]
    assert "".join(b["text"] for b in got.payload if b["type"] == "text") == got.text


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_decodes_as_expected(name: str) -> None:
    case = Case(name)
    got = read(decoder(case), [case.body])
    check(case, got)
    check_payload(case, got)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_decodes_the_same_however_it_is_split(name: str) -> None:
    case = Case(name)
    whole = read(decoder(case), [case.body])
    ways = list(cuts(case.body))
    network = case.network_chunks()
    if network is not None:
        ways.append(network)
    for chunks in ways:
        assert read(decoder(case), chunks) == whole


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_that_is_cut_off_is_a_failure_with_what_came_before(name: str) -> None:
    case = Case(name)
    marks = (b"event: message_delta", base64.b64encode(b'{"type":"message_delta')[:-4])
    end = next(case.body.index(mark) for mark in marks if mark in case.body)
    check_truncations(lambda: decoder(case), case.body, end)
