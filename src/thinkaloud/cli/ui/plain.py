"""A run in a pipe: the answer and nothing else, or one event a line as JSON."""

from typing import Protocol, TextIO, assert_never

import msgspec

from thinkaloud.cli.ui.sanitize import safe_json, sanitize
from thinkaloud.events import codec
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Attachment,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolStarted,
    VersionSelected,
)


class View(Protocol):
    """Shows the events of a run."""

    @property
    def shows_reasoning(self) -> bool:
        """Whether reasoning is of any use to it."""
        ...

    def show(self, logged: LoggedEvent) -> None:
        """Show the next event."""
        ...

    def end(self) -> None:
        """Leave the terminal as it was, however the run ended, or did not."""
        ...


class PlainView:
    """The answer to one stream; thinking, where it was asked for, and notices to another."""

    def __init__(self, answer: TextIO, beside: TextIO, *, thinking: bool) -> None:
        self._answer = answer
        self._beside = beside
        self._thinking = thinking
        self._part = 0
        self._in_line: TextIO | None = None

    @property
    def shows_reasoning(self) -> bool:
        """Whether it was asked for."""
        return self._thinking

    def show(self, logged: LoggedEvent) -> None:
        """Show the next event."""
        event = logged.event
        match event:
            case AnswerDelta():
                self._write(self._answer, sanitize(event.text))
            case ReasoningDelta():
                if self._thinking:
                    gap = "\n\n" if event.part != self._part else ""
                    self._part = event.part
                    self._write(self._beside, gap + sanitize(event.text))
            case ReasoningEnded():
                self._part = 0
                if self._thinking:
                    self._write(self._beside, "\n\n")
            case Notice():
                self._write(self._beside, f"{sanitize(event.message)}\n")
            case RunEnded() | SegmentReclassified():
                if self._in_line is not None:
                    self._write(self._in_line, "\n")
            case (
                RunStarted()
                | IterationStarted()
                | AnswerEnded()
                | ToolStarted()
                | ToolEnded()
                | ModelResponded()
                | VersionSelected()
            ):
                pass
            case _:
                assert_never(event)

    def end(self) -> None:
        """Write nothing: the reader of the pipe may have closed it."""

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(text)
        stream.flush()
        self._in_line = None if text.endswith("\n") else stream


class JsonLinesView:
    """Every event that may leave, one a line, as `thinkaloud.events.codec` writes it."""

    def __init__(self, stream: TextIO, *, thinking: bool) -> None:
        self._stream = stream
        self._thinking = thinking

    @property
    def shows_reasoning(self) -> bool:
        """Whether it was asked for."""
        return self._thinking

    def show(self, logged: LoggedEvent) -> None:
        """Write the next event. Reasoning is left out where it was not asked for (P7)."""
        event = logged.event
        match event:
            case ModelResponded():
                return
            case ReasoningDelta() | ReasoningEnded():
                if not self._thinking:
                    return
            case RunStarted():
                files = tuple(_without_content(each) for each in event.attachments)
                event = msgspec.structs.replace(event, attachments=files)
                logged = msgspec.structs.replace(logged, event=event)
            case (
                IterationStarted()
                | AnswerDelta()
                | AnswerEnded()
                | SegmentReclassified()
                | ToolStarted()
                | ToolEnded()
                | Notice()
                | RunEnded()
                | VersionSelected()
            ):
                pass
            case _:
                assert_never(event)
        line = codec.encode(logged).decode()
        self._stream.write(safe_json(line) + "\n")
        self._stream.flush()

    def end(self) -> None:
        """Nothing is open between lines."""


def _without_content(attachment: Attachment) -> Attachment:
    return msgspec.structs.replace(attachment, text="", base64="")
