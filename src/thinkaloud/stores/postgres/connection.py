"""One connection to PostgreSQL, for one call at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from thinkaloud.errors import Fenced, StoreError

T = TypeVar("T")
CALL_SECONDS: Final = 3.0
"""How long a call may take, with connecting. Less than any lease."""


class Connection(Protocol):
    """What is used of `asyncpg.Connection`, which has no types."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement."""
        ...

    async def executemany(self, command: str, args: Iterable[Sequence[object]]) -> None:
        """Run a statement for each of these rows of arguments."""
        ...

    async def fetch(self, query: str, *args: object) -> Sequence[Any]:
        """Return all rows."""
        ...

    async def fetchrow(self, query: str, *args: object) -> Any:  # noqa: ANN401 - a row or None
        """Return the first row; None if there is none."""
        ...

    async def fetchval(self, query: str, *args: object) -> Any:  # noqa: ANN401 - a value or None
        """Return the first value of the first row; None if there is none."""
        ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None:
        """Receive notifications."""
        ...

    def get_server_version(self) -> Any:  # noqa: ANN401 - a named tuple
        """Return the version of the server."""
        ...

    def is_closed(self) -> bool:
        """Whether the connection was lost."""
        ...

    def terminate(self) -> None:
        """Close the connection at once."""
        ...


class Link:
    """Connects when it is needed, and again after a failure.

    asyncpg asks the server to cancel a call that takes too long, and waits for the answer of a
    server that may not answer any more. So a connection is terminated instead, on any doubt.
    """

    def __init__(self, url: str, *, direct: bool = True, seconds: float = CALL_SECONDS) -> None:
        """`seconds` is how long a call may take, with connecting."""
        self._url = url
        self._direct = direct
        self._seconds = seconds
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    async def call(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run statements, each committed by itself. Raises `StoreError`; the outcome is unknown then."""
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    return await work(await self._connected())
            except Fenced:
                raise
            except Exception as error:
                self.close()
                raise StoreError(f"The database cannot be used: {_said(error)}") from error
            except BaseException:
                self.close()
                raise

    async def transact(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run statements in one transaction."""

        async def in_transaction(connection: Connection) -> T:
            await connection.execute("BEGIN")
            try:
                result = await work(connection)
            except Fenced:
                await connection.execute("ROLLBACK")
                raise
            # After any other error the connection is terminated, which rolls back.
            await connection.execute("COMMIT")
            return result

        return await self.call(in_transaction)

    def close(self) -> None:
        """Terminate the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._url, direct=self._direct)
        return self._connection


async def connect(url: str, *, direct: bool = True) -> Connection:
    """Connect. Behind a pooler (not `direct`), without what belongs to one server process."""
    connecting = cast("Callable[..., Awaitable[Connection]]", asyncpg.connect)
    if not direct:
        return await connecting(url, statement_cache_size=0)
    settings = {"application_name": "thinkaloud", "idle_in_transaction_session_timeout": "2000"}
    return await connecting(url, server_settings=settings)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
