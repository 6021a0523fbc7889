"""Explains SQLite errors and how to fix them."""

import shutil
import sqlite3
from pathlib import Path
from typing import Final

from thinkaloud.errors import StoreError

_MEANINGS: Final = {
    sqlite3.SQLITE_FULL: "No space left for {path}. Free some disk space; if its size is limited,"
    " delete conversations or raise the limit.",
    sqlite3.SQLITE_BUSY: "Another program has locked {path}. Close that program.",
    sqlite3.SQLITE_LOCKED: "Another program has locked {path}. Close that program.",
    sqlite3.SQLITE_READONLY: "{path} cannot be written. Check its owner and permissions, and"
    " whether its disk is mounted read-only.",
    sqlite3.SQLITE_PERM: "No permission to open {path}. Check its owner and permissions.",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened. Check that it is a file, that its folder"
    " exists, and who owns it.",
    sqlite3.SQLITE_NOTADB: "{path} is not a database, or is badly damaged. Replace it with a"
    " backup, or move it to start fresh.",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged. Replace it with a backup, or move it to start"
    " fresh; `sqlite3 {path} .recover` may save what is left.",
    sqlite3.SQLITE_IOERR: "{path} could not be read or written: disk or connection error.",
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
