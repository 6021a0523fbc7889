"""The port for authentication: who sent a request."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from typing_extensions import override

from thinkaloud.ports.principal import Principal


class IncomingRequest(msgspec.Struct, frozen=True):
    """A request, or the upgrade of a WebSocket, before anything has read it.

    Its `repr` has no headers, because they contain credentials.
    """

    headers: Sequence[tuple[bytes, bytes]]
    """In the order received. The names are in lower case."""
    method: str
    """`GET` for the upgrade of a WebSocket."""
    path: str
    """Without the base path."""
    scheme: str
    """`http`, `https`, `ws` or `wss`, of the connection."""
    address: str | None
    """The IP address of the connection's other end; None on a Unix socket."""

    @override
    def __repr__(self) -> str:
        return f"IncomingRequest({self.method!r}, {self.path!r})"


class Authenticator(Protocol):
    """Decides for every request, of all carriers of credentials, which principal sent it."""

    async def authenticate(self, request: IncomingRequest) -> Principal:
        """Return the principal of a request.

        Raises `Unauthorized` without a valid credential, `BadRequest` with contradictory ones,
        `Forbidden` if its origin must not use this one, and `RateLimited` after too many wrong
        ones. The guard calls it once for each request, after it has checked `Host` and `Origin`.
        Routes that need no credential ignore the error.
        """
        ...

    def renew(self, principal: Principal) -> Principal:
        """Return a principal with its current restrictions, before it starts a run on a socket.

        Raises `Unauthorized` if its credential has been revoked or has expired.
        """
        ...


class SinglePrincipal:
    """Authenticates every request as the same principal: mode `off`."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    async def authenticate(self, request: IncomingRequest) -> Principal:
        """Return the principal, whatever the request says."""
        return self._principal

    def renew(self, principal: Principal) -> Principal:
        """Return it unchanged: it never ends."""
        return principal
