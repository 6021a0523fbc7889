"""What the web page costs a browser: 100,000 characters of thought at 1,000 tokens a second.

Needs Node.js, Debian's Chromium and the built bundle (`make webui`); says so where one is missing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

from scripts.tree import ROOT

PORT = "8497"
MEASURE = ROOT / "webui" / "e2e" / "long-thought.mjs"


def missing() -> str | None:
    """Say what is not there, or return None."""
    for program in ("node", "chromium"):
        if shutil.which(program) is None:
            return program
    for folder in ("webui/node_modules", "src/thinkaloud/webui"):
        if not (ROOT / folder).is_dir():
            return folder
    return None


def measure() -> dict[str, object]:
    """Serve the page with a model that thinks long, and return what the browser measured."""
    command = [sys.executable, "-m", "tests.e2e.scripted_server", PORT]
    with tempfile.TemporaryDirectory() as data:
        environment = os.environ | {"THINKALOUD_DATA_DIR": data}
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().strip()
            found = subprocess.run(["node", str(MEASURE), address], check=True, capture_output=True)
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
    figures = measure()
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


if __name__ == "__main__":
    main()
