"""What the web page costs a browser: a long thought at 1,000 tokens a second, a long conversation.

Needs Node.js, Debian's Chromium and the built bundle (`make webui`); says so where one is missing.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bench_durability import make_long_conversation
from scripts.tree import ROOT

PORT = "8497"
SCRIPTS = ROOT / "webui" / "e2e"


def missing() -> str | None:
    """Say what is not there, or return None."""
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            return program
    for folder in ("webui/node_modules", "src/thinkaloud/webui"):
        if not (ROOT / folder).is_dir():
            return folder
    return None


def measure(script: str, *, long: bool = False) -> dict[str, object]:
    """Serve the page with a model that thinks long, and return what the browser measured.

    With `long` there is a conversation of 10,000 messages.
    """
    command = [sys.executable, "-m", "tests.e2e.scripted_server", PORT]
    with tempfile.TemporaryDirectory() as data:
        environment = os.environ | {"THINKALOUD_DATA_DIR": data}
        if long:
            asyncio.run(make_long_conversation(Path(data) / "thinkaloud.db"))
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().strip()
            watching = ["node", str(SCRIPTS / script), address]
            found = subprocess.run(watching, check=True, capture_output=True)
        finally:
            server.terminate()
            server.wait()
    figures: dict[str, object] = json.loads(found.stdout)
    return figures


def main() -> None:
    """Print the figures beside their targets."""
    lacking = missing()
    if lacking is not None:
        print(f"Not measured: there is no {lacking}.")
        return
    show_thought(measure("long-thought.mjs"))
    show_conversation(measure("long-conversation.mjs", long=True))


def show_thought(figures: dict[str, object]) -> None:
    """Print what a thought of 100,000 characters cost."""
    print("a thought of 100,000 characters")
    print(f"frames a second   {figures['frames_a_second']:>8}   (target: 50 or more)")
    print(f"99 of 100 frames  {figures['frame_p99_ms']:>5} ms")
    print(f"slowest frame     {figures['frame_max_ms']:>5} ms")
    print(f"long tasks        {figures['long_tasks']:>8}   (over 50 ms; target: none)")
    print(
        f"longest of them   {figures['longest_task_ms']:>5} ms   at {figures['long_tasks_at_s']} s"
    )
    print(
        f"opened afterwards {figures['opened_longest_task_ms']:>5} ms   (its longest task; 0: none over 50)"
    )


def show_conversation(figures: dict[str, object]) -> None:
    """Print what a conversation of 10,000 messages cost."""
    print("a conversation of 10,000 messages")
    print(f"painted           {figures['painted_ms']:>5} ms   (after a reload; target: under 1000)")
    print(f"longest task      {figures['opening_longest_task_ms']:>5} ms   (target: under 200)")
    print(f"over the socket   {figures['kilobytes']:>5} kB")
    print(f"elements          {figures['nodes']:>8}")
    print(f"frames a second   {figures['frames_a_second']:>8}   (with a thought at its end)")
    print(f"longest task then {figures['thinking_longest_task_ms']:>5} ms   (0: none over 50)")
    print(
        f"longest task back {figures['going_back_longest_task_ms']:>5} ms   "
        f"({figures['runs_gone_back']} runs shown)"
    )


if __name__ == "__main__":
    main()
