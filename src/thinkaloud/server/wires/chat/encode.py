"""The chat wire: encodes events as WebSocket messages or Server-Sent Events."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, assert_never

import msgspec

from thinkaloud.core.approvals.shown import (
    AnsweredQuestion,
    approval_of,
    parsed_arguments,
    question_of,
    resolution_of,
)
from thinkaloud.core.reply import reply
from thinkaloud.errors import NotFound
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunCheckpoint,
    RunEnded,
    RunError,
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
    Interaction,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.events.view import RunView
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import view_of
from thinkaloud.server.schema.responses import messages_in
from thinkaloud.server.wires.chat.frames import (
    ActionEnd,
    ActionFrame,
    ActionProgress,
    ActionStart,
    ApprovalRequestedFrame,
    ApprovalResolvedFrame,
    CompleteFrame,
    ErrorData,
    ErrorFrame,
    Frame,
    NoticeData,
    NoticeFrame,
    Progress,
    ProgressFrame,
    QuestionRequestedFrame,
    QuestionResolvedFrame,
    Reasoning,
    ReasoningEnd,
    ReasoningEndFrame,
    ReasoningFrame,
    Reclassified,
    ReclassifiedFrame,
    SnapshotFrame,
    Start,
    StartFrame,
    Token,
    TokenFrame,
    VersionFrame,
    VersionSelection,
)
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.policy import without_reasoning
from thinkaloud.server.wires.wire import RunLookup

Form = Literal["text", "sse"]
_encode: Final = msgspec.json.Encoder().encode
_UNSET: Final = msgspec.UNSET

Early = (
    RunStarted
    | IterationStarted
    | ReasoningEnded
    | AnswerEnded
    | SegmentReclassified
    | ToolStarted
    | ToolProgress
    | ToolEnded
    | ToolRequested
    | ModelResponded
    | Notice
    | Interaction
    | RunCheckpoint
    | VersionSelected
)


class ChatWire:
    """Encodes frames as text or as SSE, with or without reasoning (P7).

    It is stateless, so it is its own encoder. Each of the four variants has its own `name`, under
    which each event is encoded once.
    """

    __slots__ = ("_form", "_reasoning", "frame", "name")

    def __init__(self, form: Form, *, reasoning: bool) -> None:
        self.name = f"chat.{form}.{'reasoning' if reasoning else 'plain'}"
        self.frame: Callable[[LoggedEvent], bytes | None] = self._frame
        """Encodes any event but the end of a run; None if this wire does not carry it."""
        self._form = form
        self._reasoning = reasoning

    def encoder(self) -> "ChatWire":
        """Return an encoder for a new stream."""
        return self

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the frame of an event; None if this wire does not carry it."""
        if entry.wire == self.name:
            return entry.encoded
        if entry.wire:
            return entry.frame(self.name, self.frame)
        # The first wire to encode it, as usual: without a call for each token.
        entry.wire = self.name
        frame = entry.encoded = self._frame(entry.logged)
        return frame

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the first or the terminal frame of a run."""
        if isinstance(entry.logged.event, RunEnded):
            run = await runs.fold(entry.logged.run_id)
            if run is None:
                return ()
            frame = entry.frame(self.name, lambda logged: self.end(run.view(), logged))
        else:
            frame = self.encode(entry)
        return () if frame is None else (frame,)

    def end(self, run: RunView, logged: LoggedEvent) -> bytes:
        """Return the only terminal frame of a run that ended with this event."""
        if run.error is not None:
            data = failure(run.error, run.run_id, logged.conversation_id)
            return self.write(ErrorFrame(data, logged.seq, run.run_id))
        body = reply(run, logged.conversation_id, include_reasoning=self._reasoning)
        return self.write(CompleteFrame(body, logged.seq, run.run_id))

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return a snapshot of the conversation's messages, or of one run's."""
        view = view_of(snapshot, run_id)
        if view is None:
            return None  # The run starts after the snapshot: all of its events follow.
        data = messages_in(view, snapshot.seq, reasoning=self._reasoning)
        return self.write(SnapshotFrame(data, snapshot.seq, run_id))

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends a stream whose conversation was deleted."""
        data = ErrorData(
            message="The conversation was deleted.",
            code=NotFound.code,
            retryable=False,
            run_id=run_id or _UNSET,
            conversation_id=conversation_id,
        )
        return self.write(ErrorFrame(data, None, run_id))

    def write(self, frame: Frame) -> bytes:
        """Encode a frame."""
        if self._form == "text":
            return _encode(frame)
        event = frame.__struct_config__.tag
        number = b"" if frame.seq is None else b"id: %d\n" % frame.seq
        data = on_one_line(_encode(frame.data))
        return b"%sevent: %s\ndata: %s\n\n" % (number, str(event).encode(), data)

    def _frame(self, logged: LoggedEvent) -> bytes | None:
        event = logged.event
        if isinstance(event, AnswerDelta):
            token = Token(event.text, event.segment_id)
            if self._form == "text":
                return _encode(TokenFrame(token, logged.seq, logged.run_id))
            # Without calling `write`: this runs for every token.
            data = _encode(token)
            data = data if data.isascii() else on_one_line(data)
            return b"id: %d\nevent: token\ndata: %b\n\n" % (logged.seq, data)
        if isinstance(event, ReasoningDelta) and self._reasoning:
            thought = Reasoning(event.text, event.segment_id, logged.at_ms, event.part)
            if self._form == "text":
                return _encode(ReasoningFrame(thought, logged.seq, logged.run_id))
            data = _encode(thought)
            data = data if data.isascii() else on_one_line(data)
            return b"id: %d\nevent: reasoning\ndata: %b\n\n" % (logged.seq, data)
        shown = event if self._reasoning else without_reasoning(event)
        return None if shown is None else self._shown(logged, shown)

    def _shown(self, logged: LoggedEvent, event: Event) -> bytes | None:
        match event:
            case AnswerDelta() | ReasoningDelta() | RunEnded():
                raise ValueError(f"{type(event).__name__} is encoded elsewhere")
            case _:
                frame = self._early(logged, event)
                return None if frame is None else self.write(frame)

    def _early(  # noqa: PLR0911 - one case per event type
        self, logged: LoggedEvent, event: Early
    ) -> Frame | None:
        seq, run_id = logged.seq, logged.run_id
        match event:
            case RunStarted():
                return StartFrame(self._start(logged, event), seq, run_id)
            case IterationStarted():
                data = Progress(event.iteration, event.max_iterations, event.message)
                return ProgressFrame(data, seq, run_id)
            case ReasoningEnded():
                end = ReasoningEnd(event.segment_id, event.duration_ms, event.interrupted)
                return ReasoningEndFrame(end, seq, run_id)
            case SegmentReclassified():
                change = Reclassified(event.segment_id, event.to, event.duration_ms)
                return ReclassifiedFrame(change, seq, run_id)
            case ToolStarted() | ToolProgress() | ToolEnded():
                return ActionFrame(_action(event), seq, run_id)
            case Notice():
                return NoticeFrame(NoticeData(event.code, event.message), seq, run_id)
            case VersionSelected():
                chosen = VersionSelection(logged.conversation_id, event.run_id, logged.at_ms)
                return VersionFrame(chosen, seq)
            case AnswerEnded() | ModelResponded() | ToolRequested() | RunCheckpoint():
                return None
            case _:
                return _interaction(event, seq, run_id)

    def _start(self, logged: LoggedEvent, event: RunStarted) -> Start:
        return Start(
            conversation_id=logged.conversation_id,
            run_id=logged.run_id,
            model=event.model,
            max_iterations=event.max_iterations,
            reasoning_effort=event.reasoning_effort,
            include_reasoning=self._reasoning,
            at_ms=logged.at_ms,
        )


_WIRES: Final[dict[tuple[Form, bool], ChatWire]] = {
    (form, reasoning): ChatWire(form, reasoning=reasoning)
    for form in ("text", "sse")
    for reasoning in (False, True)
}


def chat_wire(form: Form, *, reasoning: bool) -> ChatWire:
    """Return the shared wire for this form and policy."""
    return _WIRES[form, reasoning]


def failure(error: RunError, run_id: str, conversation_id: str) -> ErrorData:
    """Return the data of a failed run's `error` frame."""
    return ErrorData(
        message=error.message,
        code=error.code,
        retryable=error.retryable,
        run_id=run_id,
        conversation_id=conversation_id,
        retry_after=_UNSET if error.retry_after is None else error.retry_after,
    )


def _interaction(event: Interaction, seq: int, run_id: str) -> Frame:
    match event:
        case ApprovalRequested():
            return ApprovalRequestedFrame(approval_of(event), seq, run_id)
        case ApprovalResolved():
            return ApprovalResolvedFrame(resolution_of(event), seq, run_id)
        case QuestionRequested():
            return QuestionRequestedFrame(question_of(event), seq, run_id)
        case QuestionResolved():
            answered = AnsweredQuestion(event.question_id, event.action)
            return QuestionResolvedFrame(answered, seq, run_id)
        case _:
            assert_never(event)


def _action(
    event: ToolStarted | ToolProgress | ToolEnded,
) -> ActionStart | ActionProgress | ActionEnd:
    match event:
        case ToolStarted():
            arguments = parsed_arguments(event.arguments)
            return ActionStart(event.name, event.tool_call_id, arguments)
        case ToolProgress():
            return ActionProgress(
                event.name, event.tool_call_id, event.message, event.progress, event.total
            )
        case ToolEnded():
            return ActionEnd(
                action=event.name,
                tool_call_id=event.tool_call_id,
                status=event.status,
                result=event.result,
                duration_ms=event.duration_ms,
                truncated=event.truncated,
            )
