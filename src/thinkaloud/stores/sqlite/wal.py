"""Switching a database to write-ahead logging while other connections do the same."""

import sqlite3
import time
from typing import Final

_RETRY_SECONDS: Final = 0.01


def use_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch to write-ahead logging, retrying for `busy_timeout` seconds. Blocks.

    SQLite does not wait for a lock here, because two connections that switch at the same time would
    wait for each other (https://www.sqlite.org/c3ref/busy_handler.html). Raises `sqlite3.Error`.
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
