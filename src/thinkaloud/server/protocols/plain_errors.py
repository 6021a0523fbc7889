"""Errors as plain text, for protocols whose clients show the body of an error to their user."""

import logging
import math
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.errors import InternalError, ThinkaloudError
from thinkaloud.server.http.operation import Handler, request_id_of
from thinkaloud.server.http.problems import Problem, Refused, problem_of

_log: Final = logging.getLogger(__name__)


def plain_errors(handler: Handler) -> Handler:
    """Return the handler with its errors as text: the status and headers are those of a problem."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ThinkaloudError as error:
            return plain_error(error, request)
        except Exception:  # noqa: BLE001 - a failed request must not stop the server
            _log.exception("request %s failed", request_id_of(request.scope))
            text = "Internal server error. The server's log has the details."
            return plain_error(InternalError(text), request)

    return handle


def plain_error(error: ThinkaloudError, request: Request) -> Response:
    """Return an error as one line of text."""
    problem = problem_of(error, request_id_of(request.scope))
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    headers.update(_retry_after(problem))
    return Response(problem.detail, problem.status, headers, "text/plain")


def _retry_after(problem: Problem) -> dict[str, str]:
    wait = problem.retry_after
    return {"Retry-After": str(math.ceil(wait))} if isinstance(wait, float) else {}
