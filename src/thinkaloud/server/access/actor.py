"""Who does something, for the audit log."""

from starlette.types import Scope

from thinkaloud.auth.access import Access
from thinkaloud.auth.audit import Actor
from thinkaloud.ports.principal import Principal
from thinkaloud.server.http.guard import incoming
from thinkaloud.server.http.operation import request_id_of


def client_address(access: Access, scope: Scope) -> str | None:
    """Return the client's address, as trusted proxies give it; None on a Unix socket."""
    return access.authenticator.address_of(incoming(scope))


def count_forbidden(access: Access, scope: Scope) -> None:
    """Count a refused request for the audit log."""
    found = scope["state"].get("principal")
    principal = found if isinstance(found, Principal) else None
    access.count_forbidden(principal, client_address(access, scope))


def actor_of(access: Access, scope: Scope, principal: Principal) -> Actor:
    """Return who sends a request, and from where."""
    return Actor(principal.owner, client_address(access, scope), request_id_of(scope))
