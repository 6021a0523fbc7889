"""Whether, and when, a failed model call is made again. Pure."""

from typing import Final

from thinkaloud.events.model import ModelFailed

_BACKOFF_SECONDS: Final = (0.5, 2.0, 8.0)


def wait_before_retry(
    failed: ModelFailed, attempt: int, *, visible: bool, max_wait: float
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up.

    `attempt` counts the attempts made, from 1. After the first visible token there is none
    (P6). A provider's Retry-After is kept to the second; one longer than `max_wait` is left to
    the caller, who is told of it.
    """
    if visible or attempt > len(_BACKOFF_SECONDS):
        return None
    if failed.opaque_rejected:
        return 0.0 if attempt == 1 else None
    if not failed.retryable or failed.code == "provider_timeout":
        return None
    wait = _BACKOFF_SECONDS[attempt - 1] if failed.retry_after is None else failed.retry_after
    return wait if wait <= max_wait else None
