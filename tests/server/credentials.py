"""An authenticator for tests: a credential is the name of a principal."""

from typing import Final

from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Principal, Scope

NAMED: Final = b"authorization"


class Named:
    """Knows these principals by the names in `Authorization`."""

    def __init__(self, **principals: Principal) -> None:
        self._principals = principals

    async def authenticate(self, request: IncomingRequest) -> Principal:
        """Return the named principal."""
        for name, value in request.headers:
            if name == NAMED and value.decode() in self._principals:
                return self._principals[value.decode()]
        raise Unauthorized("The request has no valid credential.")


def credential(name: str) -> dict[str, str]:
    """The request header that names a principal."""
    return {NAMED.decode(): name}


def limited_to(*scopes: Scope, owner: str = "ana") -> Principal:
    """A principal with these scopes only."""
    return Principal(owner, role="user", scopes=frozenset(scopes))
