"""Renders texts for a platform: long ones outside the event loop, so that no chat delays the others."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar, cast


class Content(Protocol):
    """What is rendered for a run."""

    @property
    def run_id(self) -> str:
        """Identifies the run."""
        ...

    @property
    def chars(self) -> int:
        """How many characters it has."""
        ...


P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=Content)

SHORT: Final = 1_000
"""Up to so many characters, rendering takes less than a change of threads would be worth."""
_AT_A_TIME: Final = 2
"""More threads would share the same interpreter with the event loop, and leave it less of it."""
_MOST_ENDS: Final = 64


class Rendering:
    """Calls pure functions that render. Each platform has one."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(_AT_A_TIME)
        self._ends: OrderedDict[str, tuple[object, object]] = OrderedDict()
        """The last call for each run, and its result."""

    async def call(
        self, chars: int, render: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Call a function, in a thread if its input has more than `SHORT` characters.

        If the caller is cancelled, the function still runs to its end, and its result is dropped.
        """
        if chars <= SHORT:
            return render(*args, **kwargs)
        async with self._turn:
            return await asyncio.to_thread(render, *args, **kwargs)

    async def end(
        self,
        content: C,
        render: Callable[Concatenate[C, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Call a function for a run that has ended, once for all calls of `show` that its messages take."""
        if content.chars <= SHORT:
            return render(content, *args, **kwargs)
        call = (render, content, args, kwargs)
        known = self._ends.pop(content.run_id, None)
        if known is not None and known[0] == call:
            result = cast("R", known[1])
        else:
            result = await self.call(content.chars, render, content, *args, **kwargs)
        self._ends[content.run_id] = (call, result)
        if len(self._ends) > _MOST_ENDS:
            self._ends.popitem(last=False)
        return result
