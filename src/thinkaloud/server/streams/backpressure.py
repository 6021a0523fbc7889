"""Sending to a client that may be slow or dead, without a timer per frame."""

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


IS_GONE: Final = "is_gone"
"""The key of a function that returns whether the client has disconnected, in the same place."""
ON_GONE: Final = "on_gone"
"""The key of a connection's `OnGone`, in the same place."""
OnGone = Callable[[Callable[[], None] | None], None]
"""Sets what to call once the client of the response being sent has disconnected; None: nothing."""


class Outlet:
    """Writes to one client and counts, so that a quiet or a stuck stream is noticed (P14)."""

    __slots__ = (
        "_begun",
        "_done",
        "_pushed",
        "_quiet_at",
        "_waiting_at",
        "_write",
        "_write_now",
    )

    def __init__(self, write: Write, scope: Scope) -> None:
        self._write = write
        self._write_now: WriteNow | None = scope.get("state", {}).get(WRITE_NOW)
        self._begun: int = 0
        self._done: int = 0
        self._waiting_at: int = -1
        self._quiet_at: int = -1
        self._pushed = False
        """Whether frames were pushed since the last check: a flag, because it is set per token."""

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
            self._pushed = True
        return True

    def is_stuck(self) -> bool:
        """Whether the write that is waiting was already waiting at the last call."""
        done = self._done
        is_waiting = self._begun > done
        stuck = is_waiting and self._waiting_at == done
        self._waiting_at = done if is_waiting else -1
        return stuck

    def is_quiet(self) -> bool:
        """Whether nothing was written since the last call, and nothing is waiting."""
        done = self._done
        quiet = self._begun == done == self._quiet_at and not self._pushed
        self._quiet_at, self._pushed = done, False
        return quiet

    def keep_alive(self, beat: bytes) -> None:
        """Push `beat` if the stream is quiet. A full send buffer keeps it alive, too."""
        if self.is_quiet() and self.push((beat,)):
            self._pushed = False


def abort_connection(scope: Scope) -> None:
    """Abort the connection, if the server supports it, and discard what is buffered."""
    abort: Callable[[], None] | None = scope.get("state", {}).get("abort")
    if abort is not None:
        abort()
