"""Signal handling while the server is starting up or shutting down."""

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def cancel_on_signal() -> Generator[Callable[[], None]]:
    """Cancel the current task on the first SIGINT or SIGTERM, and leave the block normally.

    Later signals are ignored, and so are all signals once the yielded function has been called,
    so that cleanup is never interrupted. Does nothing outside the main thread.
    """
    task = asyncio.current_task()
    if task is None or threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    loop = asyncio.get_running_loop()
    ignoring = cancelled = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal ignoring, cancelled
        if not ignoring:
            ignoring = cancelled = True
            loop.call_soon_threadsafe(task.cancel)

    def ignore() -> None:
        nonlocal ignoring
        ignoring = True

    before = {each: signal.signal(each, stop) for each in _SIGNALS}
    try:
        yield ignore
    except asyncio.CancelledError:
        if not cancelled:
            raise
        task.uncancel()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
