"""Finds the credentials in a request's headers, for all carriers."""

from collections.abc import Sequence
from typing import Final

import msgspec
from typing_extensions import override

from thinkaloud.ports.authentication import IncomingRequest

COOKIE: Final = "thinkaloud_session"
SECURE_COOKIE: Final = f"__Host-{COOKIE}"
"""The name of the cookie if the login's origin is https. It takes precedence."""
SUBPROTOCOL: Final = "thinkaloud"
TICKET_PREFIX: Final = "ticket."

_BEARER: Final = "bearer"


class Credentials(msgspec.Struct, frozen=True):
    """What a request presents, unverified. Its `repr` shows nothing of it."""

    keys: frozenset[str] = frozenset()
    """From `Authorization: Bearer` and `x-api-key`."""
    session: str | None = None
    tickets: frozenset[str] = frozenset()
    """From the subprotocols of a WebSocket."""

    @override
    def __repr__(self) -> str:
        return "Credentials(…)"

    def __bool__(self) -> bool:
        return bool(self.keys or self.tickets) or self.session is not None


def credentials_of(request: IncomingRequest) -> Credentials:
    """Return the credentials of a request. Never reads the query string.

    Other schemes of `Authorization` are ignored: they are meant for a proxy.
    """
    keys: set[str] = set()
    cookies: list[str] = []
    tickets: set[str] = set()
    is_socket = request.scheme in {"ws", "wss"}
    for name, value in request.headers:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").strip().partition(" ")
            if scheme.lower() == _BEARER:
                keys.add(token.strip())
        elif name == b"x-api-key":
            keys.add(value.decode("latin-1").strip())
        elif name == b"cookie":
            cookies.append(value.decode("latin-1"))
        elif is_socket and name == b"sec-websocket-protocol":
            tickets.update(_tickets(value))
    return Credentials(frozenset(keys), _session(cookies), frozenset(tickets))


def offered_subprotocol(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Return the subprotocol to accept a WebSocket with; never the ticket."""
    for name, value in headers:
        if name == b"sec-websocket-protocol" and SUBPROTOCOL in _protocols(value):
            return SUBPROTOCOL
    return None


def _tickets(value: bytes) -> set[str]:
    return {
        each.removeprefix(TICKET_PREFIX)
        for each in _protocols(value)
        if each.startswith(TICKET_PREFIX)
    }


def _protocols(value: bytes) -> list[str]:
    return [each.strip() for each in value.decode("latin-1").split(",")]


def _session(headers: Sequence[str]) -> str | None:
    found: dict[str, str] = {}
    for each in ";".join(headers).split(";"):
        name, _, value = each.strip().partition("=")
        found.setdefault(name, value)
    return found.get(SECURE_COOKIE, found.get(COOKIE))
