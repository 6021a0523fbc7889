"""Checks whether a server could use a database, without opening it for writing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from thinkaloud.errors import ConfigurationError
from thinkaloud.stores.sqlite.errors import explained
from thinkaloud.stores.sqlite.schema import refuse_others


def obstacle(path: Path) -> str | None:
    """Return what is wrong with the database at `path` and how to fix it; None if nothing is found.

    If the file does not exist, checks that it can be created. Does not check pages for damage.
    Blocks.
    """
    folder = next(each for each in path.parents if _may(each, os.F_OK))
    forbidden = next((each for each in (folder, path) if not _usable(each)), None)
    if forbidden is not None:
        return (
            f"{forbidden} cannot be written: check its owner and permissions, or set "
            "THINKALOUD_DATA_DIR to another directory."
        )
    if not _may(path, os.F_OK):
        return None
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            refuse_others(connection, path)
    except ConfigurationError as error:
        return error.message
    except sqlite3.Error as error:
        return explained(error, path).message
    return None


def _usable(path: Path) -> bool:
    return not _may(path, os.F_OK) or _may(path, os.R_OK | os.W_OK | (os.X_OK * path.is_dir()))


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)
