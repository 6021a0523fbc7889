"""Hostile HTTP heads and WebSocket frames against a real server (`make soak`).

The same fuzzer as in `tests/server/connections/test_hostile_clients.py`, for longer: every connection is answered
or closed, well-behaved clients are still served, the memory stays bounded, and the log stays short.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.e2e.server_process import SERVE, ServerProcess, server, server_stderr
from tests.server.hostile import send_hostile_traffic

_CONFIGURATION: Final = """
[server]
header_timeout_seconds = 0.5
body_timeout_seconds = 0.5

[store]
kind = "memory"
"""
_MAY_GROW: Final = 256 * 2**20
_ROUND: Final = 250
_HALF_OPEN: Final = 1_500


async def _well_served(served: ServerProcess) -> None:
    status, health = await served.get("/health")
    assert status == 200, health


async def _half_open(served: ServerProcess, port: int) -> None:
    """Hold many connections that ask for nothing, and look whether others are served."""
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(_HALF_OPEN)]
    async with served.socket() as socket:
        await _well_served(served)
        await socket.send_json({"type": "stop", "run_id": "run_unknown"})
        assert (await socket.receive_json())["event"] == "error"
    for _, writer in held:
        writer.close()


async def soak(folder: Path, seconds: float, seed: int) -> str:
    """Batter one server for so long. Raises at the first that is wrong; returns what was done."""
    async with server(folder, _CONFIGURATION, SERVE) as served:
        port = int(served.url.rpartition(":")[2])
        await send_hostile_traffic(port, seed, _ROUND)
        before, until, rounds = served.resident_bytes(), time.monotonic() + seconds, 1
        while time.monotonic() < until:
            await asyncio.gather(
                send_hostile_traffic(port, seed + rounds, _ROUND), _well_served(served)
            )
            rounds += 1
        await _half_open(served, port)
        grown = served.resident_bytes() - before
        assert grown < _MAY_GROW, f"the server grew by {grown >> 20} MiB"
        assert await served.terminate() == 0
    log = server_stderr(folder)
    assert "Traceback" not in log, log[-5_000:]
    assert log.count("\n") < 50 + 10 * seconds / 60, log[-5_000:]
    return f"{2 * _ROUND * rounds} heads and rows of frames, grown by {grown >> 20} MiB"


def main() -> None:
    """Soak one server after another; stops at the first that is wrong."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=300.0, help="in all (300)")
    options.add_argument("--seed", type=int, default=1, help="of what the clients send (1)")
    given, _ = options.parse_known_args()  # `make soak` hands its ARGS to every soak
    each = min(60.0, given.seconds)
    for number in range(max(1, round(given.seconds / each))):
        seed = given.seed + 1_000 * number
        with tempfile.TemporaryDirectory() as folder:
            print(f"  seed {seed}: {asyncio.run(soak(Path(folder), each, seed))}", flush=True)
    print("  every connection was answered or closed, and everybody else was served")


if __name__ == "__main__":
    main()
