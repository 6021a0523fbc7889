"""Recorded responses of the Converse API, whole, split anywhere, and truncated."""

import pytest

from tests.corpus import Case, cases
from tests.providers.anthropic_messages.reading import DecodedRun, check_truncations, cuts, read
from tests.providers.bedrock_converse.wires import NOVA, target
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.dialects.bedrock_converse import bind

NAMES = cases("bedrock-converse", "bedrock-converse-inline")

# The recordings' plain parse names a provider's tool by its call and leaves it out of the
# sequence; we say where call and result begin.
SERVER_TOOLS = {
    "bedrock/converse-nova2-code-exec": (
        ["server_tool_use", "nova_code_interpreter_result"],
        ["server", "tool_call"],
    )
}


def decoder(case: Case) -> Decoder:
    inline = case.meta["wire_family"] == "bedrock-converse-inline"
    to = target(inline_tags=NOVA) if inline else target()
    return bind(to).decoder(case.meta["content_type"])


def check(case: Case, got: DecodedRun) -> None:
    expected = case.expected
    assert "".join(got.reasoning) == expected["reasoning"]
    assert got.text == expected["text"]
    assert got.calls == [
        (call["id"], call["name"], call["arguments"]) for call in expected["tool_calls"]
    ]
    words = [word for word in expected["sequence"] if word != "redacted"]
    server, sequence = SERVER_TOOLS.get(case.name, (expected["server_items"], words))
    assert got.server == server
    assert got.sequence == sequence
    finished = got.finished
    assert finished.raw_finish_reason == expected["finish_reason"]
    assert finished.usage is not None
    assert finished.usage.raw == expected["usage"]
    assert finished.usage.reasoning_tokens == expected["reasoning_tokens"]
    hidden = "hidden_by_provider" if expected["signatures_present"] else "none"
    assert finished.reasoning_status == ("shown" if expected["reasoning"] else hidden)
    opaque = [
        len(block.get("redactedContent") or block.get("reasoningText", {}).get("signature", ""))
        for block in (item.get("reasoningContent", {}) for item in got.payload)
        if block
    ]
    assert [length for length in opaque if length] == [s["len"] for s in expected["signatures"]]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_decodes_as_expected(name: str) -> None:
    case = Case(name)
    check(case, read(decoder(case), [case.body]))


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
    end = case.body.index(b"messageStop")
    check_truncations(lambda: decoder(case), case.body, end)
