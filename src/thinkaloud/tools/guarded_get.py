"""GET over the URL guard: redirects by hand, bounded in hops, bytes and time."""

import asyncio
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from thinkaloud.errors import InvalidRequest, NotFound
from thinkaloud.tools.url_guard import UNREACHABLE, UrlGuard
from thinkaloud.version import __version__

MAX_REDIRECTS: Final = 5
"""Redirects that are followed; the next one is an error."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CHUNK: Final = 64 * 1024


class Fetched(msgspec.Struct, frozen=True):
    """What a server gave."""

    url: str
    """Where it came from, after all redirects."""
    status: int
    content_type: str
    """In lower case and without parameters; empty where the server named none."""
    charset: str | None
    body: bytes
    complete: bool
    """False where the body was longer than the limit and was cut there."""


async def get(
    guard: UrlGuard, url: str, *, accept: str = "*/*", max_bytes: int, seconds: float
) -> Fetched:
    """Fetch a URL; the guard checks every hop.

    No proxy, cookie or credential of this machine is used, and no compression, so `max_bytes`
    is what travels. `seconds` bounds everything together. Raises
    `thinkaloud.errors.InvalidRequest` for a URL of a wrong form, too many redirects and a body
    that was compressed all the same; `thinkaloud.errors.NotFound` for a host that cannot be
    had, for whatever reason, or that did not answer in time.
    """
    target = guard.check(url)
    try:
        async with asyncio.timeout(seconds):
            for _ in range(MAX_REDIRECTS + 1):
                got = await _hop(guard, target, accept, max_bytes)
                if isinstance(got, Fetched):
                    return got
                target = guard.check(got, base=target)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NotFound(UNREACHABLE) from error
    raise InvalidRequest(f"The URL redirects more than {MAX_REDIRECTS} times.", field="url")


async def _hop(guard: UrlGuard, url: URL, accept: str, max_bytes: int) -> Fetched | str:
    """Return the response, or where it redirects to. A session of its own: no cookie goes on."""
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
