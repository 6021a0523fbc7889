"""What a token costs: paced, in the middle of a run; and how fast a burst of them passes."""

import asyncio
import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

from benchmarks.speed.processes import Process
from benchmarks.speed.samples import Samples, TooSlow, Window, cpu_windows, quiet, turns
from benchmarks.speed.variants import OWN, Variant

STREAMS: Final = 40
PEER_ROUNDS: Final = 2
"""Peers are measured in fewer rounds: a run of theirs takes up to twenty times as long."""
PEER_STREAMS: Final = 10
"""Peers are compared with fewer streams: not all of them can keep up with 40."""
RATE: Final = 50
SECONDS: Final = 3
ROUNDS: Final = 4
WINDOWS: Final = 4
WINDOW_SECONDS: Final = 0.4
_RUN_IN_SECONDS: Final = 0.4
_REST_SECONDS: Final = 0.4
"""Between two measurements: the log of the runs before is saved to the end."""
STEADY_SHAPE: Final = f"n{RATE * SECONDS}-r{RATE}"
BURSTS: Final = {500: 9, 8_000: 9, 100_000: 3}
"""By length of the run: how often."""
BURST_SHAPES: Final = {length: f"n{length}-r0" for length in BURSTS}


async def cpu_per_token(
    variants: Sequence[Variant],
    provider: Process,
    streams: int = STREAMS,
    rounds: int = ROUNDS,
) -> Samples:
    """Return CPU microseconds per token, each in a window from the middle of some runs.

    The windows begin after the start of all runs and end before the end of any, so what a run
    costs once is not in them. Only the half of the windows that others disturbed least counts.
    """
    found: dict[str, list[Window]] = {variant.name: [] for variant in variants}
    for variant in turns(variants, rounds):
        try:
            found[variant.name] += await _windows(variant, provider, streams)
        except TooSlow:
            if variant.name in OWN:
                raise
        await asyncio.sleep(_REST_SECONDS)
    return {name: quiet(windows) for name, windows in found.items() if windows}


async def _windows(variant: Variant, provider: Process, count: int) -> list[Window]:
    streams = [await variant.ask(STEADY_SHAPE) for _ in range(count)]
    for stream in streams:
        await stream.started
    await asyncio.sleep(_RUN_IN_SECONDS)
    involved = [provider]
    found = await cpu_windows(variant.process, involved, streams, WINDOWS, WINDOW_SECONDS)
    for stream in streams:
        await stream.ended
    return found


class Bursts(msgspec.Struct):
    """Streams of one length, as fast as they go."""

    rates: Samples
    """Tokens per second."""
    costs: Samples
    """CPU microseconds per token, all of the run included."""


async def bursts(variants: Sequence[Variant]) -> dict[int, Bursts]:
    """Return the figures of unpaced streams, by their length; the longest only of our own."""
    found: dict[int, Bursts] = {}
    own = [variant for variant in variants if variant.name in OWN]
    for length, rounds in BURSTS.items():
        variants = own if length == max(BURSTS) else variants
        of_length = found[length] = Bursts(
            {variant.name: [] for variant in variants}, {variant.name: [] for variant in variants}
        )
        for number, variant in enumerate(turns(variants, rounds)):
            if variant.name not in OWN and number >= PEER_ROUNDS * len(variants):
                continue
            before = variant.process.cpu_seconds()
            stream = await variant.whole(BURST_SHAPES[length])
            of_length.rates[variant.name].append(length / stream.whole_seconds)
            await asyncio.sleep(_REST_SECONDS)
            spent = variant.process.cpu_seconds() - before
            of_length.costs[variant.name].append(spent / length * 1e6)
    return found


RUNS: Final = 40
RUN_ROUNDS: Final = 5
RUN_TOKENS: Final = 2
RUN_SHAPE: Final = f"n{RUN_TOKENS}-r0"


async def cpu_per_run(variants: Sequence[Variant], per_token: Samples) -> Samples:
    """Return the CPU milliseconds of a run, one after another, besides its tokens.

    That is: the request and its connection, starting and ending the run, and storing both.
    """
    found: Samples = {variant.name: [] for variant in variants}
    for number, variant in enumerate(turns(variants, RUN_ROUNDS)):
        if variant.name not in OWN and number >= PEER_ROUNDS * len(variants):
            continue
        before = variant.process.cpu_seconds()
        for _ in range(RUNS):
            await variant.whole(RUN_SHAPE)
        await asyncio.sleep(_REST_SECONDS)
        spent = (variant.process.cpu_seconds() - before) / RUNS * 1e3
        tokens = RUN_TOKENS * statistics.median(per_token.get(variant.name, [0.0])) / 1e3
        found[variant.name].append(spent - tokens)
    return found
