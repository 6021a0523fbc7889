"""Failures of the Messages API, as HTTP errors and inside streams.

Source: Anthropic API reference, "Errors". Azure, Vertex and Bedrock use different shapes.
"""

import re
from collections.abc import Mapping
from typing import Final, cast

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.anthropic_messages.wire import UNREADABLE
from thinkaloud.providers.dialects.raw_json import ABSENT, has_value
from thinkaloud.providers.dialects.retry_after import seconds, spent

_MESSAGE_CHARS: Final = 500
_READ: Final = 4096
_SECRET: Final = re.compile(r"(?:\b(?:sk-|AKIA|ASIA|ABSK)|(?<=Bearer ))[\w.+/=-]{6,}")

_BY_TYPE: Final[dict[str, ProviderCode]] = {
    "invalid_request_error": "provider_bad_request",
    "not_found_error": "provider_bad_request",
    "request_too_large": "provider_bad_request",
    "authentication_error": "provider_auth",
    "permission_error": "provider_auth",
    "billing_error": "provider_auth",
    "rate_limit_error": "provider_rate_limit",
    "timeout_error": "provider_timeout",
    "overloaded_error": "provider_overloaded",
    "api_error": "provider_overloaded",
}


class _Inner(msgspec.Struct):
    type: object = None
    message: object = None


class _Outer(msgspec.Struct):
    error: msgspec.Raw = ABSENT
    message: object = None
    Message: object = None
    detail: object = None


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names."""
    code = _code(status)
    start = body[:64].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        hint = ": base_url is wrong" if code == "provider_bad_request" else ""
        page = f"HTTP {status} with a web page instead of JSON{hint}"
        return ProviderError(code, page, status=status)
    message = _message_of(body) or f"HTTP {status} without a message"
    return ProviderError(
        code,
        message,
        status=status,
        retry_after=seconds(headers.get("retry-after")),
        retryable=False if spent(body[:_READ].decode(errors="replace")) else None,
    )


def stream_error(error: bytes) -> ProviderError:
    """Read the `error` field of an event inside a stream with status 200."""
    kind, message = _parts(error)
    code = _BY_TYPE.get(kind, "provider_stream_cut")
    message = redacted(message or kind) or "the provider reported an error without a message"
    retryable = False if spent(f"{kind} {message}") else None
    return ProviderError(code, message, retryable=retryable)


def failed(error: ProviderError, usage: Usage | None = None) -> ModelFailed:
    """Return the error as the last event of a stream."""
    return ModelFailed(
        code=cast("ProviderCode", error.code),
        message=error.message,
        retryable=error.retryable,
        retry_after=error.retry_after,
        usage=usage,
    )


def redacted(text: str) -> str:
    """Return the provider's message, truncated and with keys redacted."""
    return _SECRET.sub("[key]", text[:_MESSAGE_CHARS])


def _code(status: int) -> ProviderCode:
    match status:
        case 401 | 403:
            return "provider_auth"
        case 429:
            return "provider_rate_limit"
        case 408 | 504:
            return "provider_timeout"
        case _ if status >= 500:
            return "provider_overloaded"
        case _:
            return "provider_bad_request"


def _message_of(body: bytes) -> str:
    """Return the message of an error body, in any of the shapes that hosts use."""
    raw = body.strip()
    try:
        if raw.startswith(b"["):
            raw = bytes(msgspec.json.decode(raw, type=list[msgspec.Raw])[0])
        outer = msgspec.json.decode(raw, type=_Outer)
    except (*UNREADABLE, IndexError):
        return redacted(raw[:_MESSAGE_CHARS].decode(errors="replace"))
    if has_value(outer.error):
        kind, message = _parts(bytes(outer.error))
        if message or kind:
            return redacted(message or kind)
    for text in (outer.message, outer.Message, outer.detail):
        if isinstance(text, str) and text:
            return redacted(text)
    return ""


def _parts(error: bytes) -> tuple[str, str]:
    """Return the type and message of an error field, which may be an object or a string."""
    try:
        inner = msgspec.json.decode(error, type=_Inner | str)
    except UNREADABLE:
        return "", error[:_MESSAGE_CHARS].decode(errors="replace")
    if isinstance(inner, str):
        return "", inner
    kind = inner.type if isinstance(inner.type, str) else ""
    return kind, inner.message if isinstance(inner.message, str) else ""
