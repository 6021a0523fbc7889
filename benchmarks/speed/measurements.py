"""Takes the measurements, one after another, and holds what they found."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import msgspec

from benchmarks.speed import first_token, followers, footprint, streams, tokens
from benchmarks.speed.samples import Samples
from benchmarks.speed.streams import Load
from benchmarks.speed.tokens import Bursts
from benchmarks.speed.variants import OWN, SSE, Lab, Variant

SHAPES: Final = (
    first_token.SHAPE,
    tokens.STEADY_SHAPE,
    tokens.RUN_SHAPE,
    *tokens.BURST_SHAPES.values(),
    *(audience.shape for audience in followers.AUDIENCES),
    footprint.HELD_SHAPE,
)
_WARM_UP: Final = 20


class Measurements(msgspec.Struct):
    """Everything that was measured; what was left out is empty."""

    cpu_per_token: Samples = {}
    cpu_per_token_of_few: Samples = {}
    """With fewer streams, next to peers."""
    cpu_per_run: Samples = {}
    first_alone: Samples = {}
    first_at_once: Samples = {}
    first_after_idling: Samples = {}
    bursts: dict[int, Bursts] = {}
    follower: Samples = {}
    loads: dict[str, list[Load]] = {}
    memory: Samples = {}
    start_up: Samples = {}
    imports: Samples = {}


class Course:
    """One run of the benchmark."""

    def __init__(self, lab: Lab, others: Sequence[Variant] = ()) -> None:
        """`others` are measured beside the server and the floors, where that can be compared."""
        self._lab = lab
        self._others = others
        self._found = Measurements()

    async def run(self, only: Sequence[str]) -> Measurements:
        """Take the measurements of these names, or all; print to stderr how long each takes.

        SIGTERM cancels it, so that the processes it started end, too.
        """
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with self._lab.variants() as ours:
            variants = [*ours, *self._others]
            for variant in variants:
                for _ in range(_WARM_UP):
                    await variant.whole(first_token.SHAPE)
            for name, step in _STEPS.items():
                if only and name not in only:
                    continue
                start = time.perf_counter()
                print(f"measuring {name} …", end="", flush=True, file=sys.stderr)
                # What keys cost is measured for tokens and runs only.
                compared = [each for each in variants if not each.headers]
                await step(self, variants if name == "tokens" else compared)
                print(f" {time.perf_counter() - start:.0f} s", file=sys.stderr)
        return self._found

    async def footprint(self, variants: Sequence[Variant]) -> None:
        """Measure what the server takes besides its tokens."""
        self._found.memory = await footprint.memory_per_stream(self._lab)
        self._found.start_up = await asyncio.to_thread(footprint.start_up, self._lab)
        self._found.imports = await asyncio.to_thread(footprint.import_times)

    async def tokens(self, variants: Sequence[Variant]) -> None:
        """Measure the CPU of tokens and of runs."""
        provider = self._lab.provider
        own = [variant for variant in variants if variant.name in OWN]
        per_token = await tokens.cpu_per_token(own, provider)
        self._found.cpu_per_token = per_token
        if self._others:
            few = [variant for variant in variants if variant.name not in {*OWN} - {SSE}]
            costs = await tokens.cpu_per_token(
                few, provider, tokens.PEER_STREAMS, tokens.PEER_ROUNDS
            )
            self._found.cpu_per_token_of_few = costs
            per_token = {**costs, **per_token}
        self._found.cpu_per_run = await tokens.cpu_per_run(variants, per_token)

    async def first(self, variants: Sequence[Variant]) -> None:
        """Measure the time to the first token."""
        self._found.first_alone = await first_token.alone(variants)
        own = [variant for variant in variants if variant.name in OWN]
        self._found.first_at_once = await first_token.at_once(own)
        self._found.first_after_idling = await first_token.after_idling(own)

    async def bursts(self, variants: Sequence[Variant]) -> None:
        """Measure unpaced streams."""
        self._found.bursts = await tokens.bursts(variants)

    async def followers(self, variants: Sequence[Variant]) -> None:
        """Measure many followers of one run."""
        (served,) = (variant for variant in variants if variant.name == SSE)
        self._found.follower = followers.additional(
            await followers.cpu_per_delivery(served, self._lab.provider)
        )

    async def streams(self, variants: Sequence[Variant]) -> None:
        """Measure many streams on one core."""
        self._found.loads = await streams.on_one_core(self._lab)


_STEPS: Final[dict[str, Callable[[Course, Sequence[Variant]], Coroutine[Any, Any, None]]]] = {
    "footprint": Course.footprint,
    "tokens": Course.tokens,
    "first": Course.first,
    "bursts": Course.bursts,
    "followers": Course.followers,
    "streams": Course.streams,
}
NAMES: Final = tuple(_STEPS)
"""The names of the measurements."""
