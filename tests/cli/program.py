"""The real program: in a pipe, and in a pseudo-terminal with a readable screen."""

import contextlib
import fcntl
import itertools
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Final

from tests.cli.preloaded import ENVIRONMENT, ForkedProcess, preloaded

PROGRAM: Final = Path(sys.executable).with_name("thinkaloud")
DEMO: Final = '[model]\ndefault = "demo/thinkaloud"\n'
_DEADLINE: Final = 20.0
_numbers = itertools.count(1)


class Home:
    """A folder that the program takes for everything: working directory, home, data.

    The program runs in forks of a process that has imported it, except where an interpreter is mentioned.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "THINKALOUD_DATA_DIR": str(folder / "data"),
            **ENVIRONMENT,
            "NO_PROXY": "*",
        }

    def configure(self, text: str) -> None:
        (self.folder / "thinkaloud.toml").write_text(text, encoding="utf-8")

    def run(
        self,
        *arguments: str,
        stdin: str | bytes | None = None,
        stdout: Path | None = None,
        stderr: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the program without a terminal; without `stdin` there is nothing to read.

        Return its exit code and its output, except what goes to the files `stdout` and `stderr`.
        """
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        reading, writing = os.pipe()
        writer = threading.Thread(target=_write, args=(writing, data))
        with _opened(stdout) as output, _opened(stderr) as errors:
            try:
                process = self._fork(arguments, reading, output.fileno(), errors.fileno())
            finally:
                os.close(reading)
            with closing(process):
                writer.start()
                try:
                    code = process.wait(_DEADLINE)
                finally:
                    process.kill()
                    writer.join()
            return subprocess.CompletedProcess(arguments, code, _text(output), _text(errors))

    def beside(self, name: str) -> "Home":
        """Return another home, in a new folder in this one."""
        folder = self.folder / name
        folder.mkdir()
        return Home(folder)

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a line of shell here; its output comes in pipes."""
        return subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_DEADLINE,
            check=False,
            text=True,
        )

    def run_python(self, code: str) -> str:
        """Return what this code prints in a fresh interpreter."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            timeout=_DEADLINE,
            check=True,
            text=True,
        ).stdout

    @contextmanager
    def start(self, *arguments: str, stderr: Path | None = None) -> Iterator[ForkedProcess]:
        """Start the program with its output in pipes; it is killed where it still runs.

        What it writes to stderr is appended to the file `stderr`.
        """
        path = stderr or self.folder / f"stderr-{next(_numbers)}.txt"
        reading, writing = os.pipe()
        with open(reading, "rb") as output, path.open("ab") as errors, path.open("rb") as written:
            try:
                with open(os.devnull, "rb") as nothing:
                    process = self._fork(arguments, nothing.fileno(), writing, errors.fileno())
            finally:
                os.close(writing)
            process.stdout, process.stderr = output, written
            with closing(process):
                yield process

    @contextmanager
    def start_interpreter(
        self,
        *command: str | Path,
        stdin: int = subprocess.DEVNULL,
        stderr: int | BinaryIO = subprocess.PIPE,
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """Start this command with its output in pipes; it is killed where it still runs."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    @contextmanager
    def terminal(self, *arguments: str, stdout: Path | None = None) -> Iterator["Terminal"]:
        """Start the program in a terminal of 80 columns and 24 lines."""
        # The terminal of these tests doesn't report where its cursor is.
        environment = {**self.environment, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        outer, inner = os.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        written = os.dup(inner) if stdout is None else os.open(stdout, os.O_WRONLY | os.O_CREAT)
        try:
            files = (inner, written, inner)
            process = preloaded().fork(arguments, environment, self.folder, files, terminal=True)
        finally:
            os.close(inner)
            os.close(written)
        try:
            with closing(process):
                yield Terminal(outer, process)
        finally:
            os.close(outer)

    def _fork(self, arguments: Sequence[str], *files: int) -> ForkedProcess:
        return preloaded().fork(arguments, self.environment, self.folder, files)


def _opened(path: Path | None) -> BinaryIO:
    return TemporaryFile() if path is None else path.open("wb")


def _text(file: BinaryIO) -> str:
    if not file.readable():
        return ""
    file.seek(0)
    return file.read().decode()


def _write(pipe: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), open(pipe, "wb") as file:
        file.write(data)


_NOTICED: Final = 3.0
"""Seconds after which a key that did nothing is pressed again."""


class Terminal:
    """What a person has before them: a screen, and keys."""

    def __init__(self, outer: int, process: ForkedProcess) -> None:
        self.raw = ""
        self._outer = outer
        self._process = process
        self._bytes = b""

    def type(self, keys: str) -> None:
        os.write(self._outer, keys.encode())

    def until(self, text: str, *, times: int = 1) -> list[str]:
        """Read until the screen shows this text so often; return its lines."""
        deadline = time.monotonic() + _DEADLINE
        while "\n".join(self.lines).count(text) < times:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{text!r} never came. The screen:\n" + "\n".join(self.lines))
        return self.lines

    def interrupt(self, text: str) -> list[str]:
        """Press Ctrl-C at a prompt until the screen shows this text; return its lines.

        GNU readline only looks for a signal while it waits for a key: one that comes between the
        prompt and that is noticed with the next. No person is so quick.
        """
        deadline = time.monotonic() + _DEADLINE
        while text not in "\n".join(self.lines) and time.monotonic() < deadline:
            self.type("\x03")
            pressed = time.monotonic()
            while text not in "\n".join(self.lines) and time.monotonic() < pressed + _NOTICED:
                self._read(_NOTICED)
        return self.until(text)

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        self._process.send_signal(number)

    @property
    def settings(self) -> list[Any]:
        """The terminal's settings: `termios.tcgetattr`."""
        return termios.tcgetattr(self._outer)

    @property
    def cursor_is_hidden(self) -> bool:
        """Whether the last that the program did to the cursor was to hide it."""
        return self.raw.rfind("\x1b[?25l") > self.raw.rfind("\x1b[?25h")

    def exit_code(self) -> int:
        """Wait for the program to end by itself."""
        deadline = time.monotonic() + _DEADLINE
        while self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    @property
    def lines(self) -> list[str]:
        """Everything on the screen and above it, as it looks now."""
        return rendered(self.raw)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._outer], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._outer, 65536)
        except OSError:  # On Linux, the program has closed its end.
            return False
        self._bytes += data
        self.raw = self._bytes.decode("utf-8", "ignore")
        return bool(data)


_PIECE: Final = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[^\[]|(.)", re.DOTALL)


def rendered(raw: str, width: int = 80) -> list[str]:
    """Return what a terminal shows after these characters: as much of one as the program uses."""
    rows: list[list[str]] = [[]]
    row = column = 0
    for match in _PIECE.finditer(raw):
        number, command, character = match.groups()
        count = int(number) if number and number.isdigit() else 0
        if command == "A":
            row = max(0, row - (count or 1))
        elif command in {"C", "D"}:
            column = max(0, column + (count or 1) * (1 if command == "C" else -1))
        elif command == "K":
            rows[row] = [] if count == 2 else rows[row][:column]
        elif command == "J" and not count:
            rows[row:] = [rows[row][:column]]
        elif character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character == "\n" or (character and column >= width):
            row, column = row + 1, 0
        if row == len(rows):
            rows.append([])
        if character and character >= " ":
            line = rows[row]
            line.extend(" " * (column + 1 - len(line)))
            line[column] = character
            column += 1
    return ["".join(line).rstrip() for line in rows]
