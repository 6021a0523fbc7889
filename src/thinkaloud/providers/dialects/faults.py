"""Errors inside a response with status 200, in shapes that the dialect does not define.

Gateways rename the error event, omit its type, or send another API's error object instead. This
is the fallback of all dialects, so that the provider's reason is never lost.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, cast

import msgspec

from thinkaloud.errors import ProviderCode
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.http_errors import code_for, displayable
from thinkaloud.providers.dialects.retry_after import spent

_NAME: Final = re.compile(r"(?:error|exception)s?$", re.IGNORECASE)
_MEMBERS: Final = ("error", "errors", "exception", "response", "data", "detail")
_WORDS: Final = ("message", "msg", "error_message", "errorMessage", "error_msg", "detail", "error")
_NUMBERS: Final = ("status_code", "statusCode", "status", "code", "http_code", "error_code")
_KINDS: Final = ("type", "code", "status", "error_code", "error_type", "reason")
_MAX_DEPTH: Final = 4
_BY_WORD: Final[tuple[tuple[str, ProviderCode], ...]] = (
    ("content_filter", "provider_content_filter"),
    ("moderation", "provider_content_filter"),
    ("rate_limit", "provider_rate_limit"),
    ("ratelimit", "provider_rate_limit"),
    ("too_many_requests", "provider_rate_limit"),
    ("throttl", "provider_rate_limit"),
    ("quota", "provider_rate_limit"),
    ("resource_exhausted", "provider_rate_limit"),
    ("authentication", "provider_auth"),
    ("unauthenticated", "provider_auth"),
    ("permission", "provider_auth"),
    ("api_key", "provider_auth"),
    ("billing", "provider_auth"),
    ("timeout", "provider_timeout"),
    ("deadline", "provider_timeout"),
    ("invalid_request", "provider_bad_request"),
    ("invalid_argument", "provider_bad_request"),
    ("bad_request", "provider_bad_request"),
    ("badrequest", "provider_bad_request"),
    ("validation", "provider_bad_request"),
    ("not_found", "provider_bad_request"),
    ("too_large", "provider_bad_request"),
    ("context", "provider_bad_request"),
    ("overloaded", "provider_overloaded"),
    ("unavailable", "provider_overloaded"),
    ("server_error", "provider_overloaded"),
    ("internal", "provider_overloaded"),
    ("api_error", "provider_overloaded"),
)
_PASSING: Final = frozenset(
    {"provider_rate_limit", "provider_overloaded", "provider_stream_cut", "provider_timeout"}
)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@lru_cache(256)
def names_error(name: bytes | str) -> bool:
    """Return whether an event name or type denotes an error, in any API format."""
    text = name.decode(errors="replace") if isinstance(name, bytes) else name
    return _NAME.search(text) is not None


def suspect(payload: bytes) -> bool:
    """Return whether an event that produced nothing should be checked for an error."""
    return b"rror" in payload or b"xception" in payload


def reported(payload: bytes, name: bytes, usage: Usage | None = None) -> ModelFailed | None:
    """Parse an event as an error of any shape; None if it is not an error."""
    try:
        found: object = msgspec.json.decode(payload)
    except _UNREADABLE:
        return None
    if isinstance(found, list):
        found = next(iter(cast("list[object]", found)), None)
    if not isinstance(found, dict):
        return None
    fields = cast("dict[str, object]", found)
    kinds = (fields.get("type"), fields.get("event_type"), fields.get("object"))
    called_so = names_error(name) or any(isinstance(k, str) and names_error(k) for k in kinds)
    if not called_so and not fields.get("error") and not fields.get("errors"):
        return None
    return _failure(list(_nested(fields, 0)), usage)


def _failure(levels: list[dict[str, object]], usage: Usage | None) -> ModelFailed:
    """Build a failure from an error's nested objects, innermost first."""
    words = [
        value
        for level in levels
        for key in _WORDS
        if isinstance(value := level.get(key), str) and value
    ]
    kinds = " ".join(
        value.lower()
        for level in levels
        for key in _KINDS
        if isinstance(value := level.get(key), str)
    )
    status = next((n for level in levels for key in _NUMBERS if (n := _status(level.get(key)))), 0)
    message = words[0] if words else ""
    code = _code(status, kinds)
    return ModelFailed(
        code=code,
        message=displayable(message)
        or f"The provider reported an error: {kinds or 'no reason given'}.",
        retryable=code in _PASSING and not spent(f"{kinds} {message}"),
        usage=usage,
    )


def _nested(fields: dict[str, object], depth: int) -> Iterator[dict[str, object]]:
    for key in _MEMBERS:
        inner = fields.get(key)
        if isinstance(inner, list):
            inner = next(iter(cast("list[object]", inner)), None)
            if isinstance(inner, str):
                inner = {"message": inner}
        if isinstance(inner, dict) and depth < _MAX_DEPTH:
            yield from _nested(cast("dict[str, object]", inner), depth + 1)
    yield fields


def _code(status: int, kinds: str) -> ProviderCode:
    if status:
        return code_for(status)
    plain = kinds.replace("-", "_")
    for word, code in _BY_WORD:
        if word in plain:
            return code
    return "provider_stream_cut"


def _status(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) == 3:
        value = int(value)
    return value if isinstance(value, int) and 400 <= value < 600 else 0
