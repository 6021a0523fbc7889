"""The network guard of tests/conftest.py fails a test that connects outside this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.tree import ROOT

INSIDE = """
import asyncio, socket

async def test_loopback_is_open():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "localhost", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()
    server.close()
"""
OUTSIDE = """
import asyncio, contextlib, socket, pytest

@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0)])
def test_connect(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as sock:
        sock.connect(address)

def test_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("192.0.2.1", 53))

def test_lookup():
    socket.getaddrinfo("nowhere.invalid", 443)

async def test_swallowed():
    with contextlib.suppress(Exception):
        await asyncio.open_connection("nowhere.invalid", 443)
"""


def run_tests(folder: Path, text: str) -> str:
    """The report of pytest on this test file beside our conftest.py."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_network.py").write_text(text, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rA",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        "-o",
        "asyncio_mode=auto",
    ]
    result = subprocess.run(
        [*command, str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout


def test_loopback_is_open(tmp_path: Path) -> None:
    assert "1 passed" in run_tests(tmp_path, INSIDE)


def test_every_outside_connection_fails_the_test_even_if_the_error_is_swallowed(
    tmp_path: Path,
) -> None:
    report = run_tests(tmp_path, OUTSIDE)
    assert "4 failed, 1 passed, 5 errors" in report
    assert "PASSED test_network.py::test_swallowed" in report
    for name in (
        "test_connect[address0]",
        "test_connect[address1]",
        "test_datagram",
        "test_lookup",
    ):
        assert f"ERROR at teardown of {name}" in report
    assert "ERROR at teardown of test_swallowed" in report
    assert "the test reached outside this machine: socket.getaddrinfo nowhere.invalid" in report
