"""Figures of one benchmark run, by measurement and variant."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from benchmarks.speed.client import Stream
from benchmarks.speed.processes import Process, this_process

T = TypeVar("T")
Samples = dict[str, list[float]]
"""By variant: the same figure, measured again and again."""


class TooSlow(Exception):
    """A server did not keep up with the pace at which it is measured."""


class Window(NamedTuple):
    """A stretch of time in which something was measured."""

    value: float
    waited: float
    """Seconds that the processes involved were kept from running by others on the machine."""


def quiet(windows: Iterable[Window]) -> list[float]:
    """Return the values of the half that was disturbed least.

    A server that was kept waiting finds several tokens in one read, and looks cheaper than it is.
    """
    ordered = sorted(windows, key=lambda window: window.waited)
    return [window.value for window in ordered[: (len(ordered) + 1) // 2]]


async def cpu_windows(
    served: Process,
    involved: Iterable[Process],
    streams: Sequence[Stream],
    windows: int,
    seconds: float,
) -> list[Window]:
    """Return the server's CPU microseconds per token of these streams, in several windows.

    Raises `TooSlow` if a stream ends before the last window.
    """
    processes = [served, *involved, this_process()]
    found: list[Window] = []
    for _ in range(windows):
        tokens = sum(stream.tokens for stream in streams)
        waited = sum(process.waiting_seconds() for process in processes)
        spent = served.cpu_seconds()
        await asyncio.sleep(seconds)
        spent = served.cpu_seconds() - spent
        waited = sum(process.waiting_seconds() for process in processes) - waited
        tokens = sum(stream.tokens for stream in streams) - tokens
        if not tokens or any(stream.ended.done() for stream in streams):
            raise TooSlow("a run ended while it was measured: the machine is too busy")
        found.append(Window(spent / tokens * 1e6, waited))
    return found


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def turns(items: Sequence[T], rounds: int) -> list[T]:
    """Return the items `rounds` times, each round from another start: nobody always goes first."""
    order: list[T] = []
    for number in range(rounds):
        start = number % len(items)
        order += [*items[start:], *items[:start]]
    return order


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition. Raises `TimeoutError` if it is not met in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def together(count: int, start: Callable[[], Awaitable[T]]) -> list[T]:
    """Start something several times at once."""

    async def one() -> T:
        return await start()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(count)]
    return [task.result() for task in tasks]
