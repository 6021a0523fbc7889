"""The guard for every URL named by a model, a caller or a web page.

A URL is parsed once, by yarl, and aiohttp connects to that parsed URL. The host must be a public
address or a name that resolves only to public addresses. Addresses are checked by the resolver and
the socket of the same connection, so a second DNS answer cannot bypass the check (DNS rebinding).
Errors never reveal which address was refused or why: a refused address, one that does not exist
and one that does not answer give the same error.

Sources: RFC 6890 and the IANA registries of special-purpose addresses (through `ipaddress`),
RFC 6052 (NAT64), RFC 3056 (6to4), WHATWG URL 3.5 ("ends in a number").
"""

import asyncio
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from thinkaloud.errors import InvalidRequest, NotFound

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host name and port. Raises `OSError` if there are none."""

MAX_URL: Final = 4096
"""Maximum length of a URL, in characters."""
UNREACHABLE: Final = (
    "The URL could not be reached: its host does not exist, does not respond or is not public."
)
"""The same message for every host that cannot be reached."""

_AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]

_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMERIC_END: Final = re.compile(r"(?:.*\.)?(\d+|0x[0-9a-f]*)\.?")
_INNER_NAMES: Final = ("localhost", "local", "internal", "home.arpa")
_PUBLIC_6: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Not rejected by `is_global` in every supported Python: IETF assignments (RFC 6890), 6to4
# relays (RFC 7526), a cloud's host agent on a public address, documentation (RFC 9637).
_CLOSED: Final = tuple(
    ipaddress.ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")
)


def is_public(address: str) -> bool:
    """Whether an IP address, and any address embedded in it, is public.

    IPv4-mapped, 6to4 and NAT64 addresses embed another address. Teredo addresses are never public,
    nor is text that is not a canonical address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        wrapped = _embedded_ipv4(parsed)
        if wrapped is not None:
            return is_public(str(wrapped))
        if parsed.scope_id is not None or parsed not in _PUBLIC_6:
            return False
    return (
        parsed.is_global
        and not parsed.is_multicast
        and not parsed.is_reserved
        and not any(parsed in network for network in _CLOSED)
    )


def _embedded_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """Resolve a host name with the system resolver, in a thread."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in answers]


class UrlGuard:
    """Decides which URLs may be fetched, and creates connectors that enforce it."""

    def __init__(
        self,
        *,
        allow_private: frozenset[str] = frozenset(),
        https_only: bool = False,
        lookup: Lookup = system_lookup,
    ) -> None:
        """Create a guard with the operator's settings.

        `allow_private` lists hosts that may be reached at any address, each as `host:port` as in
        the URL (`127.0.0.1:8080`, `[::1]:80`, `wiki.lan:443`).
        """
        self._allow_private = frozenset(each.lower() for each in allow_private)
        self._schemes = ("https",) if https_only else ("http", "https")
        self._lookup = lookup

    def check(self, text: str, base: URL | None = None) -> URL:
        """Return the URL without its fragment if it may be fetched.

        A relative URL is resolved against `base`. The addresses of a host name are not checked
        here but by `connector`. Raises `thinkaloud.errors.InvalidRequest` for an invalid URL and
        `thinkaloud.errors.NotFound` for a host that is not public.
        """
        url = _parsed(text, base)
        if url.scheme not in self._schemes:
            raise _invalid(f"Only {' and '.join(self._schemes)} URLs can be fetched.")
        host = url.raw_host
        if not host or not url.port:
            raise _invalid("The URL has no host, or no port that can be used.")
        if url.raw_user is not None or url.raw_password is not None:
            raise _invalid("The URL must not carry a user name or password.")
        if not self._allows(url) and not _may_be_public(host):
            raise NotFound(UNREACHABLE)
        return url.with_fragment(None)

    def connector(self, url: URL) -> aiohttp.TCPConnector:
        """Return a connector for this checked URL's host that allows only public addresses.

        A refused address raises aiohttp's error for a failed connection. The connector must be
        created on a running event loop and closed with its session.
        """
        free = self._allows(url)
        return aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._lookup, free=free),
            socket_factory=_any_socket if free else _public_socket,
            use_dns_cache=False,
            force_close=True,
        )

    def _allows(self, url: URL) -> bool:
        host = url.raw_host or ""
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{url.port}" in self._allow_private


class _CheckedResolver(AbstractResolver):
    """Returns checked addresses to aiohttp. Fails if any address of the host is not public."""

    def __init__(self, lookup: Lookup, *, free: bool) -> None:
        self._lookup = lookup
        self._free = free

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not addresses or not (self._free or all(is_public(each) for each in addresses)):
            raise OSError(UNREACHABLE)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in dict.fromkeys(addresses)
        ]

    @override
    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _any_socket(info: _AddrInfo) -> socket.socket:
    family, kind, protocol, *_ = info
    return socket.socket(family, kind, protocol)


def _public_socket(info: _AddrInfo) -> socket.socket:
    # The final check: connect only to public addresses, wherever the address came from.
    if not is_public(str(info[4][0])):
        raise OSError(UNREACHABLE)
    return _any_socket(info)


def _invalid(message: str) -> InvalidRequest:
    return InvalidRequest(message, field="url")


def _parsed(text: str, base: URL | None) -> URL:
    if len(text) > MAX_URL:
        raise _invalid(f"The URL is longer than {MAX_URL} characters.")
    if "\\" in text or any(unicodedata.category(each)[0] in "CZ" for each in text):
        raise _invalid("The URL has a backslash, a space or a control character in it.")
    try:
        return URL(text) if base is None else base.join(URL(text))
    except ValueError as error:
        raise _invalid("This is not a URL such as https://example.org/page.") from error


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name that may resolve to one."""
    if ":" in host:
        return is_public(host)
    if not _NAME.fullmatch(host) or len(host) > 253:
        return False
    if _NUMERIC_END.fullmatch(host):
        # Decimal, octal, hexadecimal and short forms are not canonical addresses.
        return is_public(host)
    name = host.rstrip(".")
    return not any(name == inner or name.endswith(f".{inner}") for inner in _INNER_NAMES)
