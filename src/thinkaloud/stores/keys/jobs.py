"""Runs jobs on the connection of a key store."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from thinkaloud.errors import StoreError
from thinkaloud.stores.sqlite.writer import Failure, Writer

T = TypeVar("T")


async def read(writer: Writer, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run a job without a transaction, so that it never waits for another process."""
    try:
        return await writer.maintain(work)
    except Failure as error:
        raise _unusable(error) from error


async def write(writer: Writer, work: Callable[[sqlite3.Connection], T]) -> T:
    """Run a job in a transaction."""
    try:
        return await writer.write(work)
    except Failure as error:
        raise _unusable(error) from error


def _unusable(error: Exception) -> StoreError:
    return StoreError(f"The API keys cannot be used: {error}.")
