"""Parses Google's errors, shared by both of its dialects.

Source: https://cloud.google.com/apis/design/errors
"""

from collections.abc import Mapping

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.http_errors import (
    Refusal,
    code_for,
    delay_of,
    displayable,
    is_bad_key,
    refusal,
)
from thinkaloud.providers.dialects.retry_after import spent

_NAMES: dict[str, ProviderCode] = {
    "unauthenticated": "provider_auth",
    "permission_denied": "provider_auth",
    "resource_exhausted": "provider_rate_limit",
    "rate_limit_exceeded": "provider_rate_limit",
    "quota_exceeded": "provider_rate_limit",
    "unavailable": "provider_overloaded",
    "overloaded": "provider_overloaded",
    "internal": "provider_overloaded",
    "internal_error": "provider_overloaded",
    "api_error": "provider_overloaded",
    "deadline_exceeded": "provider_timeout",
    "gateway_timeout": "provider_timeout",
    "aborted": "provider_stream_cut",
    "cancelled": "provider_stream_cut",
    "invalid_argument": "provider_bad_request",
    "invalid_request": "provider_bad_request",
    "failed_precondition": "provider_bad_request",
    "not_found": "provider_bad_request",
    "out_of_range": "provider_bad_request",
}
_PASSING = frozenset(
    {"provider_rate_limit", "provider_overloaded", "provider_timeout", "provider_stream_cut"}
)


def in_response(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names."""
    return refusal(status, headers, body)


def in_stream(refusal: Refusal, usage: Usage | None) -> ModelFailed:
    """Read an error from inside a response with status 200."""
    code = "provider_auth" if is_bad_key(refusal) else _code(refusal)
    message = (
        displayable(refusal.message or "") or "The provider reported an error without a message."
    )
    return ModelFailed(
        code=code,
        message=message,
        retryable=code in _PASSING and not spent(message, delay_of(refusal)),
        retry_after=delay_of(refusal),
        usage=usage,
    )


def is_known(refusal: Refusal) -> bool:
    """Return whether an error is one of Google's own, so that its code is meaningful."""
    words = {str(word).lower() for word in (refusal.status, refusal.code)}
    return (
        is_bad_key(refusal)
        or not words.isdisjoint(_NAMES)
        or isinstance(refusal.code, int)
        or isinstance(refusal.status, int)
    )


def _code(refusal: Refusal) -> ProviderCode:
    for word in (refusal.status, refusal.code):
        if isinstance(word, str) and word.lower() in _NAMES:
            return _NAMES[word.lower()]
    for number in (refusal.code, refusal.status):
        if isinstance(number, int):
            return code_for(number)
    return "provider_stream_cut"
