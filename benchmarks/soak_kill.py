"""Kill -9 at random moments of a stream, for long: nothing committed is ever lost (`make soak`)."""

import asyncio
import tempfile
from pathlib import Path

from benchmarks.support.rounds import endure
from tests.e2e.killing import crash


def once(kills: int, seed: int) -> str:
    """Kill the servers of one data directory."""
    with tempfile.TemporaryDirectory() as folder:
        left = asyncio.run(crash(Path(folder), kills=kills, seed=seed))
    return (
        f"of the last {kills} runs {left.interrupted} were interrupted and {left.completed} "
        f"complete; {left.snapshots} followers came back to a snapshot; at most "
        f"{left.lost_characters} characters were streamed and not kept"
    )


if __name__ == "__main__":
    endure(__doc__, "kills", 50, at_once=10, once=once)
