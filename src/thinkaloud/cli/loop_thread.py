"""Runs a resource's event loop in its own thread, so that Ctrl-C reaches only the main thread."""

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
    """Keeps an async context manager open in an event loop in another thread.

    Use it in a `with` block.
    """

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self._portal = Portal()
        self._context = _closed_in_time(context)
        self._resource: T | None = None

    def __enter__(self) -> "LoopThread[T]":
        """Open it. Raises what context it raises."""
        self._portal.__enter__()
        try:
            self._resource = self._portal.enter_context(self._context)
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
        """Close the resource, waiting for a few seconds at most."""
        self._portal.__exit__(kind, error, traceback)

    @property
    def resource(self) -> T:
        """The open resource. Run its coroutines with `wait`."""
        if self._resource is None:
            raise RuntimeError("The resource is not open.")
        return self._resource

    def wait(self, work: Coroutine[object, object, R]) -> R:
        """Run a coroutine and return its result, or raise its exception."""
        return self._portal.wait(work)

    def send(self, work: Coroutine[object, object, object]) -> None:
        """Start a coroutine without waiting for it."""
        self._portal.send(work)


@asynccontextmanager
async def _closed_in_time(context: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    enter_context = await context.__aenter__()
    try:
        yield enter_context
    finally:
        # A tool or server that hangs must not keep the program from exiting.
        with anyio.move_on_after(_CLOSING_SECONDS):
            await context.__aexit__(None, None, None)
