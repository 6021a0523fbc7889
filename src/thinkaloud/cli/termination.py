"""How the program ends when something outside ends it: a signal, or an output that takes no more."""

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
    """SIGTERM or SIGHUP came. An event loop lets it through, as it does every `SystemExit`."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)


@contextmanager
def raise_on_signals() -> Generator[None]:
    """Let SIGTERM and SIGHUP raise `Terminated`, so that the terminal is left as it was.

    A second one ends the program on the spot.
    """

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Terminated(number)

    before = {
        number: signal.signal(number, end)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is signal.SIG_DFL  # `nohup` has it ignored, which stays.
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code_for(end: BaseException) -> int:
    """Return the exit code for an end from outside, and leave nothing behind that would fail.

    What is still buffered has no reader; the interpreter must not try it again at exit. Raises
    `end` where it is none.
    """
    match end:
        case Terminated(code=int(number)):
            code = number
        case KeyboardInterrupt():
            code = ExitCode.INTERRUPTED
        case BrokenPipeError():
            code = ExitCode.BROKEN_PIPE
        case OSError(filename=None) if end.errno in _OUTPUT_ERRORS:
            _say(f"thinkaloud: The output cannot be written: {end.strerror}.")
            code = ExitCode.FAILED
        case _:
            raise end
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # One more Ctrl-C ends it on the spot.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return int(code)


def flush_output() -> None:
    """Write what is buffered while an error can still be told. Raises `OSError`."""
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
