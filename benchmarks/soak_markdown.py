"""Shows the page thousands of hostile, multilingual and made-up texts in Markdown (`make soak`).

It runs the fuzzer of `webui/e2e/markdown-fuzz.test.ts`, of which every `make test` runs a short round, with more
and larger texts. It names the text that failed; put that into `webui/src/fuzz/corpus.ts`, so that it stays fixed.
"""

import argparse
import os
import random
import subprocess
import sys

from benchmarks.bench_page import missing
from scripts.tree import ROOT


def main() -> None:
    """Fuzz, from a seed of its own each time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=400, help="how many texts to make up")
    parser.add_argument("--size", type=int, default=20_000, help="how large hostile texts are")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000_000))
    given, _ = parser.parse_known_args()
    lacking = missing()
    if lacking is not None:
        print(f"Not run: there is no {lacking}.")
        return
    print(f"{given.rounds} texts from seed {given.seed} on", flush=True)
    environment = os.environ | {
        "MARKDOWN_FUZZ_ROUNDS": str(given.rounds),
        "MARKDOWN_FUZZ_SIZE": str(given.size),
        "MARKDOWN_FUZZ_SEED": str(given.seed),
    }
    command = ["npm", "run", "e2e", "--", "e2e/markdown-fuzz.test.ts"]
    sys.exit(subprocess.run(command, cwd=ROOT / "webui", env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
