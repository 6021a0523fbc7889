"""Endurance tests: the same bad luck again and again, on something new every few times."""

import argparse
import random
import time
from collections.abc import Callable


def endure(
    description: str | None, what: str, most: int, *, at_once: int, once: Callable[[int, int], str]
) -> None:
    """Do `once(count, seed)` until `most` are done, or as many as the option `--{what}` says.

    It is given up to `at_once` of them and raises where something was lost; what it returns is
    printed. `--seed` repeats a run.
    """
    options = argparse.ArgumentParser(description=description)
    options.add_argument(f"--{what}", dest="total", type=int, default=most, help=f"({most})")
    options.add_argument("--seed", type=int, help="of the moments; printed if left out")
    given, _ = options.parse_known_args()  # `make soak` hands its ARGS to every soak
    seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
    print(f"  seed {seed}")
    start = time.perf_counter()
    done = 0
    while done < given.total:
        count = min(at_once, given.total - done)
        found = once(count, seed + done)
        done += count
        print(f"  {done} {what}: {found}", flush=True)
    print(f"  nothing was lost in {time.perf_counter() - start:.0f} s")
