"""Something open in a thread of its own: Ctrl-C reaches the terminal's thread, the rest goes on."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CLOSING_SECONDS: Final = 3.0


class Session(Generic[T]):
    """Opens something for the length of a `with` block and runs its coroutines from outside."""

    def __init__(self, opening: AbstractAsyncContextManager[T]) -> None:
        self._opening = opening
        self._opened: Future[tuple[asyncio.AbstractEventLoop, T]] = Future()
        self._closing = asyncio.Event()
        # A daemon: a tool that never returns must not keep the program from ending.
        self._thread = threading.Thread(target=self._live, name="thinkaloud", daemon=True)

    def __enter__(self) -> "Session[T]":
        """Open it. Raises what opening it raises."""
        self._thread.start()
        self._opened.result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it, for as long as that may take."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(_CLOSING_SECONDS)

    @property
    def opened(self) -> T:
        """What is open. Its coroutines go through `wait`."""
        return self._opened.result()[1]

    def wait(self, work: Coroutine[object, object, R]) -> R:
        """Carry out a coroutine, and return what it gives or raise what it raises."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def send(self, work: Coroutine[object, object, object]) -> None:
        """Carry out a coroutine and do not wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop)

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return self._opened.result()[0]

    def _live(self) -> None:
        try:
            asyncio.run(self._open())
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _open(self) -> None:
        async with self._opening as opened:
            self._opened.set_result((asyncio.get_running_loop(), opened))
            await self._closing.wait()
