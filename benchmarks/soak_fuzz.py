"""Coverage-guided fuzzing of everything that reads a provider's bytes (`make soak`).

Every target runs in a process of its own, which ends at its first finding and prints it in
base64. Put what it printed into `tests/providers/test_fuzz.py`, so that it stays fixed.
"""

import argparse
import base64
import importlib
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.providers.targets import TARGETS, seeds

_WORDS = re.compile(rb'"[A-Za-z_.]{2,40}"')
_MARKS = (b'"data: "', b'"\\x0a\\x0adata: "', b'"event: "', b'"[DONE]"', b'"null"', b'"\\xff"')


def fuzz(name: str, folder: Path, seconds: int) -> None:
    """Fuzz one target in this process; does not return."""
    atheris: Any = importlib.import_module("atheris")
    for module in [key for key in sys.modules if key.partition(".")[0] in {"thinkaloud", "tests"}]:
        del sys.modules[module]
    with atheris.instrument_imports(include=["thinkaloud"]):
        targets: ModuleType = importlib.import_module("tests.providers.targets")
    check = targets.TARGETS[name]

    def one(data: bytes) -> None:
        if len(data) > 2:
            check(data)

    options = [
        f"-max_total_time={seconds}",
        f"-artifact_prefix={folder}/found-",
        f"-dict={folder}/words",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder / "corpus")], one)
    atheris.Fuzz()


def prepare(name: str, folder: Path) -> None:
    """Write the seeds, and the words that stand in them."""
    corpus = folder / "corpus"
    corpus.mkdir()
    words: set[bytes] = set(_MARKS)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
        for word in _WORDS.findall(seed):
            words.add(b'"\\"' + word[1:-1] + b'\\""')
    (folder / "words").write_bytes(b"\n".join(sorted(words)) + b"\n")


def run(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own; return whether it found nothing."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(name, folder)
        command = [sys.executable, "-m", "benchmarks.soak_fuzz", "--child", name]
        done = subprocess.run(
            [*command, "--folder", place, "--seconds", str(seconds)],
            capture_output=True,
            check=False,
        )
        output = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
        executed = re.search(r"number_of_executed_units:\s*(\d+)", output)
        inputs = len(list((folder / "corpus").iterdir()))
        count = executed.group(1) if executed else "?"
        print(f"  {name:28}{count:>10} runs, {inputs:4} inputs of interest", flush=True)
        for found in sorted(folder.glob("found-*")):
            print(f"    {found.name}: {base64.b64encode(found.read_bytes()).decode()}")
        if done.returncode:
            print("    " + "\n    ".join(output.splitlines()[-40:]), flush=True)
        return done.returncode == 0


def main() -> int:
    """Fuzz all targets, or those named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=120, help="for each target (120)")
    options.add_argument("--child", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options.add_argument("only", nargs="*", help=f"of {', '.join(TARGETS)}")
    given = options.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("There is no atheris for this system or this Python (Linux on x86-64, 3.12 to 3.14):")
        print("nothing is fuzzed by coverage. `make test` replays a fixed set.")
        return 0
    if given.child:
        fuzz(given.child, given.folder, given.seconds)
    names = [name for name in TARGETS if not given.only or name in given.only]
    results = [run(name, given.seconds) for name in names]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
