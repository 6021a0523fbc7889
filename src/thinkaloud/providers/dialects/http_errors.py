"""Parses a provider's error: an HTTP error body, or an error inside a stream.

The shapes: `{"error": {"message", "code", "status", "details"}}` (Google, OpenAI-like),
`{"error": "text"}` (Ollama), `{"message": "text"}` (Cohere), each bare or in an array.
"""

import re
from collections.abc import Mapping, Sequence

import msgspec

from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.providers.dialects.retry_after import seconds, spent

_LONGEST = 500
_SECRET = re.compile(r"AIza[\w-]{10,}|(?i:bearer) [\w.~+/-]{8,}=*|(?<=[?&]key=)[^&\s]+")


class Detail(msgspec.Struct, frozen=True):
    """One of Google's `google.rpc` details; other fields are ignored."""

    reason: str | None = None
    delay: str | None = msgspec.field(default=None, name="retryDelay")


class Refusal(msgspec.Struct, frozen=True):
    """An error reported by a provider."""

    message: str | None = None
    code: int | str | None = None
    status: int | str | None = None
    details: list[Detail] | None = None


class _Body(msgspec.Struct, frozen=True):
    error: Refusal | str | None = None
    message: str | None = None
    detail: str | None = None


_one = msgspec.json.Decoder(_Body)
_several = msgspec.json.Decoder(list[_Body])


def code_for(status: int) -> ProviderCode:
    """Return the error code for an HTTP status, or for a Google status number in a stream."""
    match status:
        case 401 | 403:
            return "provider_auth"
        case 429:
            return "provider_rate_limit"
        case 408 | 504:
            return "provider_timeout"
        case _:
            return "provider_overloaded" if status >= 500 else "provider_bad_request"


def displayable(message: str) -> str:
    """Return a provider's message with keys redacted, truncated to a displayable length."""
    clean = _SECRET.sub("[redacted]", message.strip())
    return clean if len(clean) <= _LONGEST else clean[: _LONGEST - 1] + "…"


def delay_of(refusal: Refusal) -> float | None:
    """Return the number of seconds the provider asks to wait (Google's `RetryInfo`)."""
    for detail in refusal.details or ():
        wait = seconds((detail.delay or "").removesuffix("s"))
        if wait is not None:
            return wait
    return None


def is_bad_key(refusal: Refusal) -> bool:
    """Return whether Google reports an invalid key, which it does with status 400."""
    return any(detail.reason == "API_KEY_INVALID" for detail in refusal.details or ())


def mentions(message: str, words: Sequence[str]) -> bool:
    """Return whether the message contains one of these lower-case words."""
    lower = message.lower()
    return any(word in lower for word in words)


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names."""
    if _is_page(headers, body) and status < 500 and status not in {408, 429}:
        return ProviderError(
            "provider_bad_request",
            f"The host returned a web page (HTTP {status}) instead of an API response: base_url "
            "is wrong.",
            status=status,
        )
    parsed = _read(headers, body)
    message = displayable(parsed.message or "") or f"The provider responded with HTTP {status}."
    code = "provider_auth" if is_bad_key(parsed) else code_for(status)
    wait = seconds(headers.get("retry-after"))
    return ProviderError(
        code,
        message,
        status=status,
        retry_after=delay_of(parsed) if wait is None else wait,
        retryable=False if spent(_full_text(parsed), delay_of(parsed)) else None,
    )


def _full_text(parsed: Refusal) -> str:
    """Return the text of an error, including its codes."""
    return f"{parsed.code or ''} {parsed.status or ''} {parsed.message or ''}"


def _read(headers: Mapping[str, str], body: bytes) -> Refusal:
    try:
        if body.lstrip()[:1] == b"[":
            parsed = next(iter(_several.decode(body)), _Body())
        else:
            parsed = _one.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(message=None if _is_page(headers, body) else body.decode(errors="replace"))
    if isinstance(parsed.error, Refusal):
        return parsed.error
    return Refusal(message=parsed.error or parsed.message or parsed.detail)


def _is_page(headers: Mapping[str, str], body: bytes) -> bool:
    start = body.lstrip()[:14].lower()
    return start.startswith((b"<!doctype html", b"<html")) or headers.get(
        "content-type", ""
    ).startswith("text/html")
