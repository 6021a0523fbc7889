"""HTTP sessions with a running server, over TCP or a Unix socket."""

from typing import Final

import aiohttp

from thinkaloud.server.connections.unix_socket import PREFIX, http_base

_PROBE_SECONDS: Final = 3.0
_HEALTH_SECONDS: Final = 10.0


def key_header(key: str | None) -> dict[str, str]:
    """Return the header that sends a key."""
    return {} if key is None else {"Authorization": f"Bearer {key}"}


def session_for(url: str, timeout: float | None = None) -> aiohttp.ClientSession:
    """Return an HTTP session for this server URL, which may be a Unix socket.

    `timeout` is the total time per request in seconds; None for aiohttp's default.
    """
    connector = None
    if url.startswith(PREFIX):
        connector = aiohttp.UnixConnector(url.removeprefix(PREFIX))
    if timeout is None:
        return aiohttp.ClientSession(connector=connector)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout))


async def is_alive(url: str) -> bool:
    """Whether a thinkaloud server answers at this URL."""
    try:
        async with (
            session_for(url, _PROBE_SECONDS) as session,
            session.get(f"{http_base(url)}/healthz", allow_redirects=False) as response,
        ):
            return response.status == 200 and await response.json() == {"status": "alive"}
    except (TimeoutError, aiohttp.ClientError, ValueError):
        return False


async def read_health(url: str, key: str | None = None) -> bytes | None:
    """Return the body of a server's `/health`; None if it doesn't answer."""
    address = f"{http_base(url)}/api/v1/health"
    try:
        async with (
            session_for(url, _HEALTH_SECONDS) as session,
            session.get(address, headers=key_header(key), allow_redirects=False) as response,
        ):
            return await response.read() if response.status in {200, 503} else None
    except (TimeoutError, aiohttp.ClientError):
        return None
