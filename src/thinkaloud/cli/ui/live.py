"""The live view of a run: reasoning dimmed, then collapsed; one line per tool; then the answer."""

import threading
from collections.abc import Iterator
from typing import Final, assert_never

import msgspec
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.text import Text

from thinkaloud.cli.ui.markdown import MarkdownPieces, print_piece, rendered
from thinkaloud.cli.ui.plain import Thinking
from thinkaloud.cli.ui.redraw import LiveArea
from thinkaloud.cli.ui.sanitize import one_line, sanitize
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunCheckpoint,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolProgress,
    ToolRequested,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.ports.clock import Clock, SystemClock

_LINES: Final = 8
_TAIL_CHARACTERS: Final = 2000
_ARGUMENT_CHARACTERS: Final = 60
_LEAST_RESULT: Final = 20


class LiveView:
    """Shows the events of one run after another. `end` restores the terminal."""

    def __init__(
        self,
        console: Console,
        thinking: Thinking,
        clock: Clock | None = None,
        *,
        rewraps: bool = True,
    ) -> None:
        self._console = console
        self._thinking = thinking
        self._rewraps = rewraps
        self._clock = clock or SystemClock()
        self._live: LiveArea | None = None
        self._status = _Status("", self._clock)
        self._shown: _Status | _GrowingBlock | None = None
        self._pieces = MarkdownPieces()
        self._tools: dict[str, ToolStarted] = {}
        self._in_line = False
        self._part = 0

    @property
    def shows_reasoning(self) -> bool:
        """Whether reasoning is shown at all."""
        return self._thinking is not False

    def show(self, logged: LoggedEvent) -> None:  # noqa: C901, PLR0912 - one case per event
        """Show the next event."""
        event = logged.event
        match event:
            case RunStarted():
                self._show_status(f"Waiting for {one_line(event.model, 80)}")
            case ApprovalRequested():
                self._dim(f"{one_line(event.title, 80)} waits for your approval")
            case QuestionRequested():
                self._dim(f"? {one_line(event.message, 400)}")
            case (
                IterationStarted()
                | ModelResponded()
                | ApprovalResolved()
                | QuestionResolved()
                | RunCheckpoint()
                | VersionSelected()
            ):
                pass
            case ReasoningDelta():
                self._reason(event)
            case ReasoningEnded():
                self._fold(event)
            case AnswerDelta():
                self._answer(sanitize(event.text))
            case AnswerEnded() | SegmentReclassified():
                self._finish_answer()
            case ToolStarted():
                self._tools[event.tool_call_id] = event
                self._show_status(f"Running {_running(self._tools)}")
            case ToolProgress():
                self._show_status(f"Running {_running(self._tools)}{_progress(event)}")
            case ToolEnded():
                self._tool(event)
            case ToolRequested():
                self._dim(f"{one_line(event.name, 80)} is left to the client")
            case Notice():
                self._dim(f"! {one_line(event.message, 400)}")
            case RunEnded():
                self.end()
            case _:
                assert_never(event)

    def end(self) -> None:
        """Stop live updates and finish the current line."""
        self._finish_answer()
        self._stop_live()
        self._finish_line()
        self._tools.clear()

    def _answer(self, text: str) -> None:
        """Print completed blocks, and show the incomplete one below them."""
        if not isinstance(self._shown, _GrowingBlock):
            self._stop_live()
            self._finish_line()
            self._show_live(_GrowingBlock(self._pieces))
        for piece in self._pieces.add(text):
            print_piece(self._console, piece)

    def _finish_answer(self) -> None:
        if isinstance(self._shown, _GrowingBlock):
            self._stop_live()
        for piece in self._pieces.end():
            print_piece(self._console, piece)

    def _reason(self, event: ReasoningDelta) -> None:
        if self._thinking is False:
            self._show_status("Thinking")
            return
        gap = "\n\n" if event.part != self._part else ""
        self._part = event.part
        text = gap + sanitize(event.text)
        if self._thinking:
            self._stop_live()
            self._write(text, style="dim")
        else:
            self._show_status("Thinking")
            self._status.add(text)

    def _fold(self, event: ReasoningEnded) -> None:
        self._part = 0
        self._stop_live()
        self._finish_line()
        if self._thinking is not False:
            cut = ", cut short" if event.interrupted else ""
            self._dim(f"Thought for {format_duration(event.duration_ms)}{cut}")

    def _tool(self, event: ToolEnded) -> None:
        started = self._tools.pop(event.tool_call_id, None)
        call = format_call(event.name, started.arguments if started else "")
        sign = "→" if event.status == "ok" else f"→ {event.status}:"
        room = self._console.width - len(call) - len(sign) - 3
        self._dim(f"{call} {sign} {one_line(event.result, max(room, _LEAST_RESULT))}")
        self._show_status(
            f"Running {_running(self._tools)}" if self._tools else "Waiting for the model"
        )

    def _dim(self, line: str) -> None:
        self._stop_live()
        self._finish_line()
        self._console.print(Text(line, style="dim"), soft_wrap=True)

    def _write(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), end="", soft_wrap=True)
        self._in_line = not text.endswith("\n")

    def _finish_line(self) -> None:
        if self._in_line:
            self._console.print()
            self._in_line = False

    def _show_status(self, title: str) -> None:
        """Show a status in lines that are removed later."""
        if self._live is not None and self._status.title == title:
            return
        self._stop_live()
        self._finish_line()
        self._status = _Status(title, self._clock)
        self._show_live(self._status)

    def _show_live(self, shown: "_Status | _GrowingBlock") -> None:
        self._shown = shown
        self._live = LiveArea(self._console, shown, rewraps=self._rewraps)
        self._live.start()

    def _stop_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = self._shown = None


def _progress(event: ToolProgress) -> str:
    text = one_line(event.message, 200) if event.message else ""
    if event.progress is not None and event.total:
        text = f"{event.progress:g} of {event.total:g} {text}".rstrip()
    return f": {text}" if text else ""


def _running(tools: dict[str, ToolStarted]) -> str:
    return ", ".join(format_call(tool.name, tool.arguments) for tool in tools.values())


class _Status:
    """A title with elapsed seconds, and the end of a growing text. Cost is bounded (P11)."""

    def __init__(self, title: str, clock: Clock) -> None:
        self.title = title
        self._clock = clock
        self._started_ms = clock.steady_ms()
        self._tail = ""
        self._lock = threading.Lock()  # Rendered in another thread.

    def add(self, text: str) -> None:
        with self._lock:
            self._tail += text
            if len(self._tail) > 2 * _TAIL_CHARACTERS:
                # Cut rarely and at a word, so that lines on the screen stay stable.
                self._tail = self._tail[-_TAIL_CHARACTERS:].partition(" ")[2] or text

    def lines(self, console: Console, options: ConsoleOptions) -> Iterator[list[Segment]]:
        """Yield the title and the end of the text."""
        for line in self._texts(console, options):
            line.truncate(options.max_width)
            yield list(console.render(line, options.update(no_wrap=True)))[:-1]

    def _texts(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        elapsed = (self._clock.steady_ms() - self._started_ms) // 1000
        yield Text(
            f"{self.title}… {elapsed} s" if elapsed else f"{self.title}…", style="dim italic"
        )
        yield from self._tail_lines(console, options)

    def _tail_lines(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        with self._lock:
            tail = self._tail
        room = min(_LINES, console.height - 3)
        width = max(10, options.max_width - 2)
        if room < 1 or not tail.strip():
            return
        for line in Text(tail.strip("\n"), style="dim").wrap(console, width)[-room:]:
            yield Text("  ", style="dim") + line


class _GrowingBlock:
    """The end of the incomplete block of an answer, as it will be printed."""

    def __init__(self, pieces: MarkdownPieces) -> None:
        self._pieces = pieces

    def lines(self, console: Console, options: ConsoleOptions) -> Iterator[list[Segment]]:
        """Yield the last lines of the block."""
        piece = self._pieces.rest
        if not piece.text.strip():
            return
        lines = console.render_lines(rendered(piece), options, pad=False)
        if piece.gap:
            lines = [[], *lines]
        yield from lines[-max(1, console.height - 2) :]


def format_call(name: str, arguments: str) -> str:
    """Format a tool call: `read_file(name="notes.md")`."""
    try:
        given = msgspec.json.decode(arguments or "{}", type=dict[str, object])
    except msgspec.DecodeError:
        return f"{one_line(name, 64)}({one_line(arguments, _ARGUMENT_CHARACTERS)})"
    shown = ", ".join(
        f"{key}={msgspec.json.encode(value).decode()}" for key, value in given.items()
    )
    return f"{one_line(name, 64)}({one_line(shown, _ARGUMENT_CHARACTERS)})"


def format_duration(duration_ms: int) -> str:
    """Format a duration: `0.4 s`, `12 s`, `2 min 5 s`."""
    if duration_ms < 10_000:
        return f"{duration_ms / 1000:.1f} s"
    minutes, rest = divmod(round(duration_ms / 1000), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
