"""Install a distribution in a fresh environment, and use it: serve the page and answer a message.

Usage: `python scripts/release/check_install.py DISTRIBUTION PYTHON...`. Prints a line per Python; exits with 1 if one fails. It uses
the standard library only, so that any Python runs it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
REQUEST_TIMEOUT = 60.0


def install(distribution: Path, python: str, folder: Path) -> Path:
    """Install it in a new environment in `folder`. Returns the folder of its programs."""
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    subprocess.run(
        [programs / "python", "-m", "pip", "install", "--quiet", distribution.resolve()], check=True
    )
    return programs


@contextmanager
def served(programs: Path, folder: Path) -> Generator[str]:
    """Run `thinkaloud serve` in an empty folder, without Node.js on the PATH. Yields its address."""
    work = folder / "work"
    work.mkdir()
    environment = {
        "PATH": str(programs),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "THINKALOUD_DATA_DIR": str(folder / "data"),
    }
    process = subprocess.Popen(
        [programs / "thinkaloud", "serve", "--port", "0"],
        cwd=work,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield address_in(process)
    finally:
        process.terminate()
        process.communicate(timeout=REQUEST_TIMEOUT)


def address_in(process: "subprocess.Popen[str]") -> str:
    """Wait for the line with the server's address."""
    printed: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        printed.append(line)
        if found := ADDRESS.search(line):
            return found.group()
    raise RuntimeError(f"`thinkaloud serve` exited:\n{''.join(printed)}")


def page_of(address: str) -> str:
    """Return what a browser gets at this address."""
    return requested(urllib.request.Request(address, headers={"Accept": "text/html"}))


def requested(request: urllib.request.Request) -> str:
    """Return the body of the response, as text."""
    with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT) as response:
        return response.read().decode()


def reply_to(address: str, text: str) -> dict[str, object]:
    """Return the reply to a message, with its reasoning."""
    message = json.dumps({"text": text, "include_reasoning": True}).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/api/v1/chat/message", message, headers)
    return json.loads(requested(request))


def check(distribution: Path, python: str) -> str:
    """Install and use it. Returns the version; raises an exception that says what is wrong."""
    with tempfile.TemporaryDirectory(prefix="thinkaloud-install-") as name:
        folder = Path(name)
        programs = install(distribution, python, folder)
        with served(programs, folder) as address:
            script = re.search(r'src="([^"]+\.js)"', page_of(address))
            if script is None or not page_of(urljoin(address, script.group(1))):
                raise RuntimeError("The page is missing.")
            reply = reply_to(address, "What is 12 * (3 + 4)?")
            if "84" not in str(reply["response"]) or not reply["reasoning"]:
                raise RuntimeError(f"Not the expected answer: {reply}")
        version = subprocess.run(
            [programs / "thinkaloud", "--version"], check=True, capture_output=True, text=True
        )
        return version.stdout.strip()


def main(arguments: list[str]) -> int:
    """Check a distribution with each Python."""
    distribution, *pythons = arguments
    failed = False
    for python in pythons:
        try:
            outcome = check(Path(distribution), python)
        except (OSError, RuntimeError, KeyError, subprocess.SubprocessError) as error:
            outcome = f"failed: {error}"
            failed = True
        print(f"{os.path.basename(distribution)} with {python}: {outcome}", flush=True)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
