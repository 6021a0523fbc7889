"""From the frames of the API back to events, for the views of the terminal. Pure."""

from collections.abc import Iterator
from typing import Final, assert_never, get_args

import msgspec

from thinkaloud.errors import InternalError
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    LoggedEvent,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunError,
    RunStarted,
    SegmentReclassified,
    Timing,
    ToolEnded,
    ToolStarted,
    UserInput,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import AnswerBlock, Block, NoticeBlock, ReasoningBlock, ToolBlock
from thinkaloud.runtime.runs.request import RunRequest
from thinkaloud.server.schema.responses import AssistantMessage
from thinkaloud.server.wires.chat.frames import (
    ActionEnd,
    ActionFrame,
    ActionStart,
    CompleteFrame,
    ErrorData,
    ErrorFrame,
    Frame,
    NoticeFrame,
    ProgressFrame,
    ReasoningEndFrame,
    ReasoningFrame,
    ReclassifiedFrame,
    SnapshotFrame,
    StartFrame,
    TokenFrame,
    VersionFrame,
)

_Told = (
    ProgressFrame
    | ReasoningFrame
    | ReasoningEndFrame
    | TokenFrame
    | ReclassifiedFrame
    | ActionFrame
    | NoticeFrame
    | ErrorFrame
    | CompleteFrame
)


_NAMES: Final = frozenset(str(kind.__struct_config__.tag) for kind in get_args(Frame))


def frame_of(name: bytes, data: bytes, *, run_id: str, seq: int) -> Frame | None:
    """Return an event of an event stream as the frame that a socket would carry.

    None where it is of a kind that is not known here: a newer server may have more of them.
    """
    if name.decode("ascii", "replace") not in _NAMES:
        return None
    form = b'{"event":"%s","run_id":"%s","seq":%d,"data":%s}'
    return msgspec.json.decode(form % (name, run_id.encode(), seq, data), type=Frame)


class FrameReading:
    """Reads the frames of one run, in order, as the events that they were made from.

    What frames do not say is told from what they do: the end of an answer by what comes after it,
    the times of a run that failed by when its frames came. `ModelResponded` and attachments do not
    come back.
    A snapshot gives what is missing so far, each piece with the snapshot's number.
    """

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._run: RunFold | None = None
        self._conversation_id = ""
        self._iteration = 0
        self._started_at_ms = 0
        self._first_answer_at_ms: int | None = None
        self._answer = ""
        self._seq = 0
        self._found: list[LoggedEvent] = []

    def take(self, frame: Frame, at_ms: int) -> list[LoggedEvent]:
        """Take the next frame, which came at `at_ms`, and return its events.

        Raises `InternalError` where the run has no beginning.
        """
        self._end_answer(frame, at_ms)
        self._seq = frame.seq or self._seq
        match frame:
            case StartFrame(data=data):
                self._conversation_id = data.conversation_id
                started = self._started(data.model, data.max_iterations, data.reasoning_effort)
                self._begin(frame.run_id, started, at_ms)
            case SnapshotFrame(data=data):
                self._conversation_id = data.conversation_id
                for message in data.messages:
                    if isinstance(message, AssistantMessage) and message.run_id == frame.run_id:
                        self._catch_up(message, at_ms)
            case VersionFrame():
                pass  # It is of the conversation, and of no run.
            case _:
                self._add(self._event(frame, at_ms), at_ms)
        found, self._found = self._found, []
        return found

    def _started(self, model: str, max_iterations: int, effort: Effort | None) -> RunStarted:
        asked = self._request
        given = UserInput(asked.text, asked.context, asked.context_files or (), asked.image_path)
        return RunStarted(model, max_iterations, given, effort, replaces=asked.replaces)

    def _begin(self, run_id: str, started: RunStarted, at_ms: int) -> None:
        logged = LoggedEvent(self._seq, at_ms, self._conversation_id, run_id, started)
        self._run = RunFold(logged)
        self._started_at_ms = at_ms
        self._found.append(logged)

    def _add(self, event: Event, at_ms: int) -> None:
        if self._run is None:
            raise InternalError("The server tells of a run that has not begun.")
        logged = LoggedEvent(self._seq, at_ms, self._conversation_id, self._run.run_id, event)
        self._run.apply(logged)
        self._found.append(logged)
        match event:
            case AnswerDelta():
                self._answer = event.segment_id
                if self._first_answer_at_ms is None:
                    self._first_answer_at_ms = at_ms
            case AnswerEnded():
                self._answer = ""
            case IterationStarted():
                self._iteration = event.iteration
            case _:
                pass  # Nothing else tells what comes later.

    def _end_answer(self, frame: Frame, at_ms: int) -> None:
        """Close the open answer where this frame shows that it is over.

        The log closes an answer with the event after its last delta, which no frame carries.
        """
        match frame:
            case SnapshotFrame():
                return
            case TokenFrame(data=data) if data.segment_id == self._answer:
                return
            case CompleteFrame(data=data):
                ended, cut = True, data.status == "stopped"
            case ErrorFrame():
                ended, cut = True, True
            case _:
                ended, cut = False, False
        if self._answer:
            self._seq += 1
            self._add(AnswerEnded(self._answer, resuming=not ended, interrupted=cut), at_ms)

    def _event(self, frame: _Told, at_ms: int) -> Event:  # noqa: PLR0911 - one arm a kind
        match frame:
            case ProgressFrame(data=data):
                return IterationStarted(data.iteration, data.max_iterations, data.message)
            case ReasoningFrame(data=data):
                return ReasoningDelta(data.segment_id, data.token, data.part)
            case ReasoningEndFrame(data=data):
                return ReasoningEnded(data.segment_id, data.duration_ms, data.interrupted)
            case TokenFrame(data=data):
                return AnswerDelta(data.segment_id, data.token)
            case ReclassifiedFrame(data=data):
                return SegmentReclassified(data.segment_id, data.to, data.duration_ms)
            case ActionFrame(data=data):
                return _tool(data)
            case NoticeFrame(data=data):
                return Notice(data.code, data.message)
            case CompleteFrame(data=data):
                return RunEnded(
                    data.status,
                    data.iterations,
                    data.timing or self._timing(at_ms),
                    data.usage,
                    outcome=data.outcome,
                )
            case ErrorFrame(data=data):
                timing = self._timing(at_ms)
                return RunEnded("failed", self._iteration, timing, error=_error(data))
            case _:
                assert_never(frame)

    def _timing(self, at_ms: int) -> Timing:
        """Return the times of the run as they were seen from here."""
        blocks = () if self._run is None else self._run.view().blocks
        thoughts = [block for block in blocks if isinstance(block, ReasoningBlock)]
        first = thoughts[0].started_at_ms - self._started_at_ms if thoughts else None
        answer = self._first_answer_at_ms
        return Timing(
            time_to_first_reasoning_ms=first,
            time_to_first_answer_ms=None if answer is None else answer - self._started_at_ms,
            reasoning_ms=sum(block.duration_ms or 0 for block in thoughts),
            total_ms=at_ms - self._started_at_ms,
        )

    def _catch_up(self, said: AssistantMessage, at_ms: int) -> None:
        """Give what of a run has not come yet: both stand as the same blocks (P8)."""
        if self._run is None:
            started = self._started(said.model, said.max_iterations, said.reasoning_effort)
            self._begin(said.run_id, started, at_ms)
        self._iteration = max(self._iteration, said.iterations)
        have = () if self._run is None else self._run.view().blocks
        for number, block in enumerate(said.blocks):
            known = have[number] if number < len(have) else None
            for event in _missing(known, block, last=number == len(said.blocks) - 1):
                self._add(event, at_ms)


def _missing(known: Block | None, block: Block, *, last: bool) -> Iterator[Event]:
    """Yield what turns a block as it is known into the block as it is now."""
    match block:
        case ReasoningBlock():
            yield from _thought(known, block)
        case AnswerBlock():
            yield from _said(known, block, last=last)
        case ToolBlock():
            if known is None:
                yield ToolStarted(block.tool_call_id, block.name, block.arguments)
            if _closed(block) and not _closed(known):
                yield _ended(block)
        case NoticeBlock():
            if known is None:
                yield Notice(block.code, block.message)
        case _:
            assert_never(block)


def _thought(known: Block | None, block: ReasoningBlock) -> Iterator[Event]:
    parts = known.parts if isinstance(known, ReasoningBlock) else ()
    for part, text in enumerate(block.parts):
        if rest := text[len(parts[part]) if part < len(parts) else 0 :]:
            yield ReasoningDelta(block.segment_id, rest, part)
    if _closed(block) and not _closed(known):
        cut = block.status == "interrupted"
        yield ReasoningEnded(block.segment_id, block.duration_ms or 0, cut)


def _said(known: Block | None, block: AnswerBlock, *, last: bool) -> Iterator[Event]:
    if rest := block.text[len(known.text) if isinstance(known, AnswerBlock) else 0 :]:
        yield AnswerDelta(block.segment_id, rest)
    if _closed(block) and not _closed(known):
        cut = block.status == "interrupted"
        yield AnswerEnded(block.segment_id, resuming=not last, interrupted=cut)


def _closed(block: Block | None) -> bool:
    return (
        block is not None
        and not isinstance(block, NoticeBlock)
        and block.status not in {"open", "running"}
    )


def _ended(block: ToolBlock) -> ToolEnded:
    return ToolEnded(
        tool_call_id=block.tool_call_id,
        name=block.name,
        status="cancelled" if block.status == "running" else block.status,
        result=block.result,
        duration_ms=block.duration_ms or 0,
        truncated=block.truncated,
    )


def _tool(data: ActionStart | ActionEnd) -> ToolStarted | ToolEnded:
    match data:
        case ActionStart(arguments=given):
            text = given if isinstance(given, str) else msgspec.json.encode(given).decode()
            return ToolStarted(data.tool_call_id, data.action, text)
        case ActionEnd():
            return ToolEnded(
                tool_call_id=data.tool_call_id,
                name=data.action,
                status=data.status,
                result=data.result,
                duration_ms=data.duration_ms,
                truncated=data.truncated,
            )
        case _:
            assert_never(data)


def _error(data: ErrorData) -> RunError:
    wait = data.retry_after
    return RunError(
        data.code,
        data.message,
        data.retryable,
        None if isinstance(wait, msgspec.UnsetType) else wait,
    )
