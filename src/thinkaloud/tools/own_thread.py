"""Runs functions that may never return, each in its own daemon thread."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

R = TypeVar("R")


async def in_own_thread(function: Callable[[], R]) -> R:
    """Call a function in its own thread. Returns its result or raises its exception.

    If the caller is cancelled, it returns immediately, and the function continues in the
    background until it returns or the process ends.
    """
    done: Future[R] = Future()
    done.set_running_or_notify_cancel()  # so that a cancelled caller does not cancel it
    context = contextvars.copy_context()

    def call() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - raised in the waiting caller
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=call, name="thinkaloud-tool", daemon=True).start()
    return await asyncio.wrap_future(done)
