"""Providers reject parts of earlier turns, in their own words: the call is retried without them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.providers.refusals.picky import (
    CALLING,
    FINAL,
    answer_of,
    asked,
    asking,
    error,
    extra,
    holds,
    notices,
    picky,
)
from thinkaloud.providers.hosts.host import BuiltInDialect
from thinkaloud.testing import ScriptedModel, call_tool, say, think

REASONING: list[tuple[int, object]] = [
    (
        400,
        {
            "message": "messages.1.assistant.reasoning_content: property"
            " 'messages.1.assistant.reasoning_content' is unsupported",
            "code": "wrong_api_format",
        },
    ),
    (422, extra("messages", 1, "assistant", "reasoning_content")),
    (400, error("Unknown name \"reasoning_content\" at 'messages[1]': Cannot find field.")),
    (400, error("Additional properties are not allowed ('reasoning_content' was unexpected)")),
    (400, error("Unsupported parameter: messages[1].reasoning_content")),
]


@pytest.mark.parametrize(("status", "words"), REASONING)
async def test_reasoning_that_is_refused_in_the_history_is_not_sent_again(
    status: int, words: object, tmp_path: Path
) -> None:
    says = (CALLING, FINAL, CALLING, FINAL)
    answer = picky("openai-chat", holds("reasoning_content"), words, status=status, says=says)
    async with asking(answer, tmp_path) as (runs, upstream):
        events = await asked(runs)
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        assert len(upstream.bodies) == 3

        other = await asked(runs)
        assert (answer_of(other), notices(other)) == ("Yes.", [])
        assert len(upstream.bodies) == 5


BARE: list[tuple[BuiltInDialect, str, str]] = [
    (
        "openai-chat",
        "reasoning_content",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
    ),
    (
        "openai-chat",
        "reasoning_content",
        "thinking is enabled but reasoning_content is missing in assistant tool call message"
        " at index 2",
    ),
    (
        "anthropic-messages",
        '"thinking"',
        "The `content[].thinking` in the thinking mode must be passed back to the API.",
    ),
    (
        "openai-responses",
        "reasoning_text",
        "The `reasoning_text` in the thinking mode must be passed back to the API.",
    ),
]


@pytest.mark.parametrize(("dialect", "carrier", "words"), BARE)
async def test_another_models_tool_call_gets_the_reasoning_that_the_provider_requires(
    dialect: BuiltInDialect, carrier: str, words: str, tmp_path: Path
) -> None:
    def refuses(body: dict[str, Any]) -> bool:
        sent = json.dumps(body.get("messages", body.get("input")))
        return "call_0" in sent and carrier not in sent

    answer = picky(dialect, refuses, error(words))
    other = ScriptedModel(
        [think("Plan."), call_tool("look_up", {})], [say("Found.")], model_id="other/m"
    )
    async with asking(answer, tmp_path, dialect, other=other) as (runs, upstream):
        await asked(runs, conversation_id="c", model="other/m")
        events = await asked(runs, conversation_id="c")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        assert "Plan." in upstream.bodies[1].decode()
        assert notices(await asked(runs, conversation_id="c")) == []
        assert len(upstream.bodies) == 3


MESSAGES = (
    "messages.1.content.0: Invalid `signature` in `thinking`",
    "messages.1.content.0: Invalid `signature` in `thinking` block",
    "messages.1.content.0: Invalid signature in thinking block",
    "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
    "messages.1.content.0.signature: Extra inputs are not permitted",
    "messages.1.content.0.thinking.signature: Field required",
    "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message"
    " cannot be modified",
    "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`."
    " When"
    " `thinking` is enabled, a final `assistant` message must start with a thinking block",
    "When thinking is disabled, an `assistant` message in the final position cannot contain"
    " `thinking`",
)
ITEMS = (
    "Item with id 'it_0' not found. Items are not persisted when `store` is set to false.",
    "Item 'it_0' of type 'reasoning' was provided without its required following item.",
    "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item:"
    " 'it_0'.",
    "The encrypted content gAAA...c90= could not be verified.",
    "Could not decrypt the specified encrypted_content.",
)
SIGNATURES = (
    "Function call is missing a thought_signature in functionCall parts.",
    "Thought signature is not valid.",
    "Corrupted thought signature.",
)
OPAQUE: list[tuple[BuiltInDialect, str, str]] = [
    *(("anthropic-messages", "signature", words) for words in MESSAGES),
    *(("bedrock-converse", "signature", words) for words in MESSAGES[:3]),
    *(("openai-responses", '"id": "it_0"', words) for words in ITEMS),
    *(("google-generate", "c2ln", words) for words in SIGNATURES),
    *(("google-interactions", "c2ln", words) for words in SIGNATURES[1:]),
]


@pytest.mark.promise("P13")
@pytest.mark.parametrize(("dialect", "mark", "words"), OPAQUE)
async def test_a_rejected_opaque_block_is_not_sent_again(
    dialect: BuiltInDialect, mark: str, words: str, tmp_path: Path
) -> None:
    answer = picky(dialect, holds(mark), error(words), says=(CALLING, FINAL))
    more = "[hosts.lab.quirks]\nbare_reasoning = true" if "responses" in dialect else ""
    async with asking(answer, tmp_path, dialect, more) as (runs, upstream):
        events = await asked(runs, conversation_id="c")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["opaque_reasoning_dropped"]
        assert len(upstream.bodies) == 3

        later: list[Any] = await asked(runs, conversation_id="c")
        assert (answer_of(later), notices(later)) == ("Yes.", [])
        assert len(upstream.bodies) == 4
