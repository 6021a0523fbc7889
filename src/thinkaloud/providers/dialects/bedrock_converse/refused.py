"""Failures of the Converse wire as HTTP errors."""

from collections.abc import Mapping
from typing import Final

from thinkaloud.core.eventstream import aws_code
from thinkaloud.errors import ProviderError
from thinkaloud.providers.dialects.refusals import mentions, refusal

_OPAQUE: Final = (
    "in `thinking` block",
    "in `redacted_thinking` block",
    "blocks in the latest assistant message cannot be modified",
    "expected `thinking` or `redacted_thinking`",
    "in the final position cannot contain `thinking`",
    "in the final position cannot contain thinking",
    "cannot contain reasoning content",
    "reasoning content is invalid",
)


def is_opaque(message: str) -> bool:
    """Tell whether a refusal is about reasoning that was sent back."""
    return mentions(message, _OPAQUE)


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response that is no 2xx; `headers` has lower-case names.

    AWS names the exception in `x-amzn-errortype`; a known name says more than the status.
    """
    error = refusal(status, headers, body, _OPAQUE)
    code = aws_code(headers.get("x-amzn-errortype", ""))
    if code is None:
        return error
    return ProviderError(
        code,
        error.message,
        status=status,
        retry_after=error.retry_after,
        opaque_rejected=error.opaque_rejected,
    )
