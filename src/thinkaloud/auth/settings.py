"""Settings of authentication. `thinkaloud.config` loads and documents them."""

import ipaddress
import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.ports.principal import ReasoningPolicy, Role, UsageLimits

AuthMode = Literal["off", "keys", "proxy"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_RESERVED: Final = frozenset({"authorization", "x-api-key", "cookie", "host", "origin"})
_SHARED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(each)
    for each in ("127.0.0.0/8", "::1/128", "100.64.0.0/10", "169.254.0.0/16", "fe80::/10")
)
"""Ranges whose addresses several users or networks share."""


class OwnerSettings(UsageLimits, frozen=True, forbid_unknown_fields=True):
    """`[auth.owners.NAME]`: limits of one owner, over all keys and sessions."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a negative limit."""
        _check_limits(self)


class RoleSettings(UsageLimits, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[auth.roles.NAME]`: policy and limits of a role, `user` or `admin`; per owner."""

    reasoning: ReasoningPolicy = "allow"
    """The reasoning policy of the role. The strictest policy that applies wins."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for a negative limit."""
        _check_limits(self)


class AuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[auth]`: who can use the server."""

    mode: AuthMode = "off"
    """`off`: no credentials, on loopback only. `keys`: every request needs an API key. `proxy`: a
    reverse proxy names the user; keys work, too."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (CIDR) of reverse proxies. Forwarding headers and `user_header` are
    only read from them."""
    user_header: str = ""
    """The header in which the proxy names the user. Required in mode `proxy`."""
    role_header: str = ""
    """The header in which the proxy names the user's role, `user` or `admin`. Empty: `user`."""
    proxy_secret_env: str = ""
    """The environment variable with a secret that the proxy sends in `proxy_secret_header`.
    Required if `trusted_proxies` has loopback or shared addresses."""
    proxy_secret_header: str = "X-Proxy-Secret"
    """The header in which the proxy sends the secret."""
    audit_days: Annotated[float, Meta(gt=0)] = 90.0
    """How long entries of the audit log are kept."""
    owners: dict[str, OwnerSettings] = {}
    roles: dict[Role, RoleSettings] = {}

    def __post_init__(self) -> None:
        """Raise `ValueError` for settings that are invalid, or not safe together."""
        networks = trusted_networks(self)
        for key in ("user_header", "role_header", "proxy_secret_header"):
            name: str = getattr(self, key)
            if name and (not _HEADER.match(name) or name.lower() in _RESERVED):
                raise ValueError(f"{key}: {name!r} cannot be used as the name of this header")
        if self.mode != "proxy":
            return
        if not self.trusted_proxies or not self.user_header:
            raise ValueError('mode = "proxy" requires trusted_proxies and user_header')
        names = [
            name.lower()
            for name in (self.user_header, self.role_header, self.proxy_secret_header)
            if name
        ]
        if len(set(names)) != len(names):
            raise ValueError("user_header, role_header and proxy_secret_header must differ")
        if not self.proxy_secret_env and any(_is_shared(each) for each in networks):
            raise ValueError(
                "proxy_secret_env is required, because trusted_proxies has loopback or shared"
                " addresses, from which other programs can send user_header, too"
            )


def trusted_networks(settings: AuthSettings) -> tuple[Network, ...]:
    """Return the networks of `trusted_proxies`. Raises `ValueError` for an invalid or open one."""
    found: list[Network] = []
    for text in settings.trusted_proxies:
        try:
            network = ipaddress.ip_network(text.strip())
        except ValueError:
            raise ValueError(
                f"trusted_proxies: {text!r} is not an address or a network such as 10.0.0.0/24"
            ) from None
        if network.prefixlen == 0:
            raise ValueError(f"trusted_proxies: {text!r} trusts every address")
        found.append(network)
    return tuple(found)


def _is_shared(network: Network) -> bool:
    return any(each.version == network.version and each.overlaps(network) for each in _SHARED)


def _check_limits(limits: UsageLimits) -> None:
    for name in UsageLimits.__struct_fields__:
        value = getattr(limits, name)
        if value is not None and value < 0:
            raise ValueError(f"{name} must be 0 or more")
