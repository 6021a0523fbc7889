"""Threads for functions that may never return: one each, which nobody has to wait for."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

R = TypeVar("R")


async def in_own_thread(function: Callable[[], R]) -> R:
    """Call a function in a thread of its own, and return what it returns or raise what it raises.

    A caller that is cancelled leaves at once. The function goes on to its end, keeps nobody else
    waiting, and ends with the process at the latest.
    """
    done: Future[R] = Future()
    done.set_running_or_notify_cancel()  # so that a caller who leaves takes nothing back
    context = contextvars.copy_context()

    def call() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=call, name="thinkaloud-tool", daemon=True).start()
    return await asyncio.wrap_future(done)
