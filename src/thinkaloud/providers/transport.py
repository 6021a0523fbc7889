"""The connections to hosts, on aiohttp.

Loaded with the first call (`thinkaloud.providers.client.Sessions`): aiohttp is most of what a
start would cost.
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from thinkaloud.version import __version__

ERRORS: Final = (aiohttp.ClientError, OSError, asyncio.IncompleteReadError)
"""What a call or a body may raise where the address, the connection or the framing fails."""

_CONNECT_SECONDS: Final = 15.0
_MAX_HEADER: Final = 64 * 1024


def is_here(url: str) -> bool:
    """Whether an address is on this machine, where no proxy can reach it."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def new_session(*, proxies: bool) -> aiohttp.ClientSession:
    """Return a pool of connections for this event loop. Close it in the end.

    `proxies`: through those that the environment names.
    """
    return aiohttp.ClientSession(
        # The runtime times a silent model; here only the connection itself is timed.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
        headers={"User-Agent": f"thinkaloud/{__version__}", "Accept-Encoding": "identity"},
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        trust_env=proxies,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """Send a body and return the response, of which only the head was read."""
    return await session.post(_as_signed(url), data=body, headers=headers, allow_redirects=False)


async def get(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], seconds: float
) -> aiohttp.ClientResponse:
    """Ask, and return the response. `seconds` bounds it all, the body too."""
    return await session.get(
        _as_signed(url),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=seconds),
        allow_redirects=False,
    )


def _as_signed(url: str) -> URL:
    """Return the address as it stands: a signature covers how its path is escaped."""
    try:
        return URL(url, encoded=True)
    except ValueError:
        # Without the address, which may hold a password.
        raise aiohttp.InvalidURL("base_url") from None
