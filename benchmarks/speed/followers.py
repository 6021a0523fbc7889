"""What each additional follower of a run costs per frame."""

import asyncio
import statistics
from typing import Final, NamedTuple

from benchmarks.speed.client import Stream, open_stream
from benchmarks.speed.processes import Process
from benchmarks.speed.samples import Samples, Window, cpu_windows, quiet
from benchmarks.speed.variants import Variant, follower


class Audience(NamedTuple):
    """So many runs with so many followers each."""

    followers: int
    runs: int
    tokens: int
    rate: int

    @property
    def shape(self) -> str:
        """The shape of each response."""
        return f"n{self.tokens}-r{self.rate}"


AUDIENCES: Final = (
    Audience(1, 40, 80, 20),
    Audience(10, 10, 80, 20),
    Audience(100, 2, 100, 20),
    Audience(1_000, 1, 50, 5),
)
"""The pace is such that a server that needs 30 µs a frame is not overloaded."""
ROUNDS: Final = 2
_WINDOWS: Final = 3
_WINDOW_SECONDS: Final = 0.6


async def cpu_per_delivery(variant: Variant, provider: Process) -> dict[int, list[float]]:
    """Return, by followers, the CPU microseconds of a token of their run, in several windows."""
    found: dict[int, list[Window]] = {}
    for _ in range(ROUNDS):
        for audience in AUDIENCES:
            windows = await _windows(variant, provider, audience)
            found.setdefault(audience.followers, []).extend(windows)
            await asyncio.sleep(0.5)
    return {followers: quiet(windows) for followers, windows in found.items()}


async def _windows(variant: Variant, provider: Process, audience: Audience) -> list[Window]:
    runs = [await variant.ask(audience.shape) for _ in range(audience.runs)]
    more: list[Stream] = []
    for run in runs:
        await run.started
        request = follower(variant.process, run.run_id)
        more += [await open_stream(request) for _ in range(audience.followers - 1)]
    for stream in more:
        await stream.started
    involved = [provider]
    costs = await cpu_windows(variant.process, involved, runs, _WINDOWS, _WINDOW_SECONDS)
    for stream in (*runs, *more):
        await stream.ended
        assert stream.tokens == audience.tokens, f"{stream.tokens} of {audience.tokens} tokens"
    return costs


def additional(costs: dict[int, list[float]]) -> Samples:
    """Return what each follower after the first costs per frame, by how many there are."""
    alone = statistics.median(costs[1])
    return {
        f"{followers} followers": [(cost - alone) / (followers - 1) for cost in values]
        for followers, values in costs.items()
        if followers > 1
    }
