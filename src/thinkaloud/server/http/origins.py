"""Checks of `Host` and `Origin` against the allowed names and origins. Pure."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?\Z")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


@lru_cache(maxsize=64)
def is_loopback(name: str) -> bool:
    """Whether a name or address, without a port, is a loopback one."""
    name = name.lower()
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None
    return address.is_loopback and not mapped


def host_name(header: str) -> str | None:
    """Return the name of a `Host` header in lower case, without its port; None if invalid."""
    found = _HOST.match(header)
    if found is None:
        return None
    name, port = found.group(1).lower(), found.group(2)
    return None if port is not None and not 0 < int(port) < 65536 else name


def host_allowed(header: str, extra: Iterable[str], *, any_address: bool = False) -> bool:
    """Whether this `Host` is allowed: a loopback name, or one of `extra`.

    With `any_address`, so is every IP address: DNS rebinding needs a name.
    """
    name = host_name(header)
    if name is None:
        return False
    bracketed = name.startswith("[")
    if bracketed or ":" not in name:
        return (
            is_loopback(name)
            or name in {each.lower() for each in extra}
            or (any_address and _is_address(name))
        )
    return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def origin_allowed(origin: str, host: str, scheme: str, extra: Iterable[str]) -> bool:
    """Whether this `Origin` is allowed: the server's own, or one of `extra`."""
    asked = _normalized(origin)
    if asked is None:
        return False
    own = _normalized(f"{scheme}://{host}")
    return asked == own or origin_listed(origin, extra)


def origin_listed(origin: str, listed: Iterable[str]) -> bool:
    """Whether this `Origin` is one of a list."""
    asked = _normalized(origin)
    if asked is None:
        return False
    return asked in {_normalized(each.strip().rstrip("/")) for each in listed}


def _normalized(origin: str) -> tuple[str, str, str] | None:
    scheme, separator, host = origin.lower().partition("://")
    found = _HOST.match(host)
    if not separator or found is None or scheme not in _DEFAULT_PORTS:
        return None
    return scheme, found.group(1), found.group(2) or _DEFAULT_PORTS[scheme]
