"""Reasoning with a signature or an opaque part: shown once, sent back unchanged."""

import json
from typing import Any

import pytest

from tests.providers.openai_chat.streams import delta, native, play, short, stream, target
from thinkaloud.events.model import Origin, ProviderPayload
from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ModelRequest, UserTurn
from thinkaloud.providers.dialects.openai_chat import bind

CALL = {
    "index": 0,
    "id": "call_a",
    "type": "function",
    "function": {"name": "find", "arguments": "{}"},
}
SENT_CALL = {name: value for name, value in CALL.items() if name != "index"}
TOOL = (delta(tool_calls=[CALL]), delta("tool_calls"))


def thinking(text: str, signature: str | None = None) -> dict[str, object]:
    return {"type": "thinking", "thinking": text, "signature": signature}


def summary(text: str, signature: str = "") -> dict[str, object]:
    part = {"type": "summary_text", "text": text, "signature": signature}
    return delta(content=[{"type": "reasoning", "summary": [part]}])


def whole(**message: object) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return json.dumps({"choices": [choice]}).encode()


def shown(events: list[Any]) -> tuple[str, str]:
    answer_stream = short(events)
    thought = "".join(each[2] for each in answer_stream if each[0] == "reasoning")
    return thought, "".join(each[1] for each in answer_stream if each[0] == "answer")


COPILOT = stream(
    delta(content=None, reasoning_text="I should"),
    delta(content=None, reasoning_text=" compute."),
    delta(content=None, reasoning_opaque="b3BhcXVl"),
    *TOOL,
)
LITELLM = stream(
    delta(content="", reasoning_content="Use", thinking_blocks=[thinking("Use")]),
    delta(content="", reasoning_content=" it.", thinking_blocks=[thinking(" it.")]),
    delta(content="", thinking_blocks=[thinking("Use it.", "EqQB")]),
    *TOOL,
)
LITELLM_BARE_SIGNATURE = stream(
    delta(reasoning_content="Use it.", thinking_blocks=[thinking("Use it.")]),
    delta(reasoning_content="", thinking_blocks=[thinking("", "EqQB")]),
    *TOOL,
)
LITELLM_ONLY_BLOCKS = stream(
    delta(thinking_blocks=[thinking("Use")]),
    delta(thinking_blocks=[thinking("Use it.", "EqQB")]),
    *TOOL,
)


@pytest.mark.promise("P4")
@pytest.mark.promise("P13")
@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize(
    ("body", "thought", "back"),
    [
        (
            COPILOT,
            "I should compute.",
            {"reasoning_text": "I should compute.", "reasoning_opaque": "b3BhcXVl"},
        ),
        (
            LITELLM,
            "Use it.",
            {"reasoning_content": "Use it.", "thinking_blocks": [thinking("Use it.", "EqQB")]},
        ),
        (
            LITELLM_BARE_SIGNATURE,
            "Use it.",
            {"reasoning_content": "Use it.", "thinking_blocks": [thinking("Use it.", "EqQB")]},
        ),
        (LITELLM_ONLY_BLOCKS, "Use it.", {"thinking_blocks": [thinking("Use it.", "EqQB")]}),
    ],
    ids=["Copilot", "LiteLLM", "LiteLLM, bare signature", "LiteLLM, only blocks"],
)
def test_signed_reasoning_is_shown_once_and_is_sent_back_with_its_signature(
    body: bytes, thought: str, back: dict[str, object], size: int | None
) -> None:
    events = play(body, size=size)
    assert shown(events) == (thought, "")
    assert short(events)[-1] == ("finished", "tool_calls", "shown")
    message = {"role": "assistant", "content": None, **back, "tool_calls": [SENT_CALL]}
    assert native(events) == message


@pytest.mark.promise("P13")
@pytest.mark.parametrize("size", [None, 1])
def test_databricks_reasoning_parts_are_shown_and_are_sent_back_as_one_part(
    size: int | None,
) -> None:
    body = stream(
        summary("Two steps"),
        summary(" needed."),
        summary("", "c2lnbmVk"),
        delta(content="Done."),
        delta("stop"),
    )
    events = play(body, size=size)
    assert shown(events) == ("Two steps needed.", "Done.")
    part = {"type": "summary_text", "text": "Two steps needed.", "signature": "c2lnbmVk"}
    assert native(events)["content"] == [
        {"type": "reasoning", "summary": [part]},
        {"type": "text", "text": "Done."},
    ]


def test_several_blocks_keep_their_own_signatures_and_redacted_ones_stay_whole() -> None:
    redacted = {"type": "redacted_thinking", "data": "eHh4"}
    blocks = [thinking("One.", "czE="), redacted, thinking("Two.", "czI=")]
    events = play(
        stream(
            delta(thinking_blocks=[thinking("One.")]),
            delta(thinking_blocks=[thinking("One.", "czE=")]),
            delta(thinking_blocks=[redacted]),
            delta(thinking_blocks=[thinking("Tw")]),
            delta(thinking_blocks=[thinking("o.")]),
            delta(thinking_blocks=[thinking("", "czI=")]),
            delta(content="So."),
            delta("stop"),
        )
    )
    assert shown(events) == ("One.Two.", "So.")
    assert native(events)["thinking_blocks"] == blocks
    encrypted = {"type": "summary_encrypted_text", "data": "eHh4"}
    part = {"type": "reasoning", "summary": [encrypted]}
    events = play(stream(delta(content=[part]), delta(content="So."), delta("stop")))
    assert native(events)["content"] == [part, {"type": "text", "text": "So."}]
    assert short(events)[-1] == ("finished", "stop", "hidden_by_provider")


@pytest.mark.parametrize(
    ("message", "thought"),
    [
        ({"content": "So.", "reasoning_text": "Hm.", "reasoning_opaque": "b3A="}, "Hm."),
        ({"content": "So.", "reasoning_opaque": "b3A="}, ""),
        (
            {
                "content": "So.",
                "reasoning_content": "Hm.",
                "thinking_blocks": [thinking("Hm.", "czE=")],
            },
            "Hm.",
        ),
        ({"content": "So.", "thinking_blocks": [thinking("Hm.", "czE=")]}, "Hm."),
        (
            {
                "content": [
                    {
                        "type": "reasoning",
                        "summary": [{"type": "summary_text", "text": "Hm.", "signature": "czE="}],
                    },
                    {"type": "text", "text": "So."},
                ]
            },
            "Hm.",
        ),
    ],
)
def test_an_unstreamed_response_decodes_and_is_sent_back_the_same(
    message: dict[str, object], thought: str
) -> None:
    events = play(whole(**message), kind="application/json")
    assert shown(events) == (thought, "So.")
    assert native(events) == {"role": "assistant", **message}
    assert short(events)[-1][2] == ("shown" if thought else "hidden_by_provider")


def test_an_opaque_part_that_comes_after_the_call_is_still_sent_back() -> None:
    events = play(stream(TOOL[0], delta(reasoning_opaque="bGF0ZQ=="), TOOL[1]))
    assert native(events)["reasoning_opaque"] == "bGF0ZQ=="
    assert "reasoning_text" not in native(events)


@pytest.mark.promise("P1")
@pytest.mark.parametrize(
    "part",
    [
        {"type": "reasoning", "text": "Hm."},
        {"type": "reasoning_text", "text": "Hm."},
        {"type": "reasoning", "summary": "Hm."},
    ],
)
def test_a_content_part_named_reasoning_is_never_the_answer(part: dict[str, object]) -> None:
    events = play(stream(delta(content=[part]), delta(content="So."), delta("stop")))
    assert shown(events) == ("Hm.", "So.")


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    "body", [COPILOT, LITELLM, LITELLM_ONLY_BLOCKS], ids=["Copilot", "LiteLLM", "only blocks"]
)
def test_signed_reasoning_is_sent_back_to_no_other_model(body: bytes) -> None:
    payload = play(body)[-1].native.payload
    own = bind(target()).origin
    for origin in (
        own,
        Origin(own.dialect, own.endpoint, "another"),
        Origin(own.dialect, "http://other.test/v1", own.model),
        Origin("openai-responses", own.endpoint, own.model),
    ):
        turn = AssistantTurn((AnswerPart("So."),), ProviderPayload(origin, payload))
        sent = bind(target()).encode(ModelRequest("m", (UserTurn("q"), turn, UserTurn("q")))).body
        assert (bytes(payload) in sent) is (origin == own)
