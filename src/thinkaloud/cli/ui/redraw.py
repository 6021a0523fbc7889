"""Temporary lines at the bottom of a terminal, redrawn periodically and when it is resized."""

import os
import signal
import threading
from collections.abc import Iterator
from math import ceil
from types import FrameType
from typing import Final, Protocol

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType, Segment
from typing_extensions import override

_FRAMES_PER_SECOND: Final = 12
_SHOW_CURSOR: Final = b"\x1b[?25h"
_HIDE_CURSOR: Final = b"\x1b[?25l"


class LineSource(Protocol):
    """Provides the lines to draw, each at most as wide as the terminal."""

    def lines(self, console: Console, options: ConsoleOptions) -> Iterator[list[Segment]]:
        """Yield the current lines."""
        ...


class LiveArea(Live):
    """Redraws lines several times a second.

    A terminal that becomes narrower rewraps its lines (`rewraps`), so that they occupy more rows
    than were drawn. Ctrl-Z shows the cursor; after `fg`, drawing continues below.
    """

    def __init__(self, console: Console, drawn: LineSource, *, rewraps: bool = True) -> None:
        self._source = _Source(drawn)
        self._rewraps = rewraps
        self._resumed = False
        super().__init__(
            self._source,
            console=console,
            transient=True,
            refresh_per_second=_FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @override
    def start(self, refresh: bool = False) -> None:
        """Start drawing."""
        if _is_in_main_thread() and signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL:
            signal.signal(signal.SIGTSTP, self._suspend)
        super().start(refresh)

    @override
    def stop(self) -> None:
        """Remove the lines."""
        super().stop()
        if _is_in_main_thread() and signal.getsignal(signal.SIGTSTP) == self._suspend:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)

    @override
    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Move the cursor to the first row that the lines occupy now."""
        more = self._source.rows(self.console.width) if self._rewraps else 0
        if not self.console.is_interactive:
            return super().process_renderables(renderables)
        position, *rest = super().process_renderables(renderables)
        if self._resumed:
            self._resumed = False
            return rest
        up = [(ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)]
        return [Control(*(up * min(more, self.console.height))), position, *rest]

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        os.write(self.console.file.fileno(), _SHOW_CURSOR + b"\r\n")
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Execution continues here after `fg`.
        signal.signal(number, self._suspend)
        self._resumed = True
        os.write(self.console.file.fileno(), _HIDE_CURSOR)


class _Source:
    """Renders the lines and remembers their widths."""

    def __init__(self, drawn: LineSource) -> None:
        self._drawn = drawn
        self._widths: list[int] = []

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = list(self._drawn.lines(console, options))
        self._widths = [Segment.get_line_length(line) for line in lines]
        for line in lines:
            yield from line
            yield Segment.line()

    def rows(self, width: int) -> int:
        """Return how many extra rows the lines occupy in a terminal of this width."""
        return sum(ceil(each / max(1, width)) - 1 for each in self._widths if each > width)


def _is_in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
