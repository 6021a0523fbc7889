"""What a signal does to a server that does not serve yet, or does not serve any more."""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stoppable() -> Generator[Callable[[], None]]:
    """Let SIGINT and SIGTERM end this block in order, by cancelling the task that runs it.

    Only the first one does, and none after the function that is given was called: what is being
    closed, is closed. Nothing is raised to the caller. Outside of the main thread signals stay
    as they are.
    """
    task = asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    loop = asyncio.get_running_loop()
    heeded = ended = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal heeded, ended
        if not heeded:
            heeded = ended = True
            loop.call_soon_threadsafe(task.cancel)

    def leave_alone() -> None:
        nonlocal heeded
        heeded = True

    before = {each: signal.signal(each, stop) for each in _SIGNALS}
    try:
        yield leave_alone
    except asyncio.CancelledError:
        if not ended:
            raise
        task.uncancel()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
