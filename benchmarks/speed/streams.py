"""How many streams one core carries: 10 to 500 at 30 tokens a second, and how late their tokens are."""

import asyncio
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

from benchmarks.speed.processes import cores, python_module, started
from benchmarks.speed.samples import percentile
from benchmarks.speed.variants import FLOOR_OF, Lab, Variant, open_lab

RATE: Final = 30
STEPS: Final = (10, 100, 200, 300, 400, 500)
LATE_MS: Final = 50.0
_STARTS_PER_SECOND: Final = 150
_WINDOWS: Final = 5
_WINDOW_SECONDS: Final = 0.5
"""The figures are those of the median window: an overloaded server is late in all of them, a busy
machine in some."""
SHORT_SHAPE: Final = f"n{RATE * 5}-r{RATE}-stamp"
LONG_SHAPE: Final = f"n{RATE * 9}-r{RATE}-stamp"
SHAPES: Final = (SHORT_SHAPE, LONG_SHAPE)


class Load(NamedTuple):
    """So many streams at once."""

    streams: int
    p50_ms: float
    """From the provider's write to the client's read, in the median window."""
    p99_ms: float
    core: float
    """How much of the core the server used, 0 to 1."""


async def on_one_core(lab: Lab) -> dict[str, list[Load]]:
    """Return, by variant, the delay of a token under more and more streams, until it is late.

    The server has one core to itself, as far as the machine allows; provider and clients use the
    others. Empty where there is only one core, or where cores cannot be chosen.
    """
    available = cores()
    if len(available) < 2:
        return {}
    first, others = available[:1], available[1:]
    found: dict[str, list[Load]] = {}
    with _only_on(others), started(*_provider(), cores=others) as provider:
        pinned = open_lab(lab.folder, provider, SHAPES)
        with pinned.variants(first) as variants:
            for variant in variants:
                if variant.name in FLOOR_OF or variant.name in FLOOR_OF.values():
                    found[variant.name] = await _steps(variant)
    return found


def carried(loads: Sequence[Load]) -> int:
    """Return the most streams whose tokens were in time: p99 under 50 ms."""
    return max((load.streams for load in loads if load.p99_ms < LATE_MS), default=0)


async def _steps(variant: Variant) -> list[Load]:
    steps = STEPS if variant.name in FLOOR_OF else STEPS[-1:]
    loads: list[Load] = []
    for streams in steps:
        loads.append(await _load(variant, streams))
        if loads[-1].p99_ms >= LATE_MS:
            break
        await asyncio.sleep(0.5)
    return loads


async def _load(variant: Variant, count: int) -> Load:
    shape = LONG_SHAPE if count > _STARTS_PER_SECOND else SHORT_SHAPE
    streams = []
    for _ in range(count):
        streams.append(await variant.ask(shape))
        await asyncio.sleep(1 / _STARTS_PER_SECOND)
    for stream in streams:
        await stream.started
    for stream in streams:
        stream.delays.clear()
    p50: list[float] = []
    p99: list[float] = []
    before = variant.process.cpu_seconds()
    for _ in range(_WINDOWS):
        await asyncio.sleep(_WINDOW_SECONDS)
        delays = [delay * 1e3 for stream in streams for delay in stream.delays]
        p50.append(percentile(delays, 50))
        p99.append(percentile(delays, 99))
        for stream in streams:
            stream.delays.clear()
    core = (variant.process.cpu_seconds() - before) / _WINDOW_SECONDS / _WINDOWS
    for stream in streams:
        await stream.ended
    return Load(count, statistics.median(p50), statistics.median(p99), core)


@contextmanager
def _only_on(chosen: Sequence[int]) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _provider() -> tuple[str, ...]:
    return python_module("benchmarks.speed.provider")
