"""Counts the Python instructions and the calls of a thread."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import thinkaloud as thinkaloud_package

_PACKAGE: Final = thinkaloud_package.__path__[0]

Trace = Callable[[FrameType, str, object], Any]


class Counter:
    """Counts the instructions of the thread that it is switched on in, by source file."""

    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._traces: dict[str, Trace] = {}

    def switch_on(self) -> None:
        """Count from now on what this thread calls or resumes."""
        # Python 3.12 traces opcodes only if a frame sets `f_trace_opcodes` before tracing starts.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self._call)

    def switch_off(self) -> None:
        """Stop counting."""
        sys.settrace(None)

    def reset(self) -> None:
        """Start again from zero."""
        for count in self._counts.values():
            count[0] = 0

    def by_file(self) -> dict[str, int]:
        """Return the instructions so far, by the path of their source file."""
        return {file: count[0] for file, count in self._counts.items() if count[0]}

    def _call(self, frame: FrameType, event: str, arg: object) -> Trace:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        file = frame.f_code.co_filename
        if file not in self._traces:
            self._add(file)
        return self._traces[file]

    def _add(self, file: str) -> None:
        count = self._counts[file] = [0]

        def trace(frame: FrameType, event: str, arg: object) -> Trace:
            if event == "opcode":
                count[0] += 1
            return trace

        self._traces[file] = trace


class CallCounter:
    """Counts the calls of our own functions in the thread that it is switched on in.

    Resuming a coroutine counts as a call.
    """

    def __init__(self) -> None:
        self.count = 0

    def switch_on(self) -> None:
        """Count from now on what this thread calls or resumes."""
        sys.setprofile(self._profile)

    def switch_off(self) -> None:
        """Stop counting."""
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_PACKAGE):
            self.count += 1
