"""Opens a database file that several processes use at the same time, and may create together."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from thinkaloud.errors import ConfigurationError
from thinkaloud.stores.sqlite.schema import Migration, migrate

_RETRY_SECONDS: Final = 0.01


def open_shared_file(
    path: Path,
    migrations: Sequence[Migration],
    *,
    synchronous: Literal["FULL", "NORMAL"] = "FULL",
    busy_timeout: float,
) -> sqlite3.Connection:
    """Open a database in autocommit mode, creating it with mode 0600 if needed. Blocks.

    It is migrated to the latest version. Raises `ConfigurationError` if it cannot be used, or a
    newer thinkaloud wrote it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(
            path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
        )
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}.") from error
    try:
        _use_wal(connection, busy_timeout)
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        migrate(connection, path, migrations)
    except sqlite3.Error as error:
        connection.close()
        raise ConfigurationError(f"{path} cannot be used: {error}.") from error
    except ConfigurationError:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch to write-ahead logging.

    SQLite does not wait for a lock here, because two connections that switch at the same time would
    wait for each other (https://www.sqlite.org/c3ref/busy_handler.html).
    """
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return
