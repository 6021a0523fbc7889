"""HTTP GET through the URL guard, with limits on redirects, bytes and time."""

import asyncio
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.tools.url_guard import UNREACHABLE, UrlGuard
from thinkaloud.version import __version__

MAX_REDIRECTS: Final = 5
"""Maximum number of redirects to follow."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 64 * 1024


class Fetched(msgspec.Struct, frozen=True):
    """The response of a server."""

    url: str
    """The final URL, after all redirects."""
    status: int
    content_type: str
    """In lower case, without parameters; empty if the server sent none."""
    charset: str | None
    body: bytes
    complete: bool
    """False if the body was truncated at the limit."""


async def get(
    guard: UrlGuard, url: str, *, accept: str = "*/*", max_bytes: int, seconds: float
) -> Fetched:
    """Fetch a URL; the guard checks every hop.

    Uses no proxies, cookies or credentials of this machine, and no compression, so `max_bytes`
    limits the bytes transferred. `seconds` limits the whole operation. Raises
    `thinkaloud.errors.InvalidRequest` for an invalid URL, too many redirects and a compressed
    body; `thinkaloud.errors.NotFound` if the host cannot be reached, for whatever reason, or does
    not answer in time.
    """
    target = guard.check(url)
    try:
        async with asyncio.timeout(seconds):
            for _ in range(MAX_REDIRECTS + 1):
                got = await _fetch_once(guard, target, accept, max_bytes)
                if isinstance(got, Fetched):
                    return got
                target = guard.check(got, base=target)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NotFound(UNREACHABLE) from error
    raise InvalidRequest(f"The URL redirects more than {MAX_REDIRECTS} times.", field="url")


async def _fetch_once(guard: UrlGuard, url: URL, accept: str, max_bytes: int) -> Fetched | str:
    """Return the response or the redirect target. Uses a new session, so cookies are not kept."""
    headers = {
        "Accept": accept,
        "Accept-Encoding": "identity",
        "User-Agent": f"thinkaloud/{__version__}",
    }
    async with (
        aiohttp.ClientSession(
            connector=guard.connector(url),
            auto_decompress=False,
            trust_env=False,
        ) as session,
        session.get(url, headers=headers, allow_redirects=False) as response,
    ):
        location = response.headers.get("Location")
        if response.status in _REDIRECTS and location is not None:
            return location
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise InvalidRequest("The server sends only compressed content.", field="url")
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > max_bytes:
                break
        named = "Content-Type" in response.headers
        return Fetched(
            url=str(url),
            status=response.status,
            content_type=response.content_type.lower() if named else "",
            charset=response.charset,
            body=bytes(body[:max_bytes]),
            complete=len(body) <= max_bytes,
        )
