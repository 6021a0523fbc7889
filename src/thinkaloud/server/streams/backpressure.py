"""Sending to a client that may be slow or dead, without a timer per frame."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from starlette.types import Scope


class Write(Protocol):
    """Sends data to the client; waits while the send buffer is full."""

    def __call__(self, data: bytes, /) -> Awaitable[None]:
        """Send `data`."""
        ...


WriteNow = Callable[[Sequence[bytes]], bool]
"""Writes frames straight to a connection. Returns False, having written nothing, if it would have
to wait: while the send buffer is above its high-water mark, and once the response is over."""
WRITE_NOW: Final = "write_now"
"""The key of a connection's `WriteNow` in the state of an ASGI scope; only our own server has it."""


class Outlet:
    """Writes to one client and detects when it stops reading (P14)."""

    def __init__(self, write: Write, scope: Scope) -> None:
        self._write = write
        self._write_now: WriteNow | None = scope.get("state", {}).get(WRITE_NOW)
        self._begun: int = 0
        self._done: int = 0

    async def send(self, data: bytes) -> None:
        """Write data; waits while the client is behind."""
        self._begun += 1
        try:
            await self._write(data)
        finally:
            # Count a cancelled write as done: the client may still be reading.
            self._done += 1

    def push(self, frames: Sequence[bytes]) -> bool:
        """Write frames if that is possible without waiting; otherwise write none, return False."""
        write_now = self._write_now
        if write_now is None or self._begun != self._done:
            return False
        if frames:
            if not write_now(frames):
                return False
            self._begun += 1
            self._done += 1
        return True

    async def until_stuck(self, seconds: float) -> None:
        """Return once a write has been blocked for `seconds`, or up to twice that."""
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
    """Abort the connection, if the server supports it, and discard what is buffered."""
    abort: Callable[[], None] | None = scope.get("state", {}).get("abort")
    if abort is not None:
        abort()
