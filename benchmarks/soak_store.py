"""Kill -9 at random moments of writing, for long: nothing acknowledged is ever lost (`make soak`)."""

import asyncio
import tempfile
from pathlib import Path

from benchmarks.support.rounds import endure
from tests.stores.crash import crash


def once(kills: int, seed: int) -> str:
    """Kill the writers of one database."""
    with tempfile.TemporaryDirectory() as folder:
        kept = asyncio.run(crash(Path(folder) / "thinkaloud.db", rounds=kills, seed=seed))
    return f"the last {len(kept.through)} pairs of conversations are whole"


if __name__ == "__main__":
    endure(__doc__, "kills", 200, at_once=20, once=once)
