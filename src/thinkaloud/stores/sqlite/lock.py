"""The lock that allows one process per database. Released by the OS when the process dies."""

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from thinkaloud.errors import ConfigurationError


@contextmanager
def owning(database: Path, *, shared: bool = False) -> Generator[None]:
    """Own a database for the duration of a block, with `flock` on `<database>.lock`.

    With `shared`, together with other processes that share it.

    Raises `ConfigurationError`, with the process id, if another process owns it.
    """
    path = database.with_name(f"{database.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, database, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            if not shared:
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)  # releases the lock


def owner(database: Path) -> int | None:
    """Return the id of the process that owns a database: None if none does, 0 if unknown."""
    try:
        descriptor = os.open(database.with_name(f"{database.name}.lock"), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        content = os.pread(descriptor, 32, 0)
        return int(content) if content.isdigit() else 0
    finally:
        os.close(descriptor)
    return None


def _take(descriptor: int, database: Path, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = os.pread(descriptor, 32, 0).decode("ascii", "replace") or "unknown"
        raise ConfigurationError(
            f"Another thinkaloud server (process {pid}), or a `thinkaloud chat`, is using the"
            f" data directory {database.parent}. Stop it, use it instead of starting a second"
            " one, or set THINKALOUD_DATA_DIR to another directory."
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
            raise
        raise ConfigurationError(
            f"The file system of {database.parent} cannot lock files ({error.strerror}), and "
            "without a lock two servers could ruin the data. Set THINKALOUD_DATA_DIR to a "
            "directory on a local disk."
        ) from error
