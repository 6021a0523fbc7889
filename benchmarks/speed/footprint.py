"""What the server takes before and besides its tokens: start-up, imports, memory."""

import asyncio
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Final

from benchmarks.speed.samples import Samples, until
from benchmarks.speed.variants import FLOOR_OF, Lab, serve

HELD: Final = 200
_WARM: Final = 200
_TOKENS: Final = 50
HELD_SHAPE: Final = f"n{_TOKENS}-r25-hold"
_STARTS: Final = 5
IMPORTS: Final = ("import thinkaloud", "from thinkaloud import Agent")


async def memory_per_stream(lab: Lab) -> Samples:
    """Return the KiB that an open stream takes after 50 tokens, each variant in a new process."""
    found: Samples = {}
    for name in (*FLOOR_OF.values(), *FLOOR_OF):
        with lab.variants() as variants:
            (variant,) = (each for each in variants if each.name == name)
            open_streams = []
            before = 0
            for wanted in (_WARM, _WARM + HELD):
                before = variant.process.resident_bytes()
                missing = wanted - len(open_streams)
                new = [await variant.ask(HELD_SHAPE) for _ in range(missing)]
                open_streams += new
                await until(lambda: all(stream.tokens == _TOKENS for stream in open_streams))  # noqa: B023
                await asyncio.sleep(0.5)
            grown = variant.process.resident_bytes() - before
            found[name] = [grown / HELD / 1024]
            for stream in open_streams:
                stream.close()
    return found


def start_up(lab: Lab) -> Samples:
    """Return the seconds until the server is healthy, and the CPU seconds that takes."""
    found: Samples = {"ready": [], "CPU": []}
    for _ in range(_STARTS):
        start = time.perf_counter()
        with serve(lab.folder, lab.configuration) as process:
            address = f"http://127.0.0.1:{process.port}/healthz"
            while not _answers(address):
                time.sleep(0.002)
            found["ready"].append(time.perf_counter() - start)
            found["CPU"].append(process.cpu_seconds())
    return found


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def import_times() -> Samples:
    """Return the seconds that each import takes in a new interpreter."""
    found: Samples = {statement: [] for statement in IMPORTS}
    for _ in range(_STARTS):
        for statement, times in found.items():
            code = (
                f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            )
            done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
            times.append(float(done.stdout))
    return found
