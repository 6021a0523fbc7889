"""Sending to a reader that may be slow or dead, without a timer for each frame."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.types import Scope


class Write(Protocol):
    """Puts one piece on the wire; waits while the reader's buffer is full."""

    def __call__(self, data: bytes, /) -> Awaitable[None]:
        """Send it."""
        ...


class Outlet:
    """Writes to one reader and notices when it takes nothing any more (P14)."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._begun = 0
        self._done = 0

    async def send(self, data: bytes) -> None:
        """Write a piece; waits while the reader is behind."""
        self._begun += 1
        try:
            await self._write(data)
        finally:
            # Given up is done as well: who writes may be cancelled, and the reader be well.
            self._done += 1

    async def until_stuck(self, seconds: float) -> None:
        """Return when one write has waited for `seconds`, or up to twice that."""
        seen = -1
        while True:
            await asyncio.sleep(seconds)
            done = self._done
            if self._begun > done and seen == done:
                return
            seen = done if self._begun > done else -1

    async def heartbeat(self, seconds: float, beat: bytes) -> None:
        """Write `beat` whenever nothing was written for `seconds`, or up to twice that."""
        seen = -1
        while True:
            await asyncio.sleep(seconds)
            if self._begun == self._done == seen:
                await self.send(beat)
            seen = self._done


def abort_connection(scope: Scope) -> None:
    """Cut the connection at once, where the server lets us: nobody is reading what is buffered."""
    abort: Callable[[], None] | None = scope.get("state", {}).get("abort")
    if abort is not None:
        abort()
