"""Parses Ollama's errors: `{"error": "text"}`, as a body or as a line of a stream."""

from thinkaloud.errors import ProviderCode
from thinkaloud.events.model import ModelFailed, Usage
from thinkaloud.providers.dialects.http_errors import Refusal, code_for, displayable, mentions
from thinkaloud.providers.dialects.retry_after import spent

_WRONG_REQUEST = ("does not support", "not found", "invalid", "exceeded max context", "too long")
_PASSING = frozenset({"provider_stream_cut", "provider_overloaded", "provider_rate_limit"})
_BUSY = ("server busy", "out of memory", "overloaded", "requires more system memory")


def in_stream(error: Refusal | str, usage: Usage | None) -> ModelFailed:
    """Read an error from inside a response with status 200.

    Ollama sends only a message without a code there; an unknown message is treated as a cut-off
    stream.
    """
    refusal = error if isinstance(error, Refusal) else Refusal(message=error)
    message = (
        displayable(refusal.message or "") or "The provider reported an error without a message."
    )
    code = _code(refusal, message)
    return ModelFailed(
        code=code,
        message=message,
        retryable=code in _PASSING and not spent(message),
        usage=usage,
    )


def _code(error: Refusal, message: str) -> ProviderCode:
    for number in (error.code, error.status):
        if isinstance(number, int):
            return code_for(number)
    if mentions(message, _BUSY):
        return "provider_overloaded"
    return "provider_bad_request" if mentions(message, _WRONG_REQUEST) else "provider_stream_cut"
