"""Decide whether and when to retry a failed model call. Pure."""

from typing import Final

from thinkaloud.events.event import Notice
from thinkaloud.events.model import ModelFailed
from thinkaloud.events.prompt import RequestPart

_BACKOFF_SECONDS: Final = (0.5, 2.0, 8.0)
_MOST_PARTS: Final = 8
_WORDS: Final[dict[RequestPart, str]] = {
    "tools": "The provider does not support tools for this model. Retrying without them.",
    "images": "The provider does not support images for this model. Retrying without them.",
    "system": "The provider does not support a system prompt for this model. Retrying with it in"
    " the first message.",
    "developer": "The provider does not support the role `developer`. Retrying with the system"
    " prompt as `system`.",
    "reasoning": "The provider does not accept reasoning from earlier turns. Retrying without it.",
    "bare_calls": "The provider requires reasoning with every earlier tool call. Retrying with it.",
    "effort": "The provider does not support reasoning effort for this model. Retrying without it.",
    "output_limit": "The provider allows less output for this model. Retrying with a lower limit.",
    "output_room": "The prompt leaves less room for output. Retrying with a lower limit.",
}


def part_to_leave_out(
    failed: ModelFailed, without: frozenset[RequestPart], *, visible: bool
) -> RequestPart | None:
    """Return the part to leave out of an immediate retry, or None not to retry.

    Each part is left out at most once; `without` are the parts already left out.
    """
    part = failed.rejected
    if visible or not part or part in without or len(without) >= _MOST_PARTS:
        return None
    return part


def notice_of(part: RequestPart) -> Notice:
    """Return a notice that a part was rejected and is left out."""
    if part == "opaque":
        return Notice(
            "opaque_reasoning_dropped",
            "The provider rejected the reasoning of an earlier turn. Retrying without it.",
        )
    words = _WORDS.get(part)
    if words is None:
        name = part.removeprefix("body.")
        words = f"The provider rejected {name}. Retrying without it."
    return Notice("request_part_dropped", words)


def wait_before_retry(
    failed: ModelFailed, attempt: int, *, visible: bool, max_wait: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    `attempt` is the number of attempts so far. There is no retry after the first visible token
    (P6). The provider's Retry-After is honored exactly; None if it is longer than `max_wait`.
    """
    if visible or attempt > len(_BACKOFF_SECONDS):
        return None
    if not failed.retryable or failed.code == "provider_timeout":
        return None
    wait = _BACKOFF_SECONDS[attempt - 1] if failed.retry_after is None else failed.retry_after
    return wait if wait <= max_wait else None
