"""The processes under measurement, and what the kernel says about them (Linux only: `/proc`)."""

import os
import re
import resource
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

THINKALOUD: Final = str(Path(sys.executable).with_name("thinkaloud"))
_SHUTDOWN_SECONDS: Final = 10.0


class Process:
    """A running process that listens on a port."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu_seconds(self) -> float:
        """Return the CPU time of all its threads so far, in nanosecond resolution."""
        return self._scheduled(0)

    def waiting_seconds(self) -> float:
        """Return how long its threads were ready to run, but others had the cores."""
        return self._scheduled(1)

    def _scheduled(self, field: int) -> float:
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text(encoding="ascii").split()[field])
            except FileNotFoundError:
                continue  # a thread that has just ended
        return total / 1e9

    def resident_bytes(self) -> int:
        """Return the memory that it holds."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@contextmanager
def started(
    *arguments: str, cores: Iterable[int] | None = None, **environment: str
) -> Iterator[Process]:
    """Run a program that prints its port, or a URL with it, in its first line; end it afterwards.

    `cores` are the only ones it may run on.
    """

    def pin() -> None:
        os.sched_setaffinity(0, cores or ())

    with subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        preexec_fn=None if cores is None else pin,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.search(r"(?:127\.0\.0\.1:)?(\d{4,5})\b", line)
            assert found, f"{arguments} printed {line!r} instead of its port"
            yield Process(process.pid, int(found[1]))
        finally:
            process.terminate()
            try:
                process.wait(_SHUTDOWN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def this_process() -> Process:
    """Return the process that this code runs in: the clients."""
    return Process(os.getpid(), 0)


def python_module(name: str) -> tuple[str, str, str]:
    """Return the command that runs a module with this Python."""
    return sys.executable, "-m", name


def cores() -> list[int]:
    """Return the cores this process may use; empty where they cannot be chosen."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def allow_many_files() -> None:
    """Raise this process's limit of open files, which its children inherit, as far as allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
