"""The guard, which checks every request and WebSocket upgrade first."""

import re
import secrets
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from thinkaloud.errors import ThinkaloudError
from thinkaloud.ports.authentication import Authenticator, IncomingRequest
from thinkaloud.server.http.origins import host_allowed, is_loopback, origin_allowed, origin_listed
from thinkaloud.server.http.problems import (
    MEDIA_TYPE,
    Refused,
    headers_of,
    problem_of,
    retry_header,
)
from thinkaloud.server.settings import ServerSettings

_SAFE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_READING: Final = frozenset({"GET", "HEAD"})
_EXPOSED: Final = (
    b"X-Request-ID, X-Conversation-Id, X-Run-Id, Retry-After, X-Reasoning-Withheld,"
    b" X-Vercel-AI-UI-Message-Stream"
)
"""Response headers that pages of other origins can read."""
_HEADER_NAMES: Final = re.compile(r"[A-Za-z0-9_-]{1,64}(?:, ?[A-Za-z0-9_-]{1,64}){0,63}\Z")
_SCHEMES: Final = {"http": "http", "https": "https", "ws": "http", "wss": "https"}

SECURITY_HEADERS: Final[Sequence[tuple[bytes, bytes]]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
"""Default headers of every response, unless it sets its own."""

Headers = Sequence[tuple[bytes, bytes]]


class Guard:
    """ASGI middleware: checks `Host`, `Origin`, `Sec-Fetch-Site`; sets request id and principal.

    Answers CORS preflights of pages of `allowed_origins`, and adds their CORS headers.

    A request without a valid credential is passed on with the error instead of a principal,
    because some routes need none; `principal_of` and `denial_of` raise or return it.
    Forwarding headers of proxies (`X-Forwarded-*`, `Forwarded`) are ignored.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ServerSettings,
        authenticator: Authenticator,
        on_forbidden: Callable[[Scope], None],
    ) -> None:
        self._app = app
        self._on_forbidden = on_forbidden
        self._settings = settings
        self._authenticator = authenticator
        # Other machines use the address, or its name, that the server listens on.
        self._is_exposed = not is_loopback(settings.host)
        self._hosts = (*settings.allowed_hosts, settings.host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or reject it with 421 or 403."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        refusal = self._refusal(scope)
        if refusal is not None:
            if refusal.status == 403:
                self._on_forbidden(scope)
            await refuse(refusal, scope, send)
            return
        cross_origin = self._cross_origin(scope)
        if cross_origin and _is_preflight(scope):
            await _allow(cross_origin, scope, send, request_id)
            return
        try:
            state["principal"] = await self._authenticator.authenticate(incoming(scope))
        except ThinkaloudError as error:
            state["principal"] = error
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            own = ((b"x-request-id", request_id.encode()), *cross_origin)
            await self._app(scope, receive, self._with_headers(scope, send, own))

    def _cross_origin(self, scope: Scope) -> Headers:
        """Return the CORS headers for a page of `allowed_origins`; none for other requests.

        The origin is exact, never `*`. Such a page can send keys, but not cookies.
        """
        origins = _values(scope["headers"], b"origin")
        if scope["type"] == "websocket" or not origins:
            return ()
        if not origin_listed(origins[0], self._settings.allowed_origins):
            return ()
        return (
            (b"access-control-allow-origin", origins[0].encode("latin-1")),
            (b"access-control-expose-headers", _EXPOSED),
            (b"vary", b"Origin"),
        )

    def _refusal(self, scope: Scope) -> Refused | None:
        headers: Headers = scope["headers"]
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or not host_allowed(hosts[0], self._hosts, any_address=self._is_exposed):
            return Refused(
                421,
                "wrong_host",
                "The name in Host is not one of this server's. `server.allowed_hosts` adds names.",
            )
        origins = _values(headers, b"origin")
        scheme = _SCHEMES.get(scope["scheme"], "http")
        extra = self._settings.allowed_origins
        if any(not origin_allowed(origin, hosts[0], scheme, extra) for origin in origins):
            return Refused(
                403,
                "foreign_origin",
                "Requests from pages of this origin are not "
                "allowed. `server.allowed_origins` adds origins.",
            )
        changes = scope["type"] == "websocket" or scope["method"] not in _READING
        sites = _values(headers, b"sec-fetch-site")
        if changes and not origins and any(site in {"cross-site", "same-site"} for site in sites):
            return Refused(403, "foreign_origin", "Requests from other sites are not allowed.")
        return None

    def _with_headers(self, scope: Scope, send: Send, own: Headers) -> Send:
        is_gone: Callable[[], bool] | None = scope["state"].get("is_gone")

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                given: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
                if message["status"] == 403:
                    self._on_forbidden(scope)
                names = {name.lower() for name, _ in given}
                given.extend(own)
                given.extend(header for header in SECURITY_HEADERS if header[0] not in names)
                message = {**message, "headers": given}
            try:
                await send(message)
            except RuntimeError:
                # uvloop raises this if the client has just disconnected.
                if is_gone is None or not is_gone():
                    raise

        return answer


def _is_preflight(scope: Scope) -> bool:
    asked = _values(scope["headers"], b"access-control-request-method")
    return scope["method"] == "OPTIONS" and bool(asked)


async def _allow(cross_origin: Headers, scope: Scope, send: Send, request_id: str) -> None:
    """Respond to a preflight, which has no credentials, that the request itself may be sent."""
    asked = ", ".join(_values(scope["headers"], b"access-control-request-headers"))
    headers = [
        *cross_origin,
        (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE"),
        (b"access-control-max-age", b"600"),
        (b"x-request-id", request_id.encode()),
        *SECURITY_HEADERS,
    ]
    if asked and _HEADER_NAMES.match(asked):
        headers.append((b"access-control-allow-headers", asked.encode()))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def refuse(error: ThinkaloudError, scope: Scope, send: Send) -> None:
    """Reject a request, or an upgrade before it is accepted, with a problem document."""
    request_id = str(scope["state"]["request_id"])
    status, headers, body = refusal(error, request_id)
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


def new_request_id() -> str:
    """Return a new id for a request without one."""
    return f"req_{secrets.token_hex(10)}"


def refusal(error: ThinkaloudError, request_id: str) -> tuple[int, Headers, bytes]:
    """Return the status, the headers and the body of a problem document."""
    problem = problem_of(error, request_id)
    body = msgspec.json.encode(problem)
    own = {**headers_of(error), **retry_header(problem)}
    headers = (
        *((name.lower().encode(), value.encode()) for name, value in own.items()),
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        *SECURITY_HEADERS,
    )
    return problem.status, headers, body


def incoming(scope: Scope) -> IncomingRequest:
    """Return a request as the authenticator sees it."""
    client: tuple[str, int] | None = scope.get("client")
    return IncomingRequest(
        headers=scope["headers"],
        method=scope.get("method", "GET"),
        path=scope["path"],
        scheme=scope["scheme"],
        address=client[0] if client else None,
    )


def _request_id(headers: Headers) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _SAFE_ID.match(value):
            return value.decode()
    return new_request_id()


def _values(headers: Headers, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in headers if name == wanted]
