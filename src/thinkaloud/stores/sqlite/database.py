"""The database file: opening, locking, reading, writing, backup and closing."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

import msgspec

from thinkaloud.errors import ConfigurationError, Fenced, StoreError, UnreadableLog
from thinkaloud.stores.local_hints import LocalHints
from thinkaloud.stores.sqlite.backup import (
    Added,
    add,
    connect,
    copy_database,
    discard,
    make_private,
    readable,
    scratch_of,
)
from thinkaloud.stores.sqlite.errors import explained, primary_code
from thinkaloud.stores.sqlite.lock import owning
from thinkaloud.stores.sqlite.readers import Readers
from thinkaloud.stores.sqlite.schema import migrate, refuse_others
from thinkaloud.stores.sqlite.sql import search
from thinkaloud.stores.sqlite.writer import Failure, Writer

Durability = Literal["full", "relaxed"]
"""`full`: commits survive a power failure. `relaxed`: commits survive a process crash, but a power
failure may lose the last seconds. Neither mode can corrupt the rest of the file."""

T = TypeVar("T")
_READERS: Final = 3
_WAL_BYTES: Final = 64 * 1024 * 1024
_SPARE_PAGES: Final = 1024
_PATIENCE_MS: Final = 100
_TRIAL_BYTES: Final = 16_384
_OPERATORS: Final = frozenset(
    {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN}
)
_log = logging.getLogger(__name__)


class Opening(msgspec.Struct, frozen=True):
    """Options for opening a database."""

    durability: Durability = "full"
    busy_timeout: float = 5.0
    """Seconds to wait if another program has locked the file."""
    max_bytes: int | None = None
    """Maximum size of the file. Writes that would exceed it raise `StoreError`."""
    shared: bool = False
    """Whether other processes that share the file may open it at the same time."""


class Database:
    """An open database, owned by this process, unless it is shared."""

    def __init__(
        self, path: Path, writer: Writer, readers: Readers, *, is_shared: bool = False
    ) -> None:
        self.path = path
        self.is_shared = is_shared
        """Whether other runtimes may use it at the same time."""
        self._hints = LocalHints()
        self._writer = writer
        self._readers = readers
        self._scrubbing = asyncio.Lock()
        self._deletions = 0
        self._scrubbed = 0
        self._refused = False
        self._damaged = False

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, opening: Opening | None = None) -> AsyncGenerator[Self]:
        """Open the database at `path` for the duration of a block, creating it if needed.

        The file gets mode 0600, a new folder 0700. Raises `ConfigurationError` if another process
        owns the database, if a newer thinkaloud or another program wrote it, or if the path cannot
        be used; `StoreError` if it is damaged or locked, or if the disk is full.
        On exit, finishes pending writes and checkpoints the write-ahead log.
        """
        writer, readers, resources = await _opened(path, opening or Opening())
        try:
            yield cls(path, writer, readers, is_shared=opening is not None and opening.shared)
        finally:
            await asyncio.to_thread(resources.close)

    @property
    def commits(self) -> int:
        """Number of transactions committed since the database was opened."""
        return self._writer.commits

    async def backup(self, to: Path) -> None:
        """Copy the database to a new file, even while it is in use.

        The copy is atomic, has mode 0600 and needs no other files.
        Raises `Conflict` if the file exists, `StoreError` if it cannot be written.
        """
        await asyncio.to_thread(copy_database, self.path, to)

    async def add_backup(self, backup: Path, *, owner: str | None = None) -> Added:
        """Add the conversations of a backup that do not exist yet. Existing ones are not changed.

        With an `owner`, adds only that owner's. Adds all readable conversations or, on error, none.
        Raises `InvalidRequest` if the file is not a backup, `ConfigurationError` if a newer
        thinkaloud created it, and `StoreError`.
        """
        scratch = scratch_of(self.path)
        with ExitStack() as resources:
            copy = await asyncio.to_thread(
                resources.enter_context, readable(backup, scratch, owner)
            )
            return await self._write(partial(add, copy=copy))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job in a transaction and return after the commit. Raises `StoreError`."""
        try:
            result = await self._writer.write(work)
        except Fenced:
            raise
        except Failure as error:
            self._refused = True
            raise self._fault(error) from error
        self._refused = False
        return result

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a read job. Raises `StoreError`."""
        try:
            return await self._readers.read(work)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UnreadableLog(
                f"{self.path} holds an event that cannot be read: {error}"
            ) from error
        except Failure as error:
            raise self._fault(error) from error

    async def _maintain(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job with the writer's connection, outside of a transaction. Raises `StoreError`."""
        try:
            return await self._writer.maintain(work)
        except Failure as error:
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> StoreError:
        fault = explained(error, self.path)
        # Log once: callers get the error, but the operator would not see it.
        if primary_code(error) == sqlite3.SQLITE_CORRUPT and not self._damaged:
            self._damaged = True
            _log.error("%s", fault.message)
        return fault

    async def check_writing(self) -> None:
        """Raise `StoreError` if writing fails. Tries only if the last write failed."""
        if self._refused:
            await self._write(_try_writing)

    async def scrub(self) -> None:
        """Remove the remaining traces of deleted data: index words, free pages, the WAL.

        On return, no file of the database contains the deleted text. If an earlier reader, such as
        a backup, is still active, it is gone about a second after that reader ends. The deletion
        itself is committed, so errors are only logged; the next deletion or start tries again.
        """
        self._deletions += 1
        mine = self._deletions
        async with self._scrubbing:
            if self._scrubbed >= mine:
                return
            through = self._deletions
            try:
                more = await self._write(partial(search.scrub, first=True))
                while more:
                    more = await self._write(partial(search.scrub, first=False))
                while await self._writer.maintain(_shrink):
                    continue
                await self._writer.insist(_empty_log)
            except (StoreError, *Failure):
                _log.exception(
                    "could not scrub deleted conversations from the disk; retrying at"
                    " the next start"
                )
                return
            self._scrubbed = through


async def _opened(path: Path, opening: Opening) -> tuple[Writer, Readers, ExitStack]:
    """Open off the event loop. If the caller is cancelled, closes everything again."""
    work = asyncio.get_running_loop().run_in_executor(None, _open, path, opening)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(ConfigurationError, StoreError):
            *_, resources = await work
            await asyncio.to_thread(resources.close)
        raise


def _open(path: Path, opening: Opening) -> tuple[Writer, Readers, ExitStack]:
    with ExitStack() as resources:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            resources.enter_context(owning(path, shared=opening.shared))
            if not opening.shared:
                discard(scratch_of(path))
            make_private(path)
            connection = resources.enter_context(closing(connect(path, opening.busy_timeout)))
            _prepare(connection, path, opening)
            connections = [
                resources.enter_context(closing(connect(path, opening.busy_timeout)))
                for _ in range(_READERS)
            ]
            for each in connections:
                each.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            fault = explained(error, path)
            if primary_code(error) in _OPERATORS:
                raise ConfigurationError(fault.message) from error
            raise fault from error
        except OSError as error:
            raise ConfigurationError(
                f"{error.filename or path} cannot be used for data: {error.strerror}. "
                "Set THINKALOUD_DATA_DIR to another directory."
            ) from error
        readers = Readers(connections)
        resources.callback(readers.close)
        writer = Writer(connection)
        resources.callback(writer.close)
        return writer, readers, resources.pop_all()


def _prepare(connection: sqlite3.Connection, path: Path, opening: Opening) -> None:
    # Before any pragma is set: switching to WAL writes to the file.
    refuse_others(connection, path)
    if _pragma(connection, "page_count") == 0:
        # Can only be set on a new file, before anything else.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if _pragma(connection, "journal_mode = WAL") != "wal":
        raise ConfigurationError(
            f"The file system of {path.parent} cannot share memory between connections. Set "
            "THINKALOUD_DATA_DIR to a directory on a local disk."
        )
    synchronous = "FULL" if opening.durability == "full" else "NORMAL"
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint = 1000")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    if migrate(connection, path):
        # A migration may copy everything, whatever the limit is.
        while _shrink(connection):
            continue
    if opening.max_bytes is not None:
        pages = max(1, opening.max_bytes // _pragma(connection, "page_size"))
        connection.execute(f"PRAGMA max_page_count = {pages}")
    if search.must_scrub(connection):
        more = search.scrub(connection, first=True)
        while more:
            more = search.scrub(connection, first=False)
    # After a crash, the log may contain data that was deleted since.
    _empty_log(connection)


def _try_writing(connection: sqlite3.Connection) -> None:
    """Write about as much as a message needs, and delete it again."""
    connection.execute("INSERT INTO chores (chore) VALUES (zeroblob(?))", (_TRIAL_BYTES,))
    connection.execute("DELETE FROM chores WHERE chore = zeroblob(?)", (_TRIAL_BYTES,))


def _shrink(connection: sqlite3.Connection) -> bool:
    """Return some free pages to the file system. False when there are no more."""
    free = _pragma(connection, "freelist_count")
    if free <= _SPARE_PAGES:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({_SPARE_PAGES})").fetchall()
    # A file rebuilt by another tool (`sqlite3 .recover`) cannot shrink.
    return _pragma(connection, "freelist_count") < free


def _empty_log(connection: sqlite3.Connection) -> bool:
    """Checkpoint the write-ahead log and truncate it.

    False if a reader, such as a backup, still needs the log after a short wait.
    """
    usual = _pragma(connection, "busy_timeout")
    connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    try:
        return _pragma(connection, "wal_checkpoint(TRUNCATE)") == 0
    finally:
        connection.execute(f"PRAGMA busy_timeout = {usual}")


def _pragma(connection: sqlite3.Connection, text: str) -> Any:  # noqa: ANN401
    return connection.execute(f"PRAGMA {text}").fetchone()[0]
