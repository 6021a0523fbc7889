"""Exits cleanly on signals and on output errors, such as a closed pipe or a full disk."""

import errno
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from thinkaloud.cli.exit_codes import ExitCode

_OUTPUT_ERRORS: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}


class Terminated(SystemExit):
    """Raised on SIGTERM and SIGHUP. Event loops propagate it, like any `SystemExit`."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def raise_on_signals() -> Generator[None]:
    """Raise `Terminated` on SIGTERM and SIGHUP, so that the terminal is restored.

    A second signal ends the program immediately.
    """

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    before = {
        number: signal.signal(number, end)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL  # `nohup` ignores SIGHUP; leave that alone.
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code_for(end: BaseException) -> int:
    """Return the exit code for a signal or an output error, and discard buffered output.

    Otherwise, the interpreter would try to flush it again at exit, and fail. Re-raises `end` if it
    is any other error.
    """
    match end:
        case Terminated(code=int(number)):
            code = number
        case KeyboardInterrupt():
            code = ExitCode.INTERRUPTED
        case BrokenPipeError():
            code = ExitCode.BROKEN_PIPE
        case OSError(filename=None) if end.errno in _OUTPUT_ERRORS:
            _print_error(f"thinkaloud: Cannot write the output: {end.strerror}.")
            code = ExitCode.FAILED
        case _:
            raise end
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Another Ctrl-C ends the program immediately.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return int(code)


def flush_output() -> None:
    """Flush stdout and stderr while an error can still be reported. Raises `OSError`."""
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()


def _print_error(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
