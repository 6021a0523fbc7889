"""Errors as RFC 9457 problem documents, with the table of HTTP statuses."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

from thinkaloud.errors import (
    BudgetSpent,
    Forbidden,
    InvalidRequest,
    ProviderError,
    RateLimited,
    StoreError,
    ThinkaloudError,
    Unauthorized,
    Unavailable,
    UnknownModel,
    UnsupportedEffort,
    UserError,
)
from thinkaloud.events.event import RunError

MEDIA_TYPE: Final = "application/problem+json"
_NEVER: Final = msgspec.UNSET
_RETRY_SECONDS: Final = 5.0
"""`Retry-After` for store errors."""

_STATUS: Final[Mapping[str, int]] = {
    "invalid_request": 422,
    "unsupported_effort": 422,
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "rate_limited": 429,
    "budget_spent": 429,
    "not_found": 404,
    "unknown_model": 404,
    "conflict": 409,
    "approval_pending": 409,
    "configuration": 503,
    "provider_auth": 502,
    "provider_bad_request": 502,
    "provider_rate_limit": 429,
    "provider_overloaded": 503,
    "provider_timeout": 504,
    "provider_stream_cut": 502,
    "provider_refusal": 502,
    "provider_content_filter": 502,
    "run_timeout": 504,
    "interrupted": 503,
    "store_unavailable": 503,
    "shutting_down": 503,
    "busy": 503,
}


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error: RFC 9457, with `code` for programs and `request_id` for the server's log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | msgspec.UnsetType = _NEVER
    """The invalid field of the request."""
    retryable: bool | msgspec.UnsetType = _NEVER
    retry_after: float | msgspec.UnsetType = _NEVER
    """Seconds."""
    nearest: tuple[str, ...] | msgspec.UnsetType = _NEVER
    """Model ids similar to the unknown one."""
    valid: tuple[str, ...] | msgspec.UnsetType = _NEVER
    """The allowed values."""
    run_id: str | msgspec.UnsetType = _NEVER
    conversation_id: str | msgspec.UnsetType = _NEVER
    partial: str | msgspec.UnsetType = _NEVER
    """The answer so far, if a run failed."""
    reasoning: str | msgspec.UnsetType = _NEVER
    """The reasoning so far. Only if requested."""


class Refused(UserError):
    """A request rejected before it reaches a run, with its HTTP status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.field = field
        self.headers = dict(headers or {})


class FailedRun(ThinkaloudError):
    """A run failed before anything of it was sent, so that its error can have a status."""

    def __init__(self, error: RunError) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.error = error


def status_of(code: str) -> int:
    """Return the HTTP status of an error code; 500 for internal errors."""
    return _STATUS.get(code, 500)


def problem_of(error: ThinkaloudError, request_id: str) -> Problem:
    """Return a thinkaloud error as a problem document."""
    if isinstance(error, FailedRun):
        return problem_of_run(error.error, request_id)
    status = error.status if isinstance(error, Refused) else status_of(error.code)
    field: str | None = None
    if isinstance(error, InvalidRequest | UnsupportedEffort | Forbidden | Refused):
        field = error.field
    elif isinstance(error, UnknownModel):
        field = "model"
    problem = _problem(status, error.code, error.message, request_id)
    return msgspec.structs.replace(
        problem,
        field=field or _NEVER,
        retryable=_retryable(error),
        retry_after=_seconds(_wait(error)),
        nearest=error.nearest if isinstance(error, UnknownModel) else _NEVER,
        valid=_valid(error),
    )


def headers_of(error: ThinkaloudError) -> dict[str, str]:
    """Return the response headers that belong to an error, besides `Retry-After`."""
    match error:
        case Refused():
            return error.headers
        case Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
        case BudgetSpent():
            return {"x-should-retry": "false"}
        case _:
            return {}


def problem_of_run(error: RunError, request_id: str) -> Problem:
    """Return a failed run as a problem document, without its text."""
    problem = _problem(status_of(error.code), error.code, error.message, request_id)
    return msgspec.structs.replace(
        problem, retryable=error.retryable, retry_after=_seconds(error.retry_after)
    )


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as an HTTP response, with `Retry-After` if known."""
    found = {**(headers or {}), **retry_header(problem)}
    return Response(msgspec.json.encode(problem), problem.status, found, MEDIA_TYPE)


def retry_header(problem: Problem) -> dict[str, str]:
    """Return `Retry-After` in whole seconds, if the problem says when to try again."""
    if isinstance(problem.retry_after, float):
        return {"Retry-After": str(math.ceil(problem.retry_after))}
    return {}


def _retryable(error: ThinkaloudError) -> bool | msgspec.UnsetType:
    match error:
        case ProviderError():
            return error.retryable
        case Unavailable():
            return True
        case RateLimited():
            return not isinstance(error, BudgetSpent)
        case _:
            return _NEVER


def _valid(error: ThinkaloudError) -> tuple[str, ...] | msgspec.UnsetType:
    match error:
        case UnsupportedEffort():
            return error.valid
        case InvalidRequest():
            return error.valid or _NEVER
        case _:
            return _NEVER


def _wait(error: ThinkaloudError) -> float | None:
    match error:
        case ProviderError():
            return error.retry_after
        case Unavailable() | RateLimited():
            return error.retry_after
        case StoreError():
            return _RETRY_SECONDS
        case _:
            return None


def _problem(status: int, code: str, detail: str, request_id: str) -> Problem:
    return Problem(
        type=f"urn:thinkaloud:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
    )


def _seconds(value: float | None) -> float | msgspec.UnsetType:
    return _NEVER if value is None else float(value)
