"""Figures of one benchmark run, by measurement and variant."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Samples = dict[str, list[float]]
"""By variant: the same figure, measured again and again."""


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
