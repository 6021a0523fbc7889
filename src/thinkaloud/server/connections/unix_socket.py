"""A Unix socket that only its own user can connect to."""

import errno
import os
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from thinkaloud.errors import ConfigurationError

PREFIX: Final = "unix:"
"""Prefix of a socket's path in an address: `unix:/run/user/1000/thinkaloud.sock`."""

_MODE: Final = 0o600
_SETTING: Final = "server.socket"
_PROBE_SECONDS: Final = 2.0


def http_base(url: str) -> str:
    """Return the base URL for requests to a server; a Unix socket has no host name of its own."""
    return "http://localhost" if url.startswith(PREFIX) else url


@contextmanager
def unix_socket(name: str) -> Generator[socket.socket]:
    """Bind a socket file with mode 0600 and remove it when the block exits.

    Replaces a stale socket of a crashed server. Raises `ConfigurationError` if another process
    listens there, if another kind of file exists there, or if other users could replace it.
    """
    path = Path(name).expanduser().absolute()
    _check_folder(path)
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _bind(listener, path)
        ours = path.lstat().st_ino
        try:
            yield listener
        finally:
            with suppress(FileNotFoundError):
                if path.lstat().st_ino == ours:
                    path.unlink()
    finally:
        listener.close()


def _bind(listener: socket.socket, path: Path) -> None:
    # Use umask, not chmod: between bind and chmod, other users could connect.
    before = os.umask(0o777 & ~_MODE)
    try:
        listener.bind(str(path))
    except OSError as error:
        # The error for a path that is too long has no `strerror`.
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{_SETTING}: cannot listen at {path}: {reason}.") from None
    finally:
        os.umask(before)


def _check_folder(path: Path) -> None:
    try:
        folder = path.parent.stat()
    except OSError as error:
        raise ConfigurationError(
            f"{_SETTING}: cannot use the folder {path.parent}: {error.strerror}."
        ) from None
    others_write = folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if others_write and not folder.st_mode & stat.S_ISVTX:
        raise ConfigurationError(
            f"{_SETTING}: other users can write to {path.parent} and could replace the socket."
            " Choose a folder that only you can write to, such as "
            "$XDG_RUNTIME_DIR."
        )


def _clear(path: Path) -> None:
    """Remove the stale socket of a crashed server."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError(f"{_SETTING}: {path}: {error.strerror}.") from None
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigurationError(
            f"{_SETTING}: {path} already exists and is not your socket. Move it, or choose"
            " another path."
        )
    if _is_listened_to(path):
        raise ConfigurationError(
            f"{_SETTING}: another process is listening at {path}. Stop it, or choose another path."
        )
    path.unlink(missing_ok=True)


def _is_listened_to(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(str(path))
        except OSError as error:
            return error.errno not in {errno.ECONNREFUSED, errno.ENOENT}
    return True
