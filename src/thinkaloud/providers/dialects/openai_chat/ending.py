"""The end of a response: its finish reason and token counts."""

from typing import Final, Literal

import msgspec

from thinkaloud.errors import ProviderCode
from thinkaloud.events.model import FinishReason, Usage
from thinkaloud.providers.dialects.outcomes import MALFORMED, malformed

_LENGTH: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
)
_REFUSED: Final = frozenset({"refusal"})
_FILTERED: Final = frozenset(
    {
        "content_filter",
        "sensitive",
        "safety",
        "recitation",
        "prohibited_content",
        "blocklist",
        "spii",
        "language",
        "model_armor",
        "image_safety",
    }
)
_BROKEN: Final = frozenset({"error", "network_error", "abort", "insufficient_system_resource"})

Ended = FinishReason | Literal["refused", "filtered", "broken", "malformed"]

_MEANINGS: Final[tuple[tuple[frozenset[str], Ended], ...]] = (
    (_LENGTH, "length"),
    (_REFUSED, "refused"),
    (_FILTERED, "filtered"),
    (_BROKEN, "broken"),
    (frozenset({"pause_turn"}), "pause"),
)


def ended(word: str, *, calls: bool) -> Ended:
    """Normalize the provider's finish reason. `calls`: whether the response has tool calls."""
    if malformed(word):
        return "malformed"
    plain = word.lower().partition(":")[0].strip()
    for words, meaning in _MEANINGS:
        if plain in words:
            return meaning
    return "tool_calls" if calls else "stop"


FAILURES: Final[dict[Ended, tuple[ProviderCode, str]]] = {
    "refused": ("provider_refusal", "The model refused to answer."),
    "filtered": ("provider_content_filter", "The provider's content filter ended the answer"),
    "broken": ("provider_overloaded", "The provider cut the answer off"),
    "malformed": ("provider_stream_cut", MALFORMED),
}
"""The ends that are failures: the error code and message of each."""


def usage(raw: bytes, *, completion_excludes_reasoning: bool | None) -> Usage | None:
    """Parse a usage object; None if it is invalid.

    If `completion_excludes_reasoning` is None, it is inferred: reasoning is counted separately
    if the total is the sum of all three counts, or if it exceeds the completion.
    """
    try:
        figures = msgspec.json.decode(raw, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    taken = _members(figures, "prompt_tokens_details")
    given = _members(figures, "completion_tokens_details")
    reasoning = _count(given, "reasoning_tokens", figures)
    prompt = _count(figures, "prompt_tokens") or 0
    output = _count(figures, "completion_tokens") or 0
    apart = completion_excludes_reasoning
    if apart is None and reasoning:
        total = _count(figures, "total_tokens")
        apart = reasoning > output or total == prompt + output + reasoning
    read = _count(taken, "cached_tokens", figures)
    return Usage(
        input_tokens=prompt,
        output_tokens=output + (reasoning or 0) if apart else output,
        reasoning_tokens=reasoning,
        cache_read_tokens=_count(figures, "prompt_cache_hit_tokens") if read is None else read,
        cache_write_tokens=_count(taken, "cache_write_tokens"),
        raw=figures,
    )


def _members(figures: dict[str, object], name: str) -> dict[str, object]:
    try:
        return msgspec.convert(figures.get(name) or {}, dict[str, object])
    except msgspec.ValidationError:
        return {}


def _count(first: dict[str, object], name: str, *others: dict[str, object]) -> int | None:
    for figures in (first, *others):
        value = figures.get(name)
        if isinstance(value, int):
            return value
    return None
