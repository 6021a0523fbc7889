"""Errors in all the shapes that Responses servers send.

Source: https://platform.openai.com/docs/guides/error-codes
"""

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.retry_after import seconds, spent

_LIMIT = 500
_SECRET = re.compile(r"\b(?:sk|xai|gsk|ghu|gho|pplx)[-_][\w*.-]{6,}|Bearer\s+\S+")
_WAIT = re.compile(r"try again in (\d+(?:\.\d+)?)\s*(ms|s)\b", re.IGNORECASE)
_PASSING = frozenset(
    {"provider_rate_limit", "provider_overloaded", "provider_stream_cut", "provider_timeout"}
)
_STATUSES = ("code", "status_code", "statusCode", "status", "http_code")
_SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "usage_limit_reached"})
_CODES: dict[str, ProviderCode] = {
    "insufficient_quota": "provider_rate_limit",
    "usage_limit_reached": "provider_rate_limit",
    "rate_limit_exceeded": "provider_rate_limit",
    "rate_limit_error": "provider_rate_limit",
    "too_many_requests": "provider_rate_limit",
    "invalid_api_key": "provider_auth",
    "authentication_error": "provider_auth",
    "permission_error": "provider_auth",
    "invalid_request_error": "provider_bad_request",
    "bad_request": "provider_bad_request",
    "invalid_prompt": "provider_bad_request",
    "invalid_encrypted_content": "provider_bad_request",
    "context_length_exceeded": "provider_bad_request",
    "model_not_found": "provider_bad_request",
    "content_filter": "provider_content_filter",
    "content_policy_violation": "provider_content_filter",
    "image_content_policy_violation": "provider_content_filter",
    "vector_store_timeout": "provider_timeout",
    "timeout": "provider_timeout",
}


class ErrorDetails(msgspec.Struct, frozen=True):
    """An error reported by a provider."""

    message: str
    words: tuple[str, ...] = ()
    """Its code and type, if any."""
    status: int | None = None
    """Its code, if that is an HTTP status."""

    @property
    def spent(self) -> bool:
        """Whether a quota is used up, so that waiting does not help."""
        details = f"{' '.join(self.words)} {self.message}"
        return not _SPENT.isdisjoint(self.words) or spent(details, _wait(self.message))


def find_error(found: object) -> ErrorDetails | None:
    """Find an error in decoded JSON: an object or a string, possibly under `error` or `detail`."""
    if isinstance(found, list):
        found = next(iter(cast("list[object]", found)), None)
    if isinstance(found, str):
        return ErrorDetails(_clean(found)) if found.strip() else None
    if not isinstance(found, dict):
        return None
    fields = cast("dict[str, object]", found)
    for name in ("error", "detail", "errors"):
        inner = find_error(fields.get(name))
        if inner is not None:
            return msgspec.structs.replace(inner, words=inner.words + _words(fields))
    message = next(
        (text for key in ("message", "msg") if (text := _nested_message(fields.get(key)))), ""
    )
    if not message and not _words(fields):
        return None
    codes = (fields.get(name) for name in _STATUSES)
    status = next(
        (
            int(code)
            for code in codes
            if isinstance(code, (int, str)) and re.fullmatch("[45]\\d\\d", str(code))
        ),
        None,
    )
    return ErrorDetails(_clean(message + _upstream(fields.get("metadata"))), _words(fields), status)


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names."""
    details = _read(body)
    if details is None:
        text = body[:2000].decode(errors="replace").strip()
        web_page = text.startswith("<")
        if web_page and status < 500 and status not in {408, 429}:
            return _wrong_address(status)
        details = ErrorDetails("" if web_page else _clean(text))
    code = _code_of_status(status)
    if code == "provider_bad_request" and _is_auth(details):
        code = "provider_auth"
    return ProviderError(
        code,
        details.message or f"The provider responded with HTTP {status}.",
        status=status,
        retry_after=_retry_after(headers, details.message),
        retryable=False if details.spent else None,
    )


def stream_failure(found: object, usage: Usage | None = None) -> ModelFailed:
    """Read an error from inside a response with status 200."""
    details = find_error(found) or ErrorDetails("The provider reported an error without a message.")
    code = _code_in_stream(details)
    return ModelFailed(
        code=code,
        message=details.message or f"The provider reported an error: {', '.join(details.words)}.",
        retryable=code in _PASSING and not details.spent,
        retry_after=_wait(details.message) if code in _PASSING else None,
        usage=usage,
    )


def web_page() -> ModelFailed:
    """Return the failure for a web page with status 200."""
    error = _wrong_address(200)
    return ModelFailed(code="provider_bad_request", message=error.message)


def cut(message: str, usage: Usage | None = None) -> ModelFailed:
    """Return the failure for a stream that was cut off or cannot be read."""
    return ModelFailed(code="provider_stream_cut", message=message, retryable=True, usage=usage)


def _wrong_address(status: int) -> ProviderError:
    return ProviderError(
        "provider_bad_request",
        "The provider returned a web page instead of JSON: base_url is wrong.",
        status=status,
    )


def _read(body: bytes) -> ErrorDetails | None:
    try:
        return find_error(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _code_of_status(status: int) -> ProviderCode:
    if status in {401, 403}:
        return "provider_auth"
    if status == 429:
        return "provider_rate_limit"
    if status in {408, 504}:
        return "provider_timeout"
    return "provider_overloaded" if status >= 500 else "provider_bad_request"


def _code_in_stream(details: ErrorDetails) -> ProviderCode:
    for word in details.words:
        if word in _CODES:
            return _CODES[word]
    return "provider_overloaded" if details.status is None else _code_of_status(details.status)


def _is_auth(details: ErrorDetails) -> bool:
    return "invalid_api_key" in details.words or "incorrect api key" in details.message.lower()


def _words(fields: dict[str, object]) -> tuple[str, ...]:
    found = (fields.get(name) for name in ("code", "type"))
    return tuple(word for word in found if isinstance(word, str) and word)


def _upstream(metadata: object) -> str:
    # OpenRouter says "Provider returned error" and puts the provider's message in the metadata.
    if not isinstance(metadata, dict):
        return ""
    details = _nested_message(cast("dict[str, object]", metadata).get("raw"))
    return f": {details}" if details else ""


def _nested_message(value: object) -> str:
    return value if isinstance(value, str) else ""


def _clean(message: str) -> str:
    shown = _SECRET.sub("[key]", message[: 2 * _LIMIT].strip())
    return shown if len(shown) <= _LIMIT else shown[: _LIMIT - 1] + "…"


def _retry_after(headers: Mapping[str, str], message: str) -> float | None:
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        wait = seconds(headers.get(name), unit)
        if wait is not None:
            return wait
    return _wait(message)


def _wait(message: str) -> float | None:
    found = _WAIT.search(message)
    if found is None:
        return None
    return seconds(found[1], 0.001 if found[2].lower() == "ms" else 1.0)
