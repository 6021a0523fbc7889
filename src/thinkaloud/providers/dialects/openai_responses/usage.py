"""Normalizes token counts."""

from typing import cast

from thinkaloud.events.model import Usage


def usage_of(raw: object) -> Usage | None:
    """Parse a `usage` object, ignoring invalid fields; None if it is not an object.

    `output_tokens` includes reasoning in this API. If the total shows that a host counted it
    separately, it is added.
    """
    if not isinstance(raw, dict):
        return None
    figures = cast("dict[str, object]", raw)
    read = _number(figures, "input_tokens") or 0
    written = _number(figures, "output_tokens") or 0
    reasoning = _number(figures.get("output_tokens_details"), "reasoning_tokens")
    if reasoning:
        apart = _number(figures, "total_tokens") == read + written + reasoning
        if apart or reasoning > written:
            written += reasoning
    details = figures.get("input_tokens_details")
    return Usage(
        input_tokens=read,
        output_tokens=written,
        reasoning_tokens=reasoning,
        cache_read_tokens=_number(details, "cached_tokens"),
        cache_write_tokens=_number(details, "cache_write_tokens"),
        raw=figures,
    )


def _number(figures: object, name: str) -> int | None:
    if not isinstance(figures, dict):
        return None
    value = cast("dict[str, object]", figures).get(name)
    return value if type(value) is int and value >= 0 else None
