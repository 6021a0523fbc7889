"""Kill -9 at random moments of a stream, for long: nothing committed is ever lost (`make soak`)."""

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from tests.e2e.killing import Left, crash


def main() -> None:
    """Kill servers of one data directory after another; stops at the first that lost something."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50, help="of all directories together (50)")
    options.add_argument(
        "--seed", type=int, default=None, help="of the moments; printed if left out"
    )
    given, _ = options.parse_known_args()  # `make soak` hands its ARGS to every soak
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"  seed {seed}")
    start = time.perf_counter()
    done = 0
    while done < given.kills:
        kills = min(10, given.kills - done)
        with tempfile.TemporaryDirectory() as folder:
            left: Left = asyncio.run(crash(Path(folder), kills=kills, seed=seed + done))
        done += kills
        print(
            f"  {done} kills: of the last {kills} runs {left.interrupted} were interrupted and "
            f"{left.completed} complete; {left.snapshots} followers came back to a snapshot; at "
            f"most {left.lost_characters} characters were streamed and not kept",
            flush=True,
        )
    print(f"  nothing committed was lost in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
