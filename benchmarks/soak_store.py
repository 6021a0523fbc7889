"""Kill -9 at random moments of writing, for long: nothing acknowledged is ever lost (`make soak`)."""

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from tests.stores.crash import Acknowledged, crash


def main() -> None:
    """Kill writers of one database after another; stops at the first that lost something."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=200, help="of all databases together (200)")
    options.add_argument(
        "--seed", type=int, default=None, help="of the moments; printed if left out"
    )
    given, _ = options.parse_known_args()  # `make soak` hands its ARGS to every soak
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"  seed {seed}")
    start = time.perf_counter()
    done = pairs = 0
    while done < given.kills:
        kills = min(20, given.kills - done)
        with tempfile.TemporaryDirectory() as folder:
            kept: Acknowledged = asyncio.run(
                crash(Path(folder) / "thinkaloud.db", rounds=kills, seed=seed + done)
            )
        done += kills
        pairs += len(kept.through)
        print(f"  {done} kills, {pairs} pairs of conversations whole", flush=True)
    print(f"  nothing was lost in {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
