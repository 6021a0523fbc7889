"""HTTP errors of the Converse API."""

from collections.abc import Mapping

from thinkaloud.core.parsers.aws_eventstream import aws_code
from thinkaloud.errors import ProviderError
from thinkaloud.providers.dialects.http_errors import refusal


def http_error(status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """Read a response whose status is not 2xx. `headers` has lower-case names.

    AWS names the exception in `x-amzn-errortype`; a known name is more specific than the status.
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
