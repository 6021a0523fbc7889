"""Publishes the address of a running server in the data directory, and finds it from the terminal."""

import ipaddress
import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from thinkaloud.app.storage import database_path
from thinkaloud.config import DEFAULT_OWNER, Configuration
from thinkaloud.errors import ConfigurationError, InvalidRequest
from thinkaloud.server.http.origins import is_loopback
from thinkaloud.stores.sqlite.lock import owner
from thinkaloud.version import __version__

_FILE_NAME: Final = "server.json"


API_KEY: Final = "THINKALOUD_API_KEY"
"""The environment variable with the key that the terminal uses."""


class ServerAddress(msgspec.Struct, frozen=True):
    """Where a server listens, and the key to use. The `repr` doesn't show the key."""

    url: str
    key: str | None = None
    owner: str | None = None
    """Whose conversations to use with the local key; None: those of the key's owner."""

    @override
    def __repr__(self) -> str:
        return f"ServerAddress({self.url!r})"


class _Address(msgspec.Struct, frozen=True):
    """The content of the file."""

    url: str
    pid: int
    version: str
    key: str | None = None
    """The local key, if the server requires one."""

    @override
    def __repr__(self) -> str:
        return f"_Address({self.url!r}, {self.pid!r})"


@contextmanager
def address_file(data_dir: Path, key: str | None = None) -> Generator[Callable[[str], None]]:
    """Yield a function that publishes this process's URL. Leaving the block deletes the file.

    `key` is the local key, which everybody who can read the file may use.

    Use it only while this process holds the lock on the data directory. The file has mode 0600.
    """
    path = data_dir / _FILE_NAME

    def publish(url: str) -> None:
        fresh = path.with_name(f"{_FILE_NAME}.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(_Address(url, os.getpid(), __version__, key)))
        fresh.replace(path)

    try:
        yield publish
    finally:
        path.unlink(missing_ok=True)


async def find_server(configuration: Configuration) -> ServerAddress | None:
    """Return the address of the server that uses the data directory; None if no process uses it.

    The key is `THINKALOUD_API_KEY`, or else the server's local key. Only the local key can use the
    conversations of a chosen owner.

    The file is trusted only if it names the process that holds the lock and a local address, and
    a thinkaloud server answers there. Raises `ConfigurationError` if the data directory is in use
    but no server can be reached, and `InvalidRequest` if the server cannot use the chosen owner.
    """
    pid = owner(database_path(configuration))
    if pid is None:
        return None
    address = _read(configuration.data_dir / _FILE_NAME)
    # Imports aiohttp, which takes longer than most commands and is not needed without a server.
    from thinkaloud.app.server_session import is_alive  # noqa: PLC0415

    if (
        address is None
        or address.pid != pid
        or not _is_local(address.url)
        or not await is_alive(address.url)
    ):
        raise ConfigurationError(
            f"Process {pid or 'unknown'} is using the data directory {configuration.data_dir}, but"
            " no thinkaloud server can be reached. If a server is starting up, try again. If it is"
            " `thinkaloud chat`, quit it, or run `thinkaloud serve` so that several chats can"
            " share the data. `thinkaloud chat --temporary` works without the data directory."
        )
    return _with_key(address, configuration)


def _with_key(address: _Address, configuration: Configuration) -> ServerAddress:
    given = configuration.environment.get(API_KEY)
    if not configuration.owner_is_chosen:
        return ServerAddress(address.url, given or address.key)
    if given:
        raise InvalidRequest(
            f"--owner needs the server's local key, but {API_KEY} is set: unset it, or omit"
            " --owner to use the conversations of its owner.",
            field="owner",
        )
    if address.key is None:
        if configuration.owner != DEFAULT_OWNER:
            raise InvalidRequest(
                "--owner: the running server requires no keys, so everything in it belongs to"
                f" {DEFAULT_OWNER}. Stop it to use the conversations of another owner.",
                field="owner",
            )
        return ServerAddress(address.url)
    return ServerAddress(address.url, address.key, configuration.owner)


def _read(path: Path) -> _Address | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Address)
    except (OSError, msgspec.MsgspecError):
        return None


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme == "unix":
        return parts.path.startswith("/")
    host = parts.hostname or ""
    return parts.scheme == "http" and (is_loopback(host) or _is_own_address(host))


def _is_own_address(host: str) -> bool:
    """Whether an IP address is one of this machine's."""
    try:
        address = ipaddress.ip_address(host)
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6) as probe:
            probe.bind((host, 0))
    except (ValueError, OSError):
        return False
    return not address.is_unspecified
