"""Runs the program in forks of a process that has imported it, because importing takes most of its time.

Each run is still a process of its own, with its own environment, folder, pipes and exit code.
Started as a program, this module is the process that forks.
"""

import atexit
import contextlib
import fcntl
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

_MODULES: Final = (
    *("aiohttp", "anyio._backends._asyncio", "typer._adapters", "rich.markdown"),
    *("thinkaloud.cli.main", "thinkaloud.cli.acp.main"),
    *(
        f"thinkaloud.cli.commands.{name}"
        for name in ("chat", "conversations", "doctor", "models", "regenerate")
    ),
    *(f"thinkaloud.cli.commands.{name}" for name in ("conversation", "repl", "serve")),
    "thinkaloud.cli.commands.database.backup",
    *(f"thinkaloud.cli.commands.channels.{name}" for name in ("main", "adding", "login")),
    *("thinkaloud.cli.ui.live", "thinkaloud.cli.ui.markdown", "thinkaloud.cli.backend.remote"),
    *("thinkaloud.providers.transport", "thinkaloud.providers.dialects.openai_chat.dialect"),
    "thinkaloud.providers.dialects.ollama_chat.dialect",
)
_CHANNELS: Final = ("thinkaloud.channels.telegram.client", "thinkaloud.channels.wechat.client")
"""Imported before the first run of `thinkaloud channels`, because they take seconds."""
_MAX_REQUEST: Final = 256 * 1024
ENVIRONMENT: Final = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
"""What the interpreter reads when it starts; a run can't choose these."""


class ForkedProcess:
    """A fork that runs the program, with the methods of `subprocess.Popen` that tests use.

    It leads a session of its own. `stdout` and `stderr` are what a test can read of them.
    """

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: BinaryIO | None = None
        self.stderr: BinaryIO | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("thinkaloud", timeout or 0)
            self.returncode = int(self._status.recv(64))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Wait for the end and return what is left of stdout and stderr."""
        assert self.stdout is not None
        assert self.stderr is not None
        output = bytearray()
        while select.select([self.stdout], [], [], timeout)[0]:
            data = os.read(self.stdout.fileno(), 65_536)
            if not data:
                self.wait(timeout)
                return bytes(output), self.stderr.read()
            output += data
        raise subprocess.TimeoutExpired("thinkaloud", timeout or 0)

    def send_signal(self, number: int) -> None:
        """Send a signal, if the process has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Kill the process if it runs, and wait for it."""
        self.kill()
        self.wait()
        self._status.close()


class Preloaded:
    """The process that forks."""

    def __init__(self) -> None:
        self._channel, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(there.fileno())],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
                start_new_session=True,
            )

    def fork(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        files: tuple[int, int, int],
        *,
        terminal: bool = False,
    ) -> ForkedProcess:
        """Run the program with these descriptors as stdin, stdout and stderr; the caller closes it.

        With `terminal`, stdin becomes its controlling terminal.
        """
        request = json.dumps([[*arguments], {**environment}, str(folder), terminal]).encode()
        status, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            socket.send_fds(self._channel, [request], [*files, there.fileno()])
        return ForkedProcess(int(status.recv(64)), status)

    def close(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.wait()


@functools.cache
def preloaded() -> Preloaded:
    """Return the process that forks for all tests of this process; it ends with it."""
    process = Preloaded()
    atexit.register(process.close)
    return process


def _serve(channel: socket.socket) -> None:
    """Fork for each request; in the fork, return."""
    running: dict[int, socket.socket] = {}
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes)
    while True:
        ready, _, _ = select.select([channel, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report_ended(running)
        if channel not in ready:
            continue
        request, files, _, _ = socket.recv_fds(channel, _MAX_REQUEST, 4)
        if not request:
            sys.exit()
        arguments, environment, folder, terminal = json.loads(request)
        if arguments[:1] == ["channels"]:
            _import(_CHANNELS)
        status = socket.socket(fileno=files.pop())
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (channel, status, *running.values()):
                each.close()
            os.close(woken)
            os.close(wakes)
            _become(files, arguments, environment, folder, terminal)
            return
        running[child] = status
        status.send(str(child).encode())
        for file in files:
            os.close(file)


def _report_ended(running: dict[int, socket.socket]) -> None:
    """Send the exit code of each fork that has ended."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with running.pop(pid) as reported, contextlib.suppress(BrokenPipeError):
            reported.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(
    files: Sequence[int],
    arguments: list[str],
    environment: dict[str, str],
    folder: str,
    terminal: bool,
) -> None:
    """Make this process look like one that has just started."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["thinkaloud", *arguments]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def _import(modules: Sequence[str]) -> None:
    for module in modules:
        importlib.import_module(module)


def _main() -> NoReturn:
    _import(_MODULES)
    from thinkaloud.cli import main  # noqa: PLC0415 - only in this process

    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _serve(channel)
    try:
        code = main()
    except SystemExit as error:
        code = error.code
    _exit(code)


def _exit(code: str | int | None) -> NoReturn:
    """Exit as the interpreter does, without releasing all that was imported, which takes most of its time."""
    if isinstance(code, str):
        sys.exit(code)
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os._exit(120)
    os._exit(code or 0)


if __name__ == "__main__":
    _main()
