"""Add up token counts."""

from thinkaloud.events.model import Usage


def add(first: Usage | None, second: Usage | None) -> Usage | None:
    """Return the sum of two counts. Fields that only one of them has are kept; `raw` is dropped."""
    if first is None or second is None:
        return first or second
    return Usage(
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        reasoning_tokens=_sum(first.reasoning_tokens, second.reasoning_tokens),
        cache_read_tokens=_sum(first.cache_read_tokens, second.cache_read_tokens),
        cache_write_tokens=_sum(first.cache_write_tokens, second.cache_write_tokens),
        estimated=first.estimated or second.estimated,
    )


def _sum(first: int | None, second: int | None) -> int | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second
