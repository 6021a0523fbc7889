"""Something open in a thread of its own: Ctrl-C reaches the terminal's thread, the rest goes on."""

from collections.abc import AsyncGenerator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Final, Generic, TypeVar

import anyio

from thinkaloud.portal import Portal

T = TypeVar("T")
R = TypeVar("R")

_CLOSING_SECONDS: Final = 3.0


class LoopThread(Generic[T]):
    """Opens something for the length of a `with` block and runs its coroutines from outside."""

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self._portal = Portal()
        self._context = _closed_in_time(context)
        self._resource: T | None = None

    def __enter__(self) -> "LoopThread[T]":
        """Open it. Raises what context it raises."""
        self._portal.__enter__()
        try:
            self._resource = self._portal.opened(self._context)
        except BaseException as error:
            self._portal.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close it, for as long as that may take."""
        self._portal.__exit__(kind, error, traceback)

    @property
    def resource(self) -> T:
        """What is open. Its coroutines go through `wait`."""
        if self._resource is None:
            raise RuntimeError("The loop is not open.")
        return self._resource

    def wait(self, work: Coroutine[object, object, R]) -> R:
        """Carry out a coroutine, and return what it gives or raise what it raises."""
        return self._portal.wait(work)

    def send(self, work: Coroutine[object, object, object]) -> None:
        """Carry out a coroutine and do not wait for it."""
        self._portal.send(work)


@asynccontextmanager
async def _closed_in_time(context: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    opened = await context.__aenter__()
    try:
        yield opened
    finally:
        # A tool that never returns, or a server that never answers, must not keep the program.
        with anyio.move_on_after(_CLOSING_SECONDS):
            await context.__aexit__(None, None, None)
