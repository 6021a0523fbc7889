"""What the server adds between a provider and a client, beside a bare relay of bytes.

Four processes: a fake provider, the relay, `thinkaloud serve`, and the clients (this one).
"""

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.support.clients import StreamTiming, Way, ask

TICK = 1 / os.sysconf("SC_CLK_TCK")
WAYS: tuple[Way, ...] = ("relay", "sse", "websocket")
FIRSTS = 200
BURSTS = 9
STREAMS, RATE, SECONDS = 40, 50, 6
HELD = 200
SETTLE = 0.3
"""Seconds before each burst, in which the log of the one before is written to the end."""
SHAPES = ("n4-r0", "n500-r0", "n8000-r0", f"n{RATE * SECONDS}-r{RATE}", "n50-r0-hold")


class Process:
    """A process under measurement."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu(self) -> float:
        """Seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
        user, system = fields.split()[11:13]
        return (int(user) + int(system)) * TICK

    def memory(self) -> int:
        """Bytes that it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[Process]:
    """Run a Python module or program that prints its port, or a URL with it, in its first line."""
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, env={**os.environ, **environment}
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.search(r"(?:127\.0\.0\.1:)?(\d{4,5})\b", line)
            assert found, line
            yield Process(process.pid, int(found[1]))
        finally:
            process.terminate()


def configuration(folder: Path, provider: int) -> Path:
    """Write a configuration with one host for each shape of stream."""
    lines = ["[model]", 'default = "n4-r0/m"', "[tools]", "enabled = false"]
    for shape in SHAPES:
        lines += [f"[hosts.{shape}]", 'dialect = "openai-chat"', 'models = ["m"]']
        lines.append(f'base_url = "http://127.0.0.1:{provider}/{shape}"')
    file = folder / "thinkaloud.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Bench:
    """The measurements, each for every way."""

    def __init__(self, server: Process, relay: Process, provider: Process) -> None:
        self._by_way = {"relay": relay, "sse": server, "websocket": server}
        self._provider = provider

    async def all(self) -> None:
        """Measure and print everything."""
        for way in WAYS:
            for shape in ("n500-r0", "n4-r0", "n4-r0"):
                await self._one(way, shape)
        await self._first_token()
        await self._cpu_per_token()
        await self._bursts()
        await self._memory()

    async def _one(self, way: Way, shape: str) -> StreamTiming:
        model = shape if way == "relay" else f"{shape}/m"
        took = await (await ask(way, self._by_way[way].port, model)).rest()
        tokens = int(shape[1:].partition("-")[0])
        assert took.tokens == tokens, f"{way}: {took.tokens} of {tokens} tokens came"
        return took

    async def _first_token(self) -> None:
        times: dict[Way, list[float]] = {way: [] for way in WAYS}
        for _ in range(FIRSTS):
            for way in WAYS:
                times[way].append((await self._one(way, "n4-r0")).first)
        print(f"Time to first token, one request after the other ({FIRSTS} each)")
        for way in WAYS:
            p50, p99 = percentile(times[way], 50) * 1e3, percentile(times[way], 99) * 1e3
            line = f"  {way:10} p50 {p50:6.2f} ms   p99 {p99:6.2f} ms"
            if way != "relay":
                added = p50 - percentile(times["relay"], 50) * 1e3
                tail = p99 - percentile(times["relay"], 99) * 1e3
                line += f"   added: p50 {added:5.2f} ms (aim < 5), p99 {tail:5.2f} ms"
            print(line)

    async def _cpu_per_token(self) -> None:
        tokens = STREAMS * RATE * SECONDS
        print(f"CPU per token: {STREAMS} streams at {RATE} tokens a second for {SECONDS} s")
        floor = 0.0
        for way in WAYS:
            process = self._by_way[way]
            before = process.cpu()
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._one(way, SHAPES[3])) for _ in range(STREAMS)]
            firsts = [task.result().first for task in tasks]
            cost = (process.cpu() - before) / tokens * 1e6
            floor = floor or cost
            late = percentile(firsts, 50) * 1e3
            print(
                f"  {way:10} {cost:6.1f} µs a token, {cost / floor:4.1f} times the relay's;"
                f" first token p50 {late:.1f} ms as all begin at once"
            )

    async def _bursts(self) -> None:
        print(f"Tokens per second of one stream, as fast as it goes (median of {BURSTS})")
        rates: dict[tuple[Way, str], list[float]] = {}
        for _ in range(BURSTS):
            for way in WAYS:
                for shape in SHAPES[1:3]:
                    await asyncio.sleep(SETTLE)
                    run = await self._one(way, shape)
                    rates.setdefault((way, shape), []).append(run.tokens / run.whole)
        for way in WAYS:
            small, large = (statistics.median(rates[way, shape]) for shape in SHAPES[1:3])
            aim = "   (aim > 20,000, and 8,000 no slower than 500)" if way != "relay" else ""
            print(f"  {way:10} burst of 500: {small:9,.0f}   of 8,000: {large:9,.0f}{aim}")

    async def _memory(self) -> None:
        print(f"Memory per open stream ({HELD} that have sent 50 tokens and are still open)")
        for way in WAYS:
            process = self._by_way[way]
            model = SHAPES[4] if way == "relay" else f"{SHAPES[4]}/m"
            before = process.memory()
            streams = [await ask(way, process.port, model) for _ in range(HELD)]
            for stream in streams:
                await stream.first()
            each = (process.memory() - before) / HELD
            print(f"  {way:10} {each / 1024:7.1f} KiB")
            for stream in streams:
                stream.close()


def starting(folder: Path) -> None:
    """Measure start-up and imports."""
    times, costs = zip(*(_until_healthy(folder) for _ in range(5)), strict=True)
    print(
        f"Ready after {statistics.median(times):.2f} s, which takes"
        f" {statistics.median(costs):.2f} s of CPU (median of 5; aim < 1.2)"
    )
    for code in ("import thinkaloud", "from thinkaloud import Agent"):
        timed = f"import time; t = time.perf_counter(); {code}; print(time.perf_counter() - t)"
        runs = [
            float(subprocess.run([sys.executable, "-c", timed], stdout=subprocess.PIPE).stdout)
            for _ in range(5)
        ]
        print(f"`{code}` takes {statistics.median(runs):.3f} s (median of 5; aim < 0.3)")


def _until_healthy(folder: Path) -> tuple[float, float]:
    begun = time.perf_counter()
    program = str(Path(sys.executable).with_name("thinkaloud"))
    arguments = ("serve", "--port", "0", "--config", str(folder / "thinkaloud.toml"))
    with started(program, *arguments, THINKALOUD_DATA_DIR=str(folder / "data-start")) as process:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{process.port}/healthz", timeout=5)
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.002)
            else:
                return time.perf_counter() - begun, process.cpu()


def main() -> None:
    """Start the processes, measure, print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    program = str(Path(sys.executable).with_name("thinkaloud"))
    with (
        tempfile.TemporaryDirectory() as place,
        started(sys.executable, "-m", "benchmarks.support.fake_provider") as provider,
        started(sys.executable, "-m", "benchmarks.support.relay", str(provider.port)) as relay,
    ):
        folder = Path(place)
        file = str(configuration(folder, provider.port))
        with started(
            program, "serve", "--port", "0", "--config", file, THINKALOUD_DATA_DIR=place
        ) as server:
            uvloop.run(Bench(server, relay, provider).all())
        starting(folder)


if __name__ == "__main__":
    main()
