"""What a trusted reverse proxy says about a request: the client's address, and the user."""

import ipaddress
from collections.abc import Mapping, Sequence
from hmac import compare_digest
from typing import Final

import msgspec

from thinkaloud.auth.names import is_owner_name
from thinkaloud.auth.settings import AuthSettings, trusted_networks
from thinkaloud.errors import Unauthorized
from thinkaloud.ports.authentication import IncomingRequest
from thinkaloud.ports.principal import Role

_ROLES: Final[Mapping[bytes, Role]] = {b"user": "user", b"admin": "admin"}
_FORWARDED_FOR: Final = b"x-forwarded-for"


class ProxyUser(msgspec.Struct, frozen=True):
    """A user that a proxy has authenticated."""

    owner: str
    role: Role


class TrustedProxies:
    """Reads the headers of trusted proxies; those of other peers are ignored."""

    def __init__(self, settings: AuthSettings, secret: str | None) -> None:
        self._networks = trusted_networks(settings)
        self._secret = None if secret is None else secret.encode()
        self._secret_header = settings.proxy_secret_header.lower().encode()
        is_proxy = settings.mode == "proxy"
        self._user_header = settings.user_header.lower().encode() if is_proxy else b""
        self._role_header = settings.role_header.lower().encode()

    def address_of(self, request: IncomingRequest) -> str | None:
        """Return the client's address: the peer's, or behind trusted proxies that of the client."""
        if not self._is_trusted(request):
            return request.address
        forwarded = b",".join(_values(request, _FORWARDED_FOR)).decode("latin-1").split(",")
        for address in reversed([each.strip() for each in forwarded]):
            if not _is_address(address):
                break
            if not self._covers(address):
                return address
        return request.address

    def user_of(self, request: IncomingRequest) -> ProxyUser | None:
        """Return the user whom a trusted proxy names; None if there is no such header.

        Raises `Unauthorized` if the headers are invalid.
        """
        if not self._user_header or not self._is_trusted(request):
            return None
        names = _values(request, self._user_header)
        if not names:
            return None
        roles = _values(request, self._role_header)
        owner = names[0].decode("latin-1").strip()
        role: Role | None = _ROLES.get(roles[0].strip()) if roles else "user"
        # Between a proxy and this server, repeated headers may have been joined with commas.
        is_one = len(names) == 1 and len(roles) < 2 and "," not in owner
        if not is_one or not is_owner_name(owner) or role is None:
            raise Unauthorized("The proxy's headers don't name one user with a known role.")
        return ProxyUser(owner, role)

    def _is_trusted(self, request: IncomingRequest) -> bool:
        if request.address is None or not self._covers(request.address):
            return False
        if self._secret is None:
            return True
        given = _values(request, self._secret_header)
        return len(given) == 1 and compare_digest(given[0], self._secret)

    def _covers(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def _values(request: IncomingRequest, wanted: bytes) -> Sequence[bytes]:
    return [value for name, value in request.headers if name == wanted]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
