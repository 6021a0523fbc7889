"""The rows of the benchmark's table: what is measured, the target, the result and how."""

import statistics
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from benchmarks.speed import first_token, footprint, streams, tokens
from benchmarks.speed.measurements import Measurements
from benchmarks.speed.samples import Samples
from benchmarks.speed.variants import (
    CHAT,
    FLOOR_OF,
    KEYS_OF,
    MESSAGES,
    OWN,
    PROTOCOLS,
    RELAY,
    SSE,
    WS,
)

Bound = Literal["at most", "at least"]
WIRES: Final = {SSE: "SSE", WS: "WebSocket"}


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    id: str
    what: str
    unit: str
    median: float
    best: float | None
    """The best that was measured; None if there is only one value."""
    target: float | None
    """None: for information."""
    bound: Bound
    method: str

    @property
    def met(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        if self.target is None:
            return None
        if self.bound == "at most":
            return self.median <= self.target
        return self.median >= self.target


class Rows:
    """Builds the rows of one group that share their unit and method."""

    def __init__(self, unit: str, method: str, bound: Bound = "at most") -> None:
        self._unit = unit
        self._method = method
        self._bound: Bound = bound

    def plain(self, id: str, what: str, values: list[float], target: float | None = None) -> Row:
        """Return a row of values as they are."""
        best = (min if self._bound == "at most" else max)(values) if len(values) > 1 else None
        median = statistics.median(values)
        return Row(id, what, self._unit, median, best, target, self._bound, self._method)

    def ratio(
        self, id: str, what: str, samples: Samples, pair: tuple[str, str], target: float | None
    ) -> Row:
        """Return how many times the one variant's figure is the other's."""
        ours, floor = (samples[name] for name in pair)
        median = statistics.median(ours) / statistics.median(floor)
        best = min(ours) / min(floor)
        return Row(id, what, self._unit, median, best, target, self._bound, self._method)

    def added(
        self, id: str, what: str, samples: Samples, pair: tuple[str, str], target: float | None
    ) -> Row:
        """Return by how much the one variant's figure is more than the other's."""
        ours, floor = (samples[name] for name in pair)
        median = statistics.median(ours) - statistics.median(floor)
        best = min(ours) - min(floor)
        return Row(id, what, self._unit, median, best, target, self._bound, self._method)


def rows(found: Measurements) -> list[Row]:
    """Return the rows for everything that was measured."""
    return [
        *_cpu_per_token(found.cpu_per_token),
        *_first_token(found),
        *_bursts(found.bursts),
        *_loads(found.loads),
        *_followers(found.follower),
        *_cpu_per_run(found.cpu_per_run),
        *_footprint(found),
        *_peers(found),
    ]


def _key(name: str) -> str:
    return "ws" if name == WS else "sse"


def _cpu_per_token(samples: Samples) -> Iterator[Row]:
    if not samples:
        return
    method = f"{tokens.STREAMS} streams at {tokens.RATE} tokens/s, the less disturbed half of the windows of {tokens.WINDOW_SECONDS} s inside the runs"
    compared = Rows("×", method)
    for name, target in ((SSE, 1.05), (WS, 1.0)):
        pair = name, FLOOR_OF[name]
        what = f"CPU per token, {WIRES[name]}, vs decode-and-frame"
        yield compared.ratio(f"token_vs_floor.{_key(name)}", what, samples, pair, target)
    for name in PROTOCOLS:
        if name in samples:
            other = name.partition(", ")[2]
            key = f"token_vs_sse.{other.lower().replace(' ', '_')}"
            what = f"CPU per token, {other}, vs SSE"
            target = 1.0 if name in (CHAT, MESSAGES) else 1.1
            yield compared.ratio(key, what, samples, (name, SSE), target)
    for name, keyed in KEYS_OF.items():
        if keyed in samples:
            what = f"CPU per token with API keys, {WIRES[name]}, vs without"
            id = f"token_with_keys.{_key(name)}"
            yield compared.ratio(id, what, samples, (keyed, name), 1.05)
    for name in (SSE, WS):
        what = f"CPU per token, {WIRES[name]}, vs byte relay"
        yield compared.ratio(f"token_vs_relay.{_key(name)}", what, samples, (name, RELAY), 3.7)
    for name in (SSE, WS):
        what = f"streams of {streams.RATE} tokens/s that use 85% of a core, {WIRES[name]}"
        fitting = [0.85e6 / streams.RATE / cost for cost in samples[name]]
        capacity = Rows(
            "", "from the CPU per token, so that other load does not matter", "at least"
        )
        yield capacity.plain(f"capacity.{_key(name)}", what, fitting)
    plain = Rows("µs", method)
    for name, values in samples.items():
        yield plain.plain(f"token.{_slug(name)}", f"CPU per token: {name}", values)


def _slug(name: str) -> str:
    return name.lower().replace(", ", ".").replace(" ", "_")


def _first_token(found: Measurements) -> Iterator[Row]:
    if not found.first_alone:
        return
    alone = Rows("ms", f"{first_token.ALONE} requests one after another, minus the byte relay's")
    for name in (SSE, WS):
        what = f"first token, {WIRES[name]}, added"
        pair = name, RELAY
        yield alone.added(f"first_added.{_key(name)}", what, found.first_alone, pair, 1.2)
    floors = Rows("ms", f"{first_token.ALONE} requests one after another, minus the byte relay's")
    for floor in FLOOR_OF.values():
        pair = floor, RELAY
        what = f"first token, {floor}, added"
        yield floors.added(f"first_added.{_slug(floor)}", what, found.first_alone, pair, None)
    crowd = Rows(
        "×", f"median of {first_token.AT_ONCE} requests at once, {first_token.ROUNDS} times"
    )
    idle = Rows("×", f"{first_token.IDLE_ROUNDS} requests, each after 1 s without any")
    for name in (SSE, WS):
        pair, wire = (name, FLOOR_OF[name]), WIRES[name]
        what = f"first token of 40 runs at once, {wire}, vs decode-and-frame"
        samples = found.first_at_once
        yield crowd.ratio(f"first_of_40_vs_floor.{_key(name)}", what, samples, pair, 2.0)
        what = f"first token after idling, {wire}, vs decode-and-frame"
        samples = found.first_after_idling
        yield idle.ratio(f"first_idle_vs_floor.{_key(name)}", what, samples, pair, 1.5)


def _bursts(bursts: Mapping[int, tokens.Bursts]) -> Iterator[Row]:
    for length, found in bursts.items():
        samples = found.rates
        method = f"one stream as fast as it goes, {tokens.BURSTS[length]} times"
        rate = Rows("tokens/s", method, "at least")
        target = 125_000.0 if length == 8_000 else None
        for name in (SSE, WS):
            what = f"burst of {length:,} tokens, {WIRES[name]}"
            yield rate.plain(f"burst_{length}.{_key(name)}", what, samples[name], target)
        for name in FLOOR_OF.values():
            what = f"burst of {length:,} tokens: {name}"
            yield rate.plain(f"burst_{length}.{_slug(name)}", what, samples[name])
        compared = Rows("×", method)
        for name in (SSE, WS):
            pair, id = (name, FLOOR_OF[name]), f"burst_{length}_vs_floor.{_key(name)}"
            what = f"CPU per token of a burst of {length:,}, {WIRES[name]}, vs decode-and-frame"
            yield compared.ratio(id, what, found.costs, pair, None)
    if 8_000 in bursts and 100_000 in bursts:
        for name in (SSE, WS):
            medians = [statistics.median(bursts[size].rates[name]) for size in (100_000, 8_000)]
            what = f"rate of 100,000 tokens vs that of 8,000, {WIRES[name]}"
            method = "the two medians above; 10% is within the noise"
            share = medians[0] / medians[1]
            id = f"long_burst_vs_short.{_key(name)}"
            yield Row(id, what, "×", share, None, 0.9, "at least", method)


def _loads(loads: Mapping[str, list[streams.Load]]) -> Iterator[Row]:
    method = f"{streams.RATE} tokens/s each, from the provider's write to the client's read; median window"
    for name, steps in loads.items():
        last = steps[-1]
        for step in steps:
            what = f"delay p99 of {step.streams} streams on one core: {name}"
            id = f"delay_{step.streams}.{_slug(name)}"
            yield Row(id, what, "ms", step.p99_ms, None, None, "at most", method)
        what, id = f"core used by {last.streams} streams: {name}", f"core.{_slug(name)}"
        yield Row(id, what, "%", last.core * 100, None, None, "at most", method)
        if name in FLOOR_OF:
            what = f"streams on one core with p99 < 50 ms, {WIRES[name]}"
            tried = ", ".join(str(step) for step in streams.STEPS)
            id, count = f"streams.{_key(name)}", float(streams.carried(steps))
            how = f"{streams.RATE} tokens/s each; {tried} are tried, until one is late"
            yield Row(id, what, "", count, None, 500, "at least", how)


def _followers(samples: Samples) -> Iterator[Row]:
    each = Rows(
        "µs", "CPU per frame and follower of one run, over SSE, besides the first follower's"
    )
    for name, values in samples.items():
        count = name.partition(" ")[0]
        yield each.plain(f"follower.{count}", f"each additional of {name}", values, 12)


def _cpu_per_run(samples: Samples) -> Iterator[Row]:
    each = Rows(
        "ms",
        f"{tokens.RUNS} runs one after another, {tokens.RUN_ROUNDS} times, connection included",
    )
    for name, values in samples.items():
        target = 2.5 if name in FLOOR_OF else None
        what = f"CPU per run besides its tokens: {name}"
        yield each.plain(f"run.{_slug(name)}", what, values, target)


def _footprint(found: Measurements) -> Iterator[Row]:
    memory = Rows("KiB", f"growth of {footprint.HELD} open streams of 50 tokens each")
    for name, values in found.memory.items():
        target = 40.0 if name in FLOOR_OF else None
        what = f"memory per open stream: {name}"
        yield memory.plain(f"memory.{_slug(name)}", what, values, target)
    times = Rows("s", "five new processes")
    for name, values in found.start_up.items():
        what = f"start-up until healthy, {name}"
        target = 1.2 if name == "ready" else None
        yield times.plain(f"start.{name.lower()}", what, values, target)
    for name, values in found.imports.items():
        yield times.plain(f"import.{_slug(name)}", f"`{name}`", values, 0.3)


def _peers(found: Measurements) -> Iterator[Row]:
    tables = (
        ("token", f"CPU per token of {tokens.PEER_STREAMS} streams", found.cpu_per_token_of_few),
        ("run", "CPU per run besides its tokens", found.cpu_per_run),
        ("first", "first token", found.first_alone),
        ("burst", "time of a burst of 8,000 tokens", _times(found.bursts)),
    )
    few = Rows("µs", f"{tokens.PEER_STREAMS} streams at {tokens.RATE} tokens/s, windows as above")
    for name, values in found.cpu_per_token_of_few.items():
        what = f"CPU per token of {tokens.PEER_STREAMS} streams: {name}"
        yield few.plain(f"token_of_few.{_slug(name)}", what, values)
    compared = Rows("×", "as above; how many times the server's own figure")
    for key, what, samples in tables:
        for name in samples:
            if name not in OWN:
                label = f"{what}: {name}, vs thinkaloud, SSE"
                pair, id = (name, SSE), f"peer_{key}.{_slug(name)}"
                yield compared.ratio(id, label, samples, pair, None)


def _times(bursts: Mapping[int, tokens.Bursts]) -> Samples:
    if 8_000 not in bursts:
        return {}
    rates = bursts[8_000].rates.items()
    return {name: [8_000 / rate for rate in values] for name, values in rates}
