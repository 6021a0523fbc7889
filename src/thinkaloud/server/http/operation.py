"""The table of HTTP operations, used for routing and for the published API description."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from thinkaloud.core.parsers.sse import MEDIA_TYPE
from thinkaloud.errors import InternalError, ThinkaloudError
from thinkaloud.ports.principal import Principal, Requirement
from thinkaloud.server.http.problems import Refused, headers_of, problem_of, respond
from thinkaloud.server.schema.requests import NoQuery

_log = logging.getLogger(__name__)

JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
EVENT_STREAM: Final = MEDIA_TYPE
NDJSON: Final = "application/x-ndjson"
_STREAMS: Final = frozenset({EVENT_STREAM, NDJSON})

Method = Literal["GET", "POST", "PATCH", "DELETE"]
Handler = Callable[[Request], Awaitable[Response]]


class Answer(msgspec.Struct, frozen=True):
    """A possible response of an operation."""

    description: str
    kind: Any = None
    """The type of the JSON body or of an event stream's items, if any."""
    media_type: str | None = JSON
    """None if there is no body."""
    also_stream: bool = False
    """Whether the same status can also be an event stream: of the same lines if the response is
    NDJSON, otherwise of chat frames."""
    also_text: str | None = None
    """The media type of an alternative text response with the same status."""
    files: Sequence[str] = ()
    """The media types of file responses with the same status."""
    headers: Mapping[str, str] = {}
    """Additional response headers, with their descriptions."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP operation."""

    method: Method
    path: str
    name: str
    """The operation id."""
    summary: str
    tag: str
    requires: Requirement
    """The scope that its caller needs."""
    handler: Handler
    answers: Mapping[int, Answer]
    problems: Sequence[int] = ()
    """Statuses of its problem documents, in addition to those of every request."""
    body: Any = None
    """The type of the body."""
    body_type: str = JSON
    """The media type of the body."""
    query: Any = NoQuery
    headers: Mapping[str, str] = {}
    """Request headers that it reads, with their descriptions."""
    description: str = ""
    takes: Callable[[Scope], bool] | None = None
    """Whether it takes a request, for one of several operations with the same method and path. One
    without a condition gets the requests that no other one takes."""


class Observer(Protocol):
    """Observes every response."""

    def request_done(self, route: str, method: str, status: int) -> None:
        """Count a request."""
        ...


class Resource:
    """The operations of one path, as an ASGI app. Errors are returned as problem documents."""

    def __init__(self, path: str, operations: Sequence[Operation], observer: Observer) -> None:
        self.__name__ = path
        self._path = path
        self._observer = observer
        self._conditional = [each for each in operations if each.takes is not None]
        self._by_method: dict[str, Operation] = {
            each.method: each for each in operations if each.takes is None
        }
        get = self._by_method.get("GET")
        if get is not None and get.answers[200].media_type not in _STREAMS:
            self._by_method["HEAD"] = get
        self._is_public = all(each.requires == "none" for each in operations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request = Request(scope, receive)
        response = await self._respond(request)
        known = request.method in self._by_method
        self._observer.request_done(
            self._path, request.method if known else "other", response.status_code
        )
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        operation = self._operation(request)
        try:
            if operation is None:
                raise self._unknown_method(request)
            check_permission(request, operation.requires)
            return await operation.handler(request)
        except ThinkaloudError as error:
            return error_response(error, request)
        except Exception:  # noqa: BLE001 - a failed request must not stop the server
            _log.exception("request %s failed", request_id_of(request.scope))
            return error_response(
                InternalError("Internal server error. The server's log has the details."), request
            )

    def _operation(self, request: Request) -> Operation | None:
        for each in self._conditional:
            if (
                each.method == request.method
                and each.takes is not None
                and each.takes(request.scope)
            ):
                return each
        return self._by_method.get(request.method)

    def _unknown_method(self, request: Request) -> ThinkaloudError:
        check_permission(request, "none" if self._is_public else "any")
        allow = ", ".join(sorted(self._by_method))
        message = f"{request.method} is not allowed here. Allowed: {allow}."
        return Refused(405, "method_not_allowed", message, headers={"Allow": allow})


def request_id_of(scope: Scope) -> str:
    """Return the request id set by the guard."""
    state: Mapping[str, object] = scope.get("state") or {}
    return str(state.get("request_id", ""))


def principal_of(connection: Mapping[str, Any]) -> Principal:
    """Return who a request or a socket acts for, from the request or its ASGI scope.

    Raises what the authenticator raised, such as `Unauthorized`.
    """
    found: Principal | ThinkaloudError = connection["state"]["principal"]
    if isinstance(found, ThinkaloudError):
        raise found
    return found


def check_permission(connection: Mapping[str, Any], requires: Requirement) -> None:
    """Raise `Unauthorized` or `Forbidden` if its principal doesn't have what a route requires."""
    match requires:
        case "none":
            return
        case "any":
            principal_of(connection)
        case _:
            principal_of(connection).check(requires)


def error_response(error: ThinkaloudError, request: Request) -> Response:
    """Return an error as a problem document."""
    return respond(problem_of(error, request_id_of(request.scope)), headers_of(error))


def json_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a value as JSON."""
    return Response(msgspec.json.encode(body), status, headers, JSON)
