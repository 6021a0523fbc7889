"""Log in and out, get a ticket for a socket, and see what a credential may do."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.auth.carriers.credentials import COOKIE, SECURE_COOKIE, SUBPROTOCOL, TICKET_PREFIX
from thinkaloud.auth.carriers.tickets import TICKET_MS
from thinkaloud.auth.keyring import SESSION_MS
from thinkaloud.ports.principal import Principal
from thinkaloud.server.access.actor import actor_of, client_address
from thinkaloud.server.access.requests import LoginRequest
from thinkaloud.server.access.responses import MeView, TicketView, me_view
from thinkaloud.server.http.operation import Answer, Handler, Operation, json_response, principal_of
from thinkaloud.server.http.parsing import read_json, refuse_form
from thinkaloud.server.services import ServerServices

_TAG: Final = "access"
_SESSION: Final = "/api/v1/session"


class SessionRoutes:
    """`/session`, `/tickets` and `/me`."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services
        self._access = services.access

    def operations(self) -> list[Operation]:
        """Return the operations of these resources."""
        me = {200: Answer("The owner, the role and the restrictions.", MeView)}
        who = "Who sends the request, and what they may do"
        return [
            *self._logins(),
            _reading(_SESSION, "session", who, self.me, me),
            _reading("/api/v1/me", "me", who, self.me, me),
            self._tickets(),
        ]

    def _logins(self) -> list[Operation]:
        return [
            Operation(
                method="POST",
                path=_SESSION,
                name="logIn",
                summary="Log in with an API key",
                description=(
                    "Sets a cookie that ends after 30 days, after 7 days without use, or with its"
                    " key. It can be used instead of the key, in requests of pages of this server."
                ),
                tag=_TAG,
                requires="none",
                handler=self.log_in,
                body=LoginRequest,
                answers={
                    200: Answer(
                        "Logged in.", MeView, headers={"Set-Cookie": "The session's cookie."}
                    )
                },
                problems=(413, 415, 422),
            ),
            Operation(
                method="DELETE",
                path=_SESSION,
                name="logOut",
                summary="Log out",
                description="Ends the session and closes its sockets and event streams.",
                tag=_TAG,
                requires="any",
                handler=self.log_out,
                answers={204: Answer("Logged out.", media_type=None)},
                problems=(415,),
            ),
        ]

    def _tickets(self) -> Operation:
        return Operation(
            method="POST",
            path="/api/v1/tickets",
            name="createTicket",
            summary="Create a ticket for a WebSocket",
            description=(
                "A browser's WebSocket cannot send a header. It can send a ticket, as the"
                " subprotocol `ticket.<value>` next to `thinkaloud`. A ticket is valid for 30"
                " seconds and one socket."
            ),
            tag=_TAG,
            requires="any",
            handler=self.ticket,
            answers={201: Answer("The ticket.", TicketView)},
            problems=(415,),
        )

    async def log_in(self, request: Request) -> Response:
        """Open a session."""
        asked = await read_json(request, LoginRequest, self._services.settings)
        address = client_address(self._access, request.scope)
        verified = await self._access.authenticator.verify_key(asked.key, address)
        principal = self._access.policies.for_key(verified)
        actor = actor_of(self._access, request.scope, principal)
        value = await self._access.logins.log_in(verified, actor)
        response = json_response(self._describe(principal))
        is_https = urlsplit(request.headers.get("origin", "")).scheme == "https"
        response.set_cookie(
            SECURE_COOKIE if is_https else COOKIE,
            value,
            max_age=SESSION_MS // 1000,
            path="/" if is_https else self._path,
            secure=is_https,
            httponly=True,
            samesite="strict",
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session."""
        refuse_form(request)
        principal = principal_of(request)
        actor = actor_of(self._access, request.scope, principal)
        await self._access.logins.log_out(principal, actor)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, self._path, httponly=True, samesite="strict")
        response.delete_cookie(SECURE_COOKIE, "/", secure=True, httponly=True, samesite="strict")
        return response

    async def me(self, request: Request) -> Response:
        """Return who sends the request."""
        return json_response(self._describe(principal_of(request)))

    async def ticket(self, request: Request) -> Response:
        """Issue a ticket."""
        refuse_form(request)
        value = self._access.tickets.issue(principal_of(request))
        subprotocols = (SUBPROTOCOL, TICKET_PREFIX + value)
        expires_at_ms = self._services.clock.unix_ms() + TICKET_MS
        return json_response(TicketView(value, subprotocols, expires_at_ms), 201)

    def _describe(self, principal: Principal) -> MeView:
        key = None
        if principal.credential is not None:
            found = self._access.keyring.find(principal.credential)
            key = None if found is None else found.key
        remaining = self._services.runs.admission.meter.remaining(principal)
        return me_view(principal, self._access.settings.mode, key, remaining)

    @property
    def _path(self) -> str:
        return self._services.settings.base_path or "/"


def _reading(
    path: str, name: str, summary: str, handler: Handler, answers: Mapping[int, Answer]
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        name=name,
        summary=summary,
        tag=_TAG,
        requires="any",
        handler=handler,
        answers=answers,
    )
