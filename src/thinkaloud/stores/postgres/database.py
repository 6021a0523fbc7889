"""The database: connections, migrations, hints, opening and closing."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any, Final, Self, TypeVar

import asyncpg  # pyright: ignore[reportMissingTypeStubs]
import msgspec
from typing_extensions import override

from thinkaloud.errors import ConfigurationError, StoreError
from thinkaloud.ports.store import ConversationKey, Subscription
from thinkaloud.ports.tasks import owned_tasks
from thinkaloud.stores.local_hints import LocalHints
from thinkaloud.stores.postgres.connection import CALL_SECONDS, Connection, Link, connect
from thinkaloud.stores.postgres.schema import MIGRATIONS, READABLE_FROM

T = TypeVar("T")
_READERS: Final = 3
_OLDEST: Final = 150_000
_LOCK: Final = 0x746B6164
_CHANNEL: Final = "thinkaloud"
_PAYLOAD_BYTES: Final = 7_000
_LISTENING_POLL_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05
_CHECK_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 1.0
_log = logging.getLogger(__name__)


class Address(msgspec.Struct, frozen=True):
    """Where the database is. The URLs contain a password."""

    url: str
    listen_url: str | None = None
    """A direct address, if `url` is that of a pooler. Only there can hints be received."""
    is_pooler: bool = False

    @override
    def __repr__(self) -> str:
        """Leave out the URLs."""
        return "Address(…)"

    @asynccontextmanager
    async def link(self, seconds: float = CALL_SECONDS) -> AsyncGenerator[Link]:
        """Yield a connection of its own, made when it is needed, for what is not a conversation."""
        link = Link(self.url, direct=not self.is_pooler, seconds=seconds)
        try:
            yield link
        finally:
            link.close()


class _Payload(msgspec.Struct, array_like=True):
    """A hint on its way."""

    conversations: tuple[ConversationKey, ...] = ()
    runs: bool = False


class Database:
    """An open database."""

    def __init__(self, address: Address, *, is_shared: bool = True) -> None:
        self.is_shared = is_shared
        """Whether other runtimes may use it at the same time."""
        self._address = address
        direct = not address.is_pooler
        self._writer = Link(address.url, direct=direct)
        self._beater = Link(address.url, direct=direct)
        self._notifier = Link(address.url, direct=direct)
        self._readers = cycle([Link(address.url, direct=direct) for _ in range(_READERS)])
        self._hints = LocalHints()
        self._listens = False
        self._changed: set[ConversationKey] = set()
        self._runs_changed = False
        self._has_changed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(cls, address: Address, *, is_shared: bool = True) -> AsyncGenerator[Self]:
        """Open the database for the length of a block, and migrate it.

        Without `is_shared`, nothing prevents others from using it, so nobody may. Raises `ConfigurationError` if it cannot be reached or used, or is newer than this program.
        """
        await migrate(address)
        database = cls(address, is_shared=is_shared)
        async with owned_tasks() as tasks:
            work = [tasks.create_task(database._notify())]
            if address.listen_url is not None or not address.is_pooler:
                work.append(tasks.create_task(database._listen()))
            try:
                yield database
            finally:
                for task in work:
                    task.cancel()
                await asyncio.wait(work)
                database._close()

    def shares(self, owner: str, conversation_id: str) -> bool:
        """Whether other runtimes see this conversation."""
        return self.is_shared

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[Subscription]:
        """Receive hints for the length of a block."""
        seconds = _LISTENING_POLL_SECONDS if self._listens else _POLL_SECONDS
        with self._hints.subscribe(seconds) as subscription:
            yield subscription

    async def check_writing(self) -> None:
        """Raise `StoreError` if the database cannot be written."""
        await self._write(_try_writing)

    async def scrub(self) -> None:
        """Do nothing: autovacuum removes what was deleted."""

    async def _write(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._writer.transact(work)

    async def _read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        return await next(self._readers).call(work)

    def _publish(
        self, conversations: Collection[ConversationKey] = (), *, runs: bool = False
    ) -> None:
        """Send a hint, to this process and the others."""
        if conversations or runs:
            self._hints.publish(conversations, runs=runs)
            self._changed.update(conversations)
            self._runs_changed |= runs
            self._has_changed.set()

    async def _notify(self) -> None:
        """Pass hints on, apart from the transactions: a NOTIFY locks the whole database.

        A hint that cannot be sent is dropped.
        """
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            payload = _encoded(self._changed, runs=self._runs_changed)
            self._changed, self._runs_changed = set(), False

            async def send(connection: Connection, payload: str = payload) -> None:
                await connection.execute(
                    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)",
                    _CHANNEL,
                    payload,
                )

            with contextlib.suppress(StoreError):
                await self._notifier.call(send)

    async def _listen(self) -> None:
        """Receive hints. After a lost connection, anything may have changed."""
        url = self._address.listen_url or self._address.url
        while True:
            connection: Connection | None = None
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    connection = await connect(url)
                    await connection.add_listener(_CHANNEL, self._receive)
                self._listens = True
                self._hints.publish(runs=True, everything=True)
                while True:
                    await asyncio.sleep(_CHECK_SECONDS)
                    async with asyncio.timeout(_CHECK_SECONDS):
                        await connection.execute("SELECT 1")
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                self._listens = False
                await asyncio.sleep(_AGAIN_SECONDS)
            finally:
                if connection is not None:
                    connection.terminate()

    def _receive(self, *arguments: Any) -> None:  # noqa: ANN401 - asyncpg's types
        try:
            payload = msgspec.json.decode(arguments[-1], type=_Payload)
        except msgspec.MsgspecError:
            self._hints.publish(runs=True, everything=True)
        else:
            self._hints.publish(payload.conversations, runs=payload.runs)

    def _close(self) -> None:
        for link in (self._writer, self._beater, self._notifier):
            link.close()
        for _ in range(_READERS):
            next(self._readers).close()


def _encoded(conversations: Collection[ConversationKey], *, runs: bool) -> str:
    """Return a payload; one that is too long says only that anything may have changed."""
    payload = msgspec.json.encode(_Payload(tuple(conversations), runs)).decode()
    return payload if len(payload.encode()) <= _PAYLOAD_BYTES else "!"


async def migrate(address: Address) -> int:
    """Create or upgrade the tables, and return how many migrations there were.

    Repeatable, also at the same time. Raises `ConfigurationError`.
    """
    url = address.listen_url or address.url
    try:
        async with asyncio.timeout(60):
            connection = await connect(url, direct=not address.is_pooler)
            try:
                return await _migrate(connection)
            finally:
                connection.terminate()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        said = str(error) or type(error).__name__
        raise ConfigurationError(f"The database of [store] cannot be used: {said}") from error


async def _migrate(connection: Connection) -> int:
    if connection.get_server_version().major < _OLDEST // 10_000:
        raise ConfigurationError("The database of [store] is older than PostgreSQL 15.")
    # Without a COMMIT, the caller terminates the connection, and nothing is changed.
    await connection.execute("BEGIN")
    await connection.execute("SET LOCAL lock_timeout = '20s'")
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await connection.execute("CREATE SCHEMA IF NOT EXISTS thinkaloud")
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS thinkaloud.meta (one bool PRIMARY KEY DEFAULT true"
        " CHECK (one), version int NOT NULL, readable_from int NOT NULL)"
    )
    row = await connection.fetchrow("SELECT version, readable_from FROM thinkaloud.meta")
    version, readable_from = (0, 0) if row is None else (row[0], row[1])
    if readable_from > len(MIGRATIONS):
        raise ConfigurationError(
            "The database of [store] was migrated by a newer thinkaloud, which this one cannot"
            " run beside. Install the newer one."
        )
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            await connection.execute(statement)
    if version < len(MIGRATIONS):
        await connection.execute(
            "INSERT INTO thinkaloud.meta (version, readable_from) VALUES ($1, $2)"
            " ON CONFLICT (one) DO UPDATE SET version = $1, readable_from = $2",
            len(MIGRATIONS),
            READABLE_FROM,
        )
    await connection.execute("COMMIT")
    return max(0, len(MIGRATIONS) - version)


async def _try_writing(connection: Connection) -> None:
    await connection.execute("UPDATE thinkaloud.meta SET version = version")
