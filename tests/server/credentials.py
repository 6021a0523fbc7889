"""An authenticator for tests: a credential is the name of a principal."""

import asyncio
from typing import Final

from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Principal, Scope

NAMED: Final = b"authorization"


class Named:
    """Knows these principals by the names in `Authorization`."""

    def __init__(self, **principals: Principal) -> None:
        self._principals = principals
        self.asked = asyncio.Event()
        """Set once a request was authenticated."""

    async def authenticate(self, request: IncomingRequest) -> Principal:
        """Return the named principal."""
        for name, value in request.headers:
            if name == NAMED and value.decode() in self._principals:
                self.asked.set()
                return self._principals[value.decode()]
        raise Unauthorized("The request has no valid credential.")

    def renew(self, principal: Principal) -> Principal:
        """Return the principal as it is now."""
        if principal in self._principals.values():
            return principal
        for each in self._principals.values():
            # Principals of tests may have no credential.
            if (each.owner, each.credential) == (principal.owner, principal.credential):
                return each
        raise Unauthorized("The request has no valid credential.")

    def change(self, name: str, principal: Principal | None) -> None:
        """Change what a credential permits, or revoke it."""
        del self._principals[name]
        if principal is not None:
            self._principals[name] = principal


def credential(name: str) -> dict[str, str]:
    """The request header that names a principal."""
    return {NAMED.decode(): name}


def limited_to(*scopes: Scope, owner: str = "ana") -> Principal:
    """A principal with these scopes only."""
    return Principal(owner, role="user", scopes=frozenset(scopes))
