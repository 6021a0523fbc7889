"""How long a client waits for the first token: alone, among 40 at once, after a second of idling."""

import asyncio
import statistics
from collections.abc import Sequence
from typing import Final

from benchmarks.speed.samples import Samples, together, turns
from benchmarks.speed.variants import FLOOR_OF, OWN, Variant

SHAPE: Final = "n4-r0"
ALONE: Final = 200
PEERS_ALONE: Final = 50
"""How many requests other servers get: some take a hundred milliseconds for each."""
AT_ONCE: Final = 40
ROUNDS: Final = 10
IDLE_ROUNDS: Final = 12
_IDLE_SECONDS: Final = 1.0
_REST_SECONDS: Final = 0.5


async def alone(variants: Sequence[Variant]) -> Samples:
    """Return milliseconds to the first token of requests that come one after another."""
    found: Samples = {variant.name: [] for variant in variants}
    for number, variant in enumerate(turns(variants, ALONE)):
        if variant.name not in OWN and number >= PEERS_ALONE * len(variants):
            continue
        stream = await variant.whole(SHAPE)
        found[variant.name].append(stream.first_seconds * 1e3)
    return found


async def at_once(variants: Sequence[Variant]) -> Samples:
    """Return milliseconds to the first token, the median of 40 requests at once, several times."""
    found: Samples = {variant.name: [] for variant in variants}
    for variant in turns(variants, ROUNDS):
        streams = await together(AT_ONCE, lambda: variant.whole(SHAPE))  # noqa: B023
        median = statistics.median(stream.first_seconds for stream in streams)
        found[variant.name].append(median * 1e3)
        await asyncio.sleep(_REST_SECONDS)
    return found


async def after_idling(variants: Sequence[Variant]) -> Samples:
    """Return milliseconds to the first token of a server that had nothing to do for a second."""
    by_name = {variant.name: variant for variant in variants}
    found: Samples = {variant.name: [] for variant in variants}
    for ours, floor in FLOOR_OF.items():
        for name in turns([ours, floor], IDLE_ROUNDS):
            await asyncio.sleep(_IDLE_SECONDS)
            stream = await by_name[name].whole(SHAPE)
            found[name].append(stream.first_seconds * 1e3)
    return {name: values for name, values in found.items() if values}
