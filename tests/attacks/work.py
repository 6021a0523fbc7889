"""Counts the work of a request: the functions of the server that run, and the queries of its store.

Time would show the same to an attacker, but not on every machine on which tests run.
"""

import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_PACKAGE: Final = f"{sys.modules['thinkaloud'].__path__[0]}/"
_ATTEMPTS: Final = 10
Send = Callable[[], Awaitable[None]]


class Work:
    """The functions that were called, in all threads started since."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()

    def record(self, frame: FrameType, event: str, argument: Any) -> None:
        """Count a call; the profile function of `sys.setprofile`."""
        code = frame.f_code
        if not code.co_filename.startswith(_PACKAGE):
            return
        if event == "call":
            self._calls[f"{code.co_filename.removeprefix(_PACKAGE)}:{code.co_qualname}"] += 1
        elif event == "c_call":
            self._calls[f"{code.co_qualname}: {getattr(argument, '__qualname__', argument)}"] += 1

    async def difference(self, one: Send, other: Send) -> Counter[str]:
        """Return what one request does and the other doesn't.

        Timers of the server may add to either, but not in every attempt.
        """
        found: Counter[str] = Counter()
        for _ in range(_ATTEMPTS):
            first, second = await self._of(one), await self._of(other)
            found = (first - second) + (second - first)
            if not found:
                break
        return found

    async def _of(self, send: Send) -> Counter[str]:
        self._calls.clear()
        await send()
        return self._calls.copy()


@contextmanager
def recorded() -> Generator[Work]:
    """Count the calls until the block is left. Open stores in the block: they have threads."""
    work = Work()
    threading.setprofile(work.record)
    sys.setprofile(work.record)
    try:
        yield work
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
