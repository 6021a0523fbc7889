"""HTTP connections to hosts, using aiohttp.

Imported on the first call (`thinkaloud.providers.client.Sessions`), because importing aiohttp
would dominate the startup time.
"""

import asyncio
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from thinkaloud.version import __version__

ERRORS: Final = (aiohttp.ClientError, OSError, asyncio.IncompleteReadError)
"""Exceptions of a call, or of reading a body, if the address, connection or framing fails."""

_CONNECT_SECONDS: Final = 15.0
_MAX_HEADER: Final = 64 * 1024


def is_local_url(url: str) -> bool:
    """Whether an address is on this machine, which a proxy cannot reach."""
    host = urlsplit(url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def new_session(*, proxies: bool) -> aiohttp.ClientSession:
    """Return a connection pool for this event loop. The caller must close it.

    `proxies`: whether to use the proxies configured in the environment.
    """
    return aiohttp.ClientSession(
        # Only connecting times out here; the runtime handles the timeout of a silent model.
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
    """Send a POST request and return the response, with only its headers read."""
    return await session.post(_as_signed(url), data=body, headers=headers, allow_redirects=False)


async def get(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], seconds: float
) -> aiohttp.ClientResponse:
    """Send a GET request and return the response. `seconds` limits the call, including the body."""
    return await session.get(
        _as_signed(url),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=seconds),
        allow_redirects=False,
    )


def _as_signed(url: str) -> URL:
    """Return the URL without re-encoding it, because a signature covers the path's escaping."""
    try:
        return URL(url, encoded=True)
    except ValueError:
        # Omit the URL, which may contain a password.
        raise aiohttp.InvalidURL("base_url") from None
