"""Errors as Anthropic's SDKs expect them.

Source: Claude API reference, "Errors". The SDKs choose their exception by the status, retry 408,
409, 429 and 5xx, and obey `x-should-retry` and `Retry-After`.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from thinkaloud.events.event import RunError
from thinkaloud.server.http.problems import Problem, problem_of_run

OVERLOADED: Final = 529
_STATUS: Final[Mapping[str, int]] = {
    "invalid_request": 400,
    "unsupported_effort": 400,
    "provider_bad_request": 400,
    "provider_refusal": 400,
    "provider_content_filter": 400,
    "provider_overloaded": OVERLOADED,
    "busy": OVERLOADED,
    "shutting_down": OVERLOADED,
}
"""The statuses that differ from those of our own API."""
_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong."""

    type: str
    message: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of an error response, and the data of an error in a stream."""

    error: ErrorDetail
    request_id: str | None
    type: Literal["error"] = "error"


def error_status(problem: Problem) -> int:
    """Return the status of the response to a request that failed."""
    return _STATUS.get(problem.code, problem.status)


def error_headers(problem: Problem) -> Mapping[str, str]:
    """Return the headers of that response: the request's id, and whether not to retry."""
    final = problem.retryable is False or problem.code == "budget_spent"
    retry = {"x-should-retry": "false"} if final else {}
    return {"request-id": problem.request_id, **retry}


def error_body(problem: Problem) -> bytes:
    """Return the body of that response, as JSON."""
    status = error_status(problem)
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    detail = ErrorDetail(kind, problem.detail)
    return msgspec.json.encode(ErrorBody(detail, problem.request_id or None))


def error_event(error: RunError) -> bytes:
    """Return the data of an error in the middle of a stream."""
    return error_body(problem_of_run(error, ""))
