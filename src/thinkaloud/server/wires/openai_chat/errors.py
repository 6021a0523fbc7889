"""Errors as OpenAI's SDKs expect them.

Source: OpenAI API reference, "Error codes". The SDKs choose their exception by the status, retry
408, 409, 429 and 5xx, and obey `x-should-retry` and `Retry-After`.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from thinkaloud.errors import UnknownModel
from thinkaloud.events.event import RunError
from thinkaloud.server.http.problems import Problem, problem_of_run

_STATUS: Final[Mapping[str, int]] = {
    "invalid_request": 400,
    "unsupported_effort": 400,
    "provider_bad_request": 400,
    "provider_refusal": 400,
    "provider_content_filter": 400,
}
"""The statuses that differ from those of our own API."""
_CODES: Final[Mapping[str, str]] = {
    "unauthorized": "invalid_api_key",
    UnknownModel.code: "model_not_found",
    "budget_spent": "insufficient_quota",
    "rate_limited": "rate_limit_exceeded",
    "provider_rate_limit": "rate_limit_exceeded",
    "provider_content_filter": "content_filter",
}
"""The codes that OpenAI has names of its own for."""
_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of an error response, and the data of an error in a stream."""

    error: ErrorDetail


def error_status(problem: Problem) -> int:
    """Return the status of the response to a request that failed."""
    return _STATUS.get(problem.code, problem.status)


def error_headers(problem: Problem) -> Mapping[str, str]:
    """Return the headers of that response which tell an SDK whether to retry."""
    final = problem.retryable is False or problem.code == "budget_spent"
    return {"x-should-retry": "false"} if final else {}


def error_body(problem: Problem) -> bytes:
    """Return the body of that response, as JSON."""
    return msgspec.json.encode(_body(problem, error_status(problem)))


def error_event(error: RunError) -> bytes:
    """Return the data of an error in the middle of a stream."""
    problem = problem_of_run(error, "")
    return error_body(problem)


def _body(problem: Problem, status: int) -> ErrorBody:
    fallback = "server_error" if status >= 500 else "invalid_request_error"
    return ErrorBody(
        ErrorDetail(
            message=problem.detail,
            type=_TYPES.get(status, fallback),
            param=None if problem.field is msgspec.UNSET else problem.field,
            code=_CODES.get(problem.code, problem.code),
        )
    )
