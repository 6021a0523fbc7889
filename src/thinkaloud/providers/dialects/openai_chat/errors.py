"""Errors in all the shapes that Chat Completions servers send.

`{"error": {"message", "type", "code", …}}` (OpenAI and most), `{"error": "…"}` (xAI, Venice),
`{"message", "code", "type"}` (Mistral, Doubleword), `{"detail": …}` (FastAPI servers, Mistral),
a list of one such object (Gemini), a web page.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.framing import PAGE
from thinkaloud.providers.dialects.retry_after import plausible, seconds, spent

_LONGEST: Final = 500
_SECRET: Final = re.compile(
    r"\b(?:sk|rk|gsk|csk|xai|pplx|hf|nvapi|tgp)[-_][\w*.\-]{8,}|\bAIza[\w\-]{10,}|\bBearer\s+\S+"
)
_KEY_REFUSED: Final = re.compile(r"api[ _-]?key", re.IGNORECASE)
_REJECTED: Final = re.compile(
    r"invalid|not valid|corrupt|malformed|decrypt|could not be verified|cannot be modified"
    r"|failed to verify|does not match",
    re.IGNORECASE,
)
_BY_WORD: Final[tuple[tuple[str, ProviderCode], ...]] = (
    ("rate_limit", "provider_rate_limit"),
    ("ratelimit", "provider_rate_limit"),
    ("too_many_requests", "provider_rate_limit"),
    ("quota", "provider_rate_limit"),
    ("content_filter", "provider_content_filter"),
    ("moderation", "provider_content_filter"),
    ("authentication", "provider_auth"),
    ("permission", "provider_auth"),
    ("api_key", "provider_auth"),
    ("timeout", "provider_timeout"),
    ("invalid_request", "provider_bad_request"),
    ("badrequest", "provider_bad_request"),
    ("bad_request", "provider_bad_request"),
    ("context", "provider_bad_request"),
    ("tool_use_failed", "provider_bad_request"),
)

_STATUSES: Final = (
    "status_code",
    "statusCode",
    "code",
    "status",
    "http_code",
    "raw_status_code",
)
_BY_STATUS: Final[dict[int, ProviderCode]] = {
    401: "provider_auth",
    403: "provider_auth",
    408: "provider_timeout",
    429: "provider_rate_limit",
    504: "provider_timeout",
}


class ParsedError(NamedTuple):
    """A parsed error object."""

    message: str
    kind: str
    status: int | None
    retry_after: float | None


def parse_error(body: bytes) -> ParsedError | None:
    """Parse an error object; None if it is not JSON or has no message."""
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    listed = _list(value)
    outer = _members(listed[0] if listed else value)
    if outer is None:
        return ParsedError(value, "", None, None) if isinstance(value, str) and value else None
    inner = _members(outer.get("error")) or outer
    while (nested := _members(inner.get("error"))) is not None:
        inner = nested
    listed = _list(outer.get("errors"))
    if listed and inner is outer:
        inner = _members(listed[0]) or outer
    message = _message(inner) or _message(outer)
    if not message:
        return None
    kind = " ".join(str(inner.get(name)) for name in ("type", "code", "status") if inner.get(name))
    return ParsedError(message, kind.lower(), _status(inner), _retry_delay(inner))


def failure(body: bytes, usage: Usage | None) -> ModelFailed:
    """Read an error from inside a stream with status 200."""
    read = parse_error(body) or ParsedError(
        "The provider reported an error without a message.", "", None, None
    )
    code = _code(read.status, read)
    return ModelFailed(
        code=code,
        message=clean(read.message),
        retryable=_retryable(code, read),
        retry_after=read.retry_after,
        usage=usage,
    )


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names."""
    if is_page(body):
        return _page(status, headers)
    read = parse_error(body) or ParsedError(
        clean(body.decode(errors="replace").strip())
        or f"The provider responded with HTTP {status}.",
        "",
        None,
        None,
    )
    code = _code(status, read)
    return ProviderError(
        code,
        clean(read.message),
        status=status,
        retry_after=_header_retry_delay(headers) or read.retry_after,
        retryable=_retryable(code, read),
    )


def is_page(body: bytes) -> bool:
    """Return whether this is a web page instead of JSON."""
    return body.lstrip()[:1] == b"<"


def clean(message: str) -> str:
    """Return a provider's message with keys redacted, truncated."""
    message = _SECRET.sub("[redacted]", message[: 4 * _LONGEST])
    return message if len(message) <= _LONGEST else f"{message[: _LONGEST - 1]}…"


def _page(status: int, headers: Mapping[str, str]) -> ProviderError:
    if status >= 500:
        return ProviderError(
            "provider_overloaded",
            f"The provider returned a web page (HTTP {status}).",
            status=status,
            retry_after=_header_retry_delay(headers),
        )
    return ProviderError("provider_bad_request", PAGE, status=status)


def _code(status: int | None, read: ParsedError) -> ProviderCode:
    if "content_filter" in read.kind:
        return "provider_content_filter"
    if status is None:
        for word, code in _BY_WORD:
            if word in read.kind:
                return code
        return "provider_rate_limit" if _quota_exhausted(read) else "provider_overloaded"
    if status >= 500 or status in _BY_STATUS:
        return _BY_STATUS.get(status, "provider_overloaded")
    wrong_key = _KEY_REFUSED.search(read.message) and _REJECTED.search(
        read.message.replace("ncorrect", "nvalid")
    )
    return "provider_auth" if status == 400 and wrong_key else "provider_bad_request"


def _quota_exhausted(read: ParsedError) -> bool:
    return spent(f"{read.kind} {read.message}", read.retry_after)


def _retryable(code: ProviderCode, read: ParsedError) -> bool:
    match code:
        case (
            "provider_rate_limit"
            | "provider_overloaded"
            | "provider_timeout"
            | "provider_stream_cut"
        ):
            return not _quota_exhausted(read)
        case "provider_bad_request":
            # The model's tool call did not match its schema; a retry may succeed.
            return "tool_use_failed" in read.kind
        case "provider_auth" | "provider_refusal" | "provider_content_filter":
            return False


def _members(value: object) -> dict[str, object] | None:
    try:
        return msgspec.convert(value, dict[str, object])
    except msgspec.ValidationError:
        return None


def _list(value: object) -> list[object]:
    try:
        return msgspec.convert(value, list[object])
    except msgspec.ValidationError:
        return []


def _message(error: dict[str, object]) -> str:
    for name in ("message", "error", "detail", "msg", "errors"):
        value = error.get(name)
        if isinstance(value, str) and value:
            upstream = (_members(error.get("metadata")) or {}).get("raw")
            return f"{value}: {upstream}" if isinstance(upstream, str) and upstream else value
        complaints = [_members(entry) or {} for entry in _list(value)]
        messages = [_message(entry) for entry in complaints]
        if any(messages):
            return "; ".join(part for part in messages if part)
        inner = _members(value)
        if inner and (words := _message(inner)):
            return words
    return ""


def _status(error: dict[str, object]) -> int | None:
    for name in _STATUSES:
        value = error.get(name)
        if isinstance(value, str) and len(value) == 3 and value.isdecimal():
            value = int(value)
        if isinstance(value, int) and 400 <= value < 600:
            return value
    return None


def _retry_delay(error: dict[str, object]) -> float | None:
    """Parse Google's `RetryInfo` (`"retryDelay": "48s"`) or a plain `retry_after`."""
    details = [_members(entry) or {} for entry in _list(error.get("details"))]
    for value in (error.get("retry_after"), *(entry.get("retryDelay") for entry in details)):
        wait = None
        if isinstance(value, int | float):
            wait = plausible(value)
        elif isinstance(value, str):
            wait = seconds(value.removesuffix("s"))
        if wait is not None:
            return wait
    return None


def _header_retry_delay(headers: Mapping[str, str]) -> float | None:
    wait = seconds(headers.get("retry-after-ms"), 0.001)
    return seconds(headers.get("retry-after")) if wait is None else wait
