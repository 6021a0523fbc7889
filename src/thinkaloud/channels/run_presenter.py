"""Turns the events of one run into the output for its chat. Pure."""

from collections.abc import Sequence
from typing import assert_never

from thinkaloud.channels.message import (
    Delta,
    Outbound,
    OutboundMessage,
    StreamEnd,
    StreamMetadata,
    ThoughtDelta,
    ThoughtEnd,
)
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    IterationStarted,
    LoggedEvent,
    ModelResponded,
    Notice,
    Outcome,
    ReasoningDelta,
    ReasoningEnded,
    RunCheckpoint,
    RunEnded,
    RunError,
    RunStarted,
    RunStatus,
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
from thinkaloud.events.view import (
    AnswerBlock,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)


class RunPresenter:
    """Presents one run to one chat. Emits each character once, whether from events or a snapshot.

    An end may be emitted twice; the chat's `SegmentNormalizer` drops the second.
    """

    def __init__(self, channel: str, chat_id: str, run_id: str) -> None:
        self._channel = channel
        self._chat_id = chat_id
        self._run_id = run_id
        self._presented: dict[str, int] = {}

    def event(self, logged: LoggedEvent) -> Sequence[Outbound]:
        """Return what to send for the next event of the run."""
        event, seq = logged.event, logged.seq
        match event:
            case ReasoningDelta():
                return self._think(event.text, self._stream(event.segment_id, seq, event.part))
            case AnswerDelta():
                return self._say(event.text, self._stream(event.segment_id, seq))
            case ReasoningEnded():
                return self._end_thought(
                    event.segment_id, seq, event.duration_ms, interrupted=event.interrupted
                )
            case AnswerEnded():
                return self._end_answer(
                    event.segment_id, seq, resuming=event.resuming, interrupted=event.interrupted
                )
            case RunEnded():
                return self._end(event.status, event.iterations, event.error, event.outcome)
            case (
                RunStarted()
                | IterationStarted()
                | SegmentReclassified()
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
                | Notice()
                | VersionSelected()
            ):
                return ()
            case _:
                assert_never(event)

    def view(self, run: RunView) -> Sequence[Outbound]:
        """Return what is still to be sent, from a snapshot of the run instead of dropped events."""
        found: list[Outbound] = []
        for block in run.blocks:
            match block:
                case ReasoningBlock():
                    found.extend(self._thought_so_far(block))
                case AnswerBlock():
                    found.extend(self._answer_so_far(block, last=block is run.blocks[-1]))
                case ToolBlock() | NoticeBlock() | QuestionBlock():
                    continue
                case _:
                    assert_never(block)
        if run.status != "running" and run.status != "waiting":
            found.extend(self._end(run.status, run.iteration, run.error, run.outcome))
        return found

    def _thought_so_far(self, block: ReasoningBlock) -> Sequence[Outbound]:
        found: list[Outbound] = []
        presented = self._presented.get(block.segment_id, 0)
        for part, text in enumerate(block.parts):
            found.extend(self._think(text[presented:], self._stream(block.segment_id, None, part)))
            presented = max(0, presented - len(text))
        if block.status != "open":
            interrupted = block.status == "interrupted"
            duration = block.duration_ms or 0
            found.extend(
                self._end_thought(block.segment_id, None, duration, interrupted=interrupted)
            )
        return found

    def _answer_so_far(self, block: AnswerBlock, *, last: bool) -> Sequence[Outbound]:
        presented = self._presented.get(block.segment_id, 0)
        found = list(self._say(block.text[presented:], self._stream(block.segment_id, None)))
        if block.status != "open":
            interrupted = block.status == "interrupted"
            found.extend(
                self._end_answer(block.segment_id, None, resuming=not last, interrupted=interrupted)
            )
        return found

    def _think(self, text: str, stream: StreamMetadata) -> Sequence[Outbound]:
        self._count(text, stream)
        return (ThoughtDelta(self._channel, self._chat_id, text, stream),) if text else ()

    def _say(self, text: str, stream: StreamMetadata) -> Sequence[Outbound]:
        self._count(text, stream)
        return (Delta(self._channel, self._chat_id, text, stream),) if text else ()

    def _end_thought(
        self, segment_id: str, seq: int | None, duration_ms: int, *, interrupted: bool
    ) -> Sequence[Outbound]:
        stream = StreamMetadata(
            self._run_id, segment_id, seq, duration_ms=duration_ms, interrupted=interrupted
        )
        return (ThoughtEnd(self._channel, self._chat_id, stream),)

    def _end_answer(
        self, segment_id: str, seq: int | None, *, resuming: bool, interrupted: bool
    ) -> Sequence[Outbound]:
        stream = StreamMetadata(
            self._run_id, segment_id, seq, resuming=resuming, interrupted=interrupted
        )
        return (StreamEnd(self._channel, self._chat_id, stream),)

    def _end(
        self, status: RunStatus, iterations: int, error: RunError | None, outcome: Outcome | None
    ) -> Sequence[Outbound]:
        text = ""
        if error is not None:
            text = error.message
        elif outcome is not None:
            text = outcome.message
        elif status == "max_iterations":
            text = f"Stopped after {iterations} model calls, the limit."
        return (self.words(text),) if text else ()

    def words(self, text: str) -> OutboundMessage:
        """Return a message from the server itself."""
        return OutboundMessage(
            self._channel, self._chat_id, text, stream=StreamMetadata(self._run_id)
        )

    def _stream(self, segment_id: str, seq: int | None, part: int = 0) -> StreamMetadata:
        return StreamMetadata(self._run_id, segment_id, seq, part)

    def _count(self, text: str, stream: StreamMetadata) -> None:
        if stream.stream_id is not None:
            self._presented[stream.stream_id] = self._presented.get(stream.stream_id, 0) + len(text)
