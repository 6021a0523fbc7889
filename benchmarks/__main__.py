"""What `make bench` runs: measure the server's speed beside two floors, and print one table.

Takes about seven minutes. `--all` also runs the other benchmarks, each of which prints its own
figures; `--peers` also measures other servers, each in a virtual environment of its own.
"""

import argparse
import signal
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.report import report
from benchmarks.report.rows import rows
from benchmarks.speed import peers
from benchmarks.speed.measurements import NAMES, SHAPES, Course
from benchmarks.speed.processes import allow_many_files, python_module, started
from benchmarks.speed.variants import open_lab

OTHERS: Final = (
    "bench_instructions",
    "bench_decode",
    "bench_store",
    "bench_durability",
    "bench_page",
)


def _stop(number: int, frame: object) -> None:
    """End the processes that were started, too."""
    raise KeyboardInterrupt


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--all", action="store_true", help="run the other benchmarks, too")
    options.add_argument("--json", type=Path, metavar="FILE", help="also write the result here")
    options.add_argument(
        "--only", default="", metavar="NAMES", help=f"only some of: {', '.join(NAMES)}"
    )
    options.add_argument("--peers", action="store_true", help="measure other servers, too")
    given = options.parse_args()
    only = [name for name in given.only.split(",") if name]
    if unknown := set(only) - set(NAMES):
        options.error(f"there is no {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, _stop)
    allow_many_files()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(started(*python_module("benchmarks.speed.provider")))
        lab = open_lab(folder, provider, SHAPES)
        others = stack.enter_context(peers.running(lab)) if given.peers else []
        found = uvloop.run(Course(lab, others).run(only))
    result = report.Report(report.this_machine(), tuple(rows(found)))
    print(report.heading(result.machine))
    print("\n".join(report.table(result.rows)))
    if given.json:
        report.write(result, given.json)
    for name in OTHERS if given.all else ():
        print(f"\n== {name}", flush=True)
        subprocess.run(python_module(f"benchmarks.{name}"), check=True)


if __name__ == "__main__":
    main()
