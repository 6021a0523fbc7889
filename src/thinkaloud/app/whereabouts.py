"""Where the server answers that uses the data, for terminal commands."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from thinkaloud.app.presence import NOTE_NAME, Note
from thinkaloud.app.storage import database_path
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.server.connections.unix_socket import PREFIX
from thinkaloud.server.http.origins import is_loopback
from thinkaloud.stores.sqlite.lock import owner

_ASKING_SECONDS: Final = 3.0


async def find_server(configuration: Configuration) -> str | None:
    """Return the address of the server that uses the data directory; None where nobody uses it.

    The note is believed only where it names the process that owns the data and an address of
    this machine, and where a server answers there. Raises `ConfigurationError` where the data is
    in use and its user cannot be talked to.
    """
    pid = owner(database_path(configuration))
    if pid is None:
        return None
    note = _read(configuration.data_dir / NOTE_NAME)
    if note is None or note.pid != pid or not _is_here(note.url) or not await _answers(note.url):
        raise ConfigurationError(
            f"Process {pid or 'unknown'} uses the data directory {configuration.data_dir} and"
            " does not answer as a thinkaloud server. If it is a server that is just starting, try"
            " again. If it is a `thinkaloud chat`, leave it first, or start `thinkaloud serve`,"
            " through which any number can go on at once; `thinkaloud chat --temporary` keeps"
            " nothing and needs neither."
        )
    return note.url


def _read(path: Path) -> Note | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "unix":
        return parts.path.startswith("/")
    return parts.scheme == "http" and is_loopback(parts.hostname or "")


def session_for(url: str, timeout: float | None = None) -> aiohttp.ClientSession:
    """Return a session that reaches the server at this address, also over a Unix socket."""
    connector = None
    if url.startswith(PREFIX):
        connector = aiohttp.UnixConnector(url.removeprefix(PREFIX))
    if timeout is None:
        return aiohttp.ClientSession(connector=connector)
    return aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=timeout))


def root_of(url: str) -> str:
    """Return what requests to this address begin with: a Unix socket has no host of its own."""
    return "http://localhost" if url.startswith(PREFIX) else url


async def _answers(url: str) -> bool:
    try:
        async with (
            session_for(url, _ASKING_SECONDS) as session,
            session.get(f"{root_of(url)}/healthz", allow_redirects=False) as response,
        ):
            return response.status == 200 and await response.json() == {"status": "alive"}
    except (TimeoutError, aiohttp.ClientError, ValueError):
        return False
