"""An event loop in its own thread, for synchronous code."""

import asyncio
import os
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, ExitStack, suppress
from types import TracebackType
from typing import Final, Generic, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from thinkaloud.errors import InternalError, Unavailable, UserError

T = TypeVar("T")
R = TypeVar("R")

_NOTICE_SECONDS: Final = 0.5
"""How often to check for signals: one that arrives just before a wait starts is handled only when
the wait ends."""

_open: "weakref.WeakSet[Portal]" = weakref.WeakSet()


class Portal:
    """Runs coroutines and context managers in its own event loop, for callers in other threads.

    `enter_context` and `wait` raise `InternalError` if the portal is closed, and `UserError` if the call
    would deadlock: in the portal's own thread, or in a forked child process.
    """

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None
        self._stack = ExitStack()
        self._forked = False
        self._thread_id = 0
        self._finishing: set[asyncio.Task[object]] = set()

    def __enter__(self) -> "Portal":
        """Start the thread. Raises `UserError` if it is already running."""
        if self._portal is not None and not self._forked:
            raise UserError("The agent is already open: leave its `with` block first.")
        self._stack, self._forked = ExitStack(), False
        self._portal = self._stack.enter_context(start_blocking_portal(name="thinkaloud"))
        _open.add(self)
        self._thread_id = self._portal.call(threading.get_ident)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Exit the open context managers in reverse order and end the thread."""
        if not self._forked:
            try:
                self._stack.__exit__(kind, error, traceback)
            finally:
                self._portal = None
                _open.discard(self)

    def enter_context(self, opening: AbstractAsyncContextManager[T]) -> T:
        """Enter a context manager, to be exited with the portal. Raises what entering it raises."""
        return self._stack.enter_context(self._ready().wrap_async_context_manager(opening))

    def wait(self, work: Coroutine[object, object, R]) -> R:
        """Run a coroutine and return its result, or raise its exception.

        If a signal handler raises while waiting (`KeyboardInterrupt`), the coroutine is cancelled,
        and the exception is raised once it has cleaned up. A second one is raised at once. An
        `OSError`, such as `TimeoutError`, can be lost if it is raised while the coroutine is being
        started: asyncio ignores it where it wakes the event loop (`_write_to_self`).
        """
        call = _Call(work)
        portal: BlockingPortal | None = None
        try:
            portal = self._ready()
            portal.start_task_soon(call.run)
            _wait(call.future)
            return call.future.result()
        except asyncio.CancelledError:
            raise Unavailable("The agent was closed during the call.") from None
        finally:
            # A signal handler may raise anywhere above, even before the coroutine has started.
            if portal is None:
                work.close()
            elif not call.future.done():
                with suppress(RuntimeError):  # Another thread has closed the portal.
                    portal.start_task_soon(call.cancel)
                    _wait(call.future)

    def finish(self, work: Coroutine[object, object, object]) -> None:
        """Run a cleanup coroutine, and wait for it if possible.

        In the portal's own thread (called by the garbage collector), the coroutine is scheduled
        instead. If the portal is closed, there is nothing to clean up.
        """
        if self._portal is None or self._forked:
            work.close()
        elif self._is_inside():
            task = asyncio.get_running_loop().create_task(work)
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)
        else:
            self.wait(work)

    def send(self, work: Coroutine[object, object, object]) -> None:
        """Run a coroutine without waiting for it."""
        self._ready().start_task_soon(_Call(work).run)

    def abandon(self) -> None:
        """Mark the portal as unusable in a forked child: its thread does not exist here."""
        self._forked = True
        if self._portal is not None:
            # Stop this copy of the portal, so that nothing waits for the missing thread.
            with suppress(StopIteration, RuntimeError):
                self._portal.stop().send(None)

    def _ready(self) -> BlockingPortal:
        if self._portal is None:
            raise InternalError("The agent is not open: use it in a `with` block.")
        if self._forked:
            raise UserError(
                "The agent was opened in another process, and only works there: open a new one"
                " after forking."
            )
        if self._is_inside():
            raise UserError(
                "This would deadlock: it was called from the agent's own event loop. Use `Agent`"
                " with `await` there."
            )
        return self._portal

    def _is_inside(self) -> bool:
        return self._thread_id == threading.get_ident()


class _Call(Generic[R]):
    """A coroutine whose completion can be awaited, even after it was cancelled.

    It is cancelled once, like an `asyncio` task, so that it can clean up.
    """

    def __init__(self, work: Coroutine[object, object, R]) -> None:
        self.future: Future[R] = Future()
        self._work = work
        self._task: asyncio.Task[object] | None = None

    async def run(self) -> None:
        if self.future.done():
            self._work.close()
            return
        self._task = asyncio.current_task()
        try:
            result = await self._work
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self._work.close()
            self.future.set_exception(asyncio.CancelledError())


def _wait(future: Future[R]) -> None:
    while not future.done():
        wait([future], _NOTICE_SECONDS)


def _after_fork() -> None:
    for portal in list(_open):
        portal.abandon()


os.register_at_fork(after_in_child=_after_fork)
