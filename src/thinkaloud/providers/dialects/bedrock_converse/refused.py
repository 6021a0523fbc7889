"""Parse HTTP errors of the Converse API."""

from collections.abc import Mapping

from thinkaloud.core.parsers.aws_eventstream import aws_code
from thinkaloud.errors import ProviderError
from thinkaloud.providers.dialects.http_errors import refusal


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Parse an HTTP response with an error status. `headers` has lower-case names.

    The exception's name in `x-amzn-errortype`, if known, takes precedence over the status.
    """
    error = refusal(status, headers, body)
    code = aws_code(headers.get("x-amzn-errortype", ""))
    if code is None:
        return error
    return ProviderError(
        code,
        error.message,
        status=status,
        retry_after=error.retry_after,
    )
