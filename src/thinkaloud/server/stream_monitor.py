"""Heartbeats and the detection of stuck clients: two timers for all streams, and no task."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self


class Watched(Protocol):
    """A stream: `thinkaloud.server.streams.backpressure.Outlet`."""

    def is_stuck(self) -> bool:
        """Whether the write that is waiting was already waiting at the last call."""
        ...

    def keep_alive(self, beat: bytes) -> None:
        """Push `beat` if nothing was written since the last call."""
        ...


class Interruption:
    """Ends a block from outside of its task, like a timeout without a time.

    `interrupt` cancels what the block is waiting for; the block then ends without an exception.
    """

    __slots__ = ("_cancelling", "_task", "interrupted")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.interrupted = False
        """Whether the block was ended early."""

    def __enter__(self) -> Self:
        self._task = task = asyncio.current_task()
        self._cancelling = 0 if task is None else task.cancelling()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        task, self._task = self._task, None
        if not self.interrupted or task is None:
            return False
        # Another cancellation, of the whole task, must not be swallowed.
        return task.uncancel() <= self._cancelling and kind is asyncio.CancelledError

    def interrupt(self) -> None:
        """End the block. Call this from another task or a callback; only the first call counts."""
        if self._task is not None and not self.interrupted:
            self.interrupted = True
            self._task.cancel()


class StreamMonitor:
    """Keeps quiet streams alive, and finds the clients that stopped reading (P14)."""

    def __init__(self, heartbeat_seconds: float, send_timeout_seconds: float) -> None:
        self._beats = _Sweep(heartbeat_seconds)
        self._timeouts = _Sweep(send_timeout_seconds)

    def add(self, outlet: Watched, on_stuck: Callable[[], None], beat: bytes = b"") -> None:
        """Watch a stream until it is removed.

        `on_stuck` is called once a write has been blocked for `send_timeout_seconds`, or up to
        twice that. `beat`, if any, is pushed once nothing was written for `heartbeat_seconds`, or
        up to twice that.
        """

        def check() -> None:
            if outlet.is_stuck():
                on_stuck()

        self._timeouts.add(outlet, check)
        if beat:
            self._beats.add(outlet, lambda: outlet.keep_alive(beat))

    def remove(self, outlet: Watched) -> None:
        """Stop watching a stream."""
        self._timeouts.remove(outlet)
        self._beats.remove(outlet)


class _Sweep:
    """Calls functions every `seconds` while there are any."""

    __slots__ = ("_calls", "_is_waiting", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._calls: dict[object, Callable[[], None]] = {}
        self._is_waiting = False

    def add(self, key: object, call: Callable[[], None]) -> None:
        self._calls[key] = call
        if not self._is_waiting:
            self._wait()

    def remove(self, key: object) -> None:
        self._calls.pop(key, None)

    def _wait(self) -> None:
        self._is_waiting = True
        asyncio.get_running_loop().call_later(self._seconds, self._sweep)

    def _sweep(self) -> None:
        self._is_waiting = False
        if self._calls:
            self._wait()
        for call in tuple(self._calls.values()):
            call()
