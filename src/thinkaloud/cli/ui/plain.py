"""Views for pipes: the plain answer, or one JSON event per line."""

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

Thinking = bool | None
"""How to show reasoning: True in full, None live and collapsed when done, False not at all."""


class View(Protocol):
    """Shows the events of a run."""

    @property
    def shows_reasoning(self) -> bool:
        """Whether the view needs reasoning events."""
        ...

    def show(self, logged: LoggedEvent) -> None:
        """Show the next event."""
        ...

    def end(self) -> None:
        """Restore the terminal. Called even if the run did not end normally."""
        ...


class PlainView:
    """Writes the answer to one stream; notices, and reasoning if requested, to another."""

    def __init__(self, answer: TextIO, notices: TextIO, *, thinking: bool) -> None:
        self._answer = answer
        self._notices = notices
        self._thinking = thinking
        self._part = 0
        self._in_line: TextIO | None = None

    @property
    def shows_reasoning(self) -> bool:
        """Whether reasoning was requested."""
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
                    self._write(self._notices, gap + sanitize(event.text))
            case ReasoningEnded():
                self._part = 0
                if self._thinking:
                    self._write(self._notices, "\n\n")
            case Notice():
                self._write(self._notices, f"{sanitize(event.message)}\n")
            case RunEnded() | SegmentReclassified():
                if self._in_line is not None:
                    self._write(self._in_line, "\n")
            case (
                RunStarted()
                | IterationStarted()
                | AnswerEnded()
                | ToolStarted()
                | ToolProgress()
                | ToolEnded()
                | ToolRequested()
                | ApprovalRequested()
                | ApprovalResolved()
                | QuestionRequested()
                | QuestionResolved()
                | RunCheckpoint()
                | ModelResponded()
                | VersionSelected()
            ):
                pass
            case _:
                assert_never(event)

    def end(self) -> None:
        """Write nothing: the reader may have closed the pipe."""

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write(text)
        stream.flush()
        self._in_line = None if text.endswith("\n") else stream


class JsonLinesView:
    """Writes one event per line, as encoded by `thinkaloud.events.codec`."""

    def __init__(self, stream: TextIO, *, thinking: bool) -> None:
        self._stream = stream
        self._thinking = thinking

    @property
    def shows_reasoning(self) -> bool:
        """Whether reasoning was requested."""
        return self._thinking

    def show(self, logged: LoggedEvent) -> None:
        """Write the next event. Reasoning is left out unless it was requested (P7)."""
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
            case RunCheckpoint():
                return
            case ToolEnded():
                event = msgspec.structs.replace(event, images=())
                logged = msgspec.structs.replace(logged, event=event)
            case (
                IterationStarted()
                | AnswerDelta()
                | AnswerEnded()
                | SegmentReclassified()
                | ToolStarted()
                | ToolProgress()
                | ToolRequested()
                | ApprovalRequested()
                | ApprovalResolved()
                | QuestionRequested()
                | QuestionResolved()
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
        """Do nothing: every line is complete."""


def _without_content(attachment: Attachment) -> Attachment:
    return msgspec.structs.replace(attachment, text="", base64="")
