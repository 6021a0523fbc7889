"""Errors as plain text, for protocols whose clients show the body of an error to their user. Pure."""

from typing import Final

from thinkaloud.server.http.problems import Problem
from thinkaloud.server.protocols.protocol import ErrorResponse

_TEXT: Final = "text/plain; charset=utf-8"


def plain_error(problem: Problem) -> ErrorResponse:
    """Return a problem as its sentence, with the same status."""
    return ErrorResponse(problem.status, problem.detail.encode(), content_type=_TEXT)
