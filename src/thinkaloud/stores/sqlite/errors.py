"""Explains SQLite errors and how to fix them."""

import shutil
import sqlite3
from pathlib import Path
from typing import Final

from thinkaloud.errors import StoreError

_MEANINGS: Final = {
    sqlite3.SQLITE_FULL: "There is no room left for {path}. Free some space on its disk; where its "
    "own size is limited, delete conversations or raise the limit.",
    sqlite3.SQLITE_BUSY: "Another program holds {path}. Close whatever has it open.",
    sqlite3.SQLITE_LOCKED: "Another program holds {path}. Close whatever has it open.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written. Check who owns it and its permissions, "
    "and whether its disk is mounted read-only.",
    sqlite3.SQLITE_PERM: "{path} may not be opened. Check who owns it and its permissions.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened. Check that it is a file, who owns it, and "
    "that its folder is there.",
    sqlite3.SQLITE_NOTADB: "{path} is no database, or is damaged from its first page on. Put a "
    "backup in its place, or move it away to start fresh.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged. Put a backup in its place, or move it away to "
    "start fresh; `sqlite3 {path} .recover` may save what is left.",
    sqlite3.SQLITE_IOERR: "{path} could not be read or written: its disk, or the connection to "
    "it, reports a fault.",
}
_PRIMARY: Final = 0xFF
_NO_ROOM: Final = 65_536


def explained(error: Exception, path: Path) -> StoreError:
    """Return a database error as a `StoreError` with a message for the operator."""
    code = primary_code(error)
    # On a full disk, creating SQLite's shared memory fails with an I/O error.
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL
    meaning = _MEANINGS.get(code, "{path} could not be used.")
    return StoreError(f"{meaning.format(path=path)} ({error})")


def primary_code(error: BaseException | None) -> int:
    """Return SQLite's primary result code, or 0 if the error is not from SQLite."""
    if not isinstance(error, sqlite3.Error):
        return 0
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _NO_ROOM
    except OSError:
        return False
