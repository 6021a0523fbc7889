"""Runs the program in forks of a process that has imported it, because importing takes most of its time.

Each run is still a process of its own, with its own environment, folder, pipes and exit code.
Started as a program, this module is the process that forks.
"""

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NoReturn

_MODULES: Final = (
    *("aiohttp", "anyio._backends._asyncio", "typer._adapters", "rich.markdown"),
    "thinkaloud.cli.main",
    *(
        f"thinkaloud.cli.commands.{name}"
        for name in ("backup", "chat", "conversations", "doctor", "models", "regenerate")
    ),
    *("thinkaloud.cli.backend.remote", "thinkaloud.providers.transport"),
    *("thinkaloud.cli.commands.serve", "thinkaloud.providers.dialects.openai_chat.dialect"),
)
_MAX_REQUEST: Final = 256 * 1024
ENVIRONMENT: Final = {"LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
"""What the interpreter reads when it starts; a run can't choose these."""


class Preloaded:
    """The process that forks. Used by one thread at a time."""

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
        self._lock = threading.Lock()

    def run(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        data: bytes,
        timeout: float,
    ) -> tuple[int, bytes, bytes]:
        """Run the program with a pipe as stdin; return its exit code, stdout and stderr."""
        request = json.dumps([[*arguments], {**environment}, str(folder)]).encode()
        reading, writing = os.pipe()
        writer = threading.Thread(target=_write, args=(writing, data))
        with self._lock, TemporaryFile() as output, TemporaryFile() as errors:
            socket.send_fds(self._channel, [request], [reading, output.fileno(), errors.fileno()])
            os.close(reading)
            writer.start()
            self._channel.settimeout(timeout)
            try:
                code = int(self._channel.recv(64))
            except TimeoutError:
                self.close()
                raise
            finally:
                writer.join()
            output.seek(0)
            errors.seek(0)
            return code, output.read(), errors.read()

    def close(self) -> None:
        """End the process, and a run that is still active."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._channel.close()


def _write(pipe: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(pipe, "wb") as file:
        file.write(data)


def _serve(channel: socket.socket) -> None:
    """Fork for each request; in the fork, return."""
    while True:
        request, files, _, _ = socket.recv_fds(channel, _MAX_REQUEST, 3)
        if not request:
            sys.exit()
        child = os.fork()
        if not child:
            channel.close()
            _become(files, *json.loads(request))
            return
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        channel.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(
    files: Sequence[int], arguments: list[str], environment: dict[str, str], folder: str
) -> None:
    """Make this process look like one that has just started."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["thinkaloud", *arguments]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115


def _main() -> NoReturn:
    for module in _MODULES:
        importlib.import_module(module)
    from thinkaloud.cli import main  # noqa: PLC0415 - only in this process

    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _serve(channel)
    sys.exit(main())


if __name__ == "__main__":
    _main()
