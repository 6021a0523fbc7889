"""Fold the events of one run into its state.

`RunFold.apply` takes constant time per delta (P11).
"""

from collections.abc import Callable
from copy import copy
from typing import Final, Literal, assert_never

import msgspec

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
    Interaction,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.events.interaction_fold import Interactions
from thinkaloud.events.model import ReasoningStatus
from thinkaloud.events.prompt import Image
from thinkaloud.events.segment_fold import OpenAnswer, OpenReasoning
from thinkaloud.events.view import LatestProgress, NoticeBlock, QuestionBlock, RunView, ToolBlock

_BLANK: Final = " \t\r\n"
"""White space that does not count as answer text; the TypeScript fold has the same."""


_Blocks = list[OpenReasoning | OpenAnswer | ToolBlock | NoticeBlock | QuestionBlock]


class RunFold:
    """The fold of one run. Apply the events of the run in order, starting with its `RunStarted`.

    `attachments` are its files with content, if its `RunStarted` omits some of it.
    """

    __slots__ = (
        "_blocks",
        "_ended_at_ms",
        "_iteration",
        "_open",
        "_reasoning_status",
        "_show",
        "_shows_reasoning",
        "_started_at_ms",
        "_view",
        "answered",
        "attachments",
        "characters",
        "checkpoint",
        "ended",
        "first_seq",
        "images",
        "interactions",
        "last_at_ms",
        "last_seq",
        "responses",
        "run_id",
        "started",
    )

    def __init__(
        self, logged: LoggedEvent, attachments: tuple[Attachment, ...] | None = None
    ) -> None:
        if not isinstance(logged.event, RunStarted):
            raise ValueError(f"a run begins with run.started, not {type(logged.event).__name__}")
        self.run_id = logged.run_id
        self.started = logged.event
        self.attachments = logged.event.attachments if attachments is None else attachments
        """The files that the user attached."""
        self.answered = False
        """Whether it has any answer text other than white space."""
        self.characters = 0
        """The approximate size of the run in characters, once it has ended."""
        for file in self.attachments:
            self.characters += len(file.text) + len(file.base64)
        self.responses: dict[int, ModelResponded] = {}
        """The responses by iteration: for the next prompt, never sent to clients."""
        self.images: dict[str, tuple[Image, ...]] = {}
        """The images of tool results by call: for the next prompt, never sent to clients."""
        self.interactions = Interactions()
        """What it asked a person."""
        self.checkpoint: RunCheckpoint | None = None
        """What it is continued from, if it waits. Never sent to clients."""
        self.ended: RunEnded | None = None
        self.last_at_ms = logged.at_ms
        """The time of the last event."""
        self.first_seq = self.last_seq = logged.seq
        """The `seq` of its first and last event."""
        self._started_at_ms = logged.at_ms
        self._ended_at_ms: int | None = None
        self._iteration = 0
        self._reasoning_status: ReasoningStatus = "none"
        self._shows_reasoning = False
        self._blocks: _Blocks = []
        self._open: OpenReasoning | OpenAnswer | None = None
        self._view: RunView | None = None
        self._show: Callable[[RunView], RunView] | None = None

    def apply(self, logged: LoggedEvent) -> None:
        """Apply the next event of the run."""
        self.last_at_ms = logged.at_ms
        self.last_seq = logged.seq
        event = logged.event
        match event:
            case ReasoningDelta():
                block = self._open
                if not isinstance(block, OpenReasoning) or block.segment_id != event.segment_id:
                    block = self._begin_reasoning(event.segment_id, logged.at_ms)
                block.add(event.text, event.part)
            case AnswerDelta():
                block = self._open
                if not isinstance(block, OpenAnswer) or block.segment_id != event.segment_id:
                    block = self._begin_answer(event.segment_id)
                block.pieces.append(event.text)
                if not self.answered:
                    self.answered = bool(event.text.strip(_BLANK))
            case ReasoningEnded() | AnswerEnded():
                self._close(event)
            case _:
                self._apply_rare(event, logged.at_ms)

    def _apply_rare(
        self,
        event: RunStarted
        | IterationStarted
        | SegmentReclassified
        | ToolStarted
        | ToolProgress
        | ToolEnded
        | ToolRequested
        | ModelResponded
        | Notice
        | Interaction
        | RunCheckpoint
        | RunEnded
        | VersionSelected,
        at_ms: int,
    ) -> None:
        match event:
            case RunEnded():
                self.ended = event
                self._ended_at_ms = at_ms
            case IterationStarted():
                self._iteration = event.iteration
            case (
                ToolStarted()
                | ToolProgress()
                | ToolEnded()
                | ToolRequested()
                | ApprovalRequested()
                | ApprovalResolved()
                | QuestionRequested()
                | QuestionResolved()
            ):
                self._apply_to_tool(event)
            case SegmentReclassified():
                self._reclassify(event, at_ms)
            case ModelResponded():
                self.responses[event.iteration] = event
                if event.native is not None:
                    self.characters += len(bytes(event.native.payload))
                self._reasoning_status = _stronger(self._reasoning_status, event.reasoning_status)
            case RunCheckpoint():
                self.checkpoint = event
            case Notice():
                self._blocks.append(NoticeBlock(event.code, event.message))
            case RunStarted() | VersionSelected():
                raise ValueError(f"{type(event).__name__} does not belong inside {self.run_id}")
            case _:
                assert_never(event)

    def shrink(self) -> None:
        """Join the pieces of the open segment, each of which takes more memory than its text.

        Call it every now and then: it takes as long as the text that was added since the last call.
        """
        if self._open is not None:
            self._open.join()

    @property
    def status(self) -> RunStatus | Literal["running", "waiting"]:
        """The status of the run."""
        if self.ended is not None:
            return self.ended.status
        return "waiting" if self.interactions.open else "running"

    def view(self) -> RunView:
        """Return the current state of the run. The view of an ended run is cached."""
        view = self._view
        if view is None:
            view = self._put_together()
            if self._show is not None:
                view = self._show(view)
            if self.ended is not None:
                self._view = view
        return view

    def showing(self, show: Callable[[RunView], RunView]) -> "RunFold":
        """Return a copy for reading, whose view is changed by `show`. Apply no events to it."""
        found = copy(self)
        found._show, found._view = show, None
        return found

    def _put_together(self) -> RunView:
        ended = self.ended
        blocks = [
            block.view() if isinstance(block, OpenReasoning | OpenAnswer) else block
            for block in self._blocks
        ]
        return RunView(
            run_id=self.run_id,
            status=self.status,
            model=self.started.model,
            input=self.started.input,
            blocks=tuple(blocks),
            iteration=self._iteration,
            max_iterations=self.started.max_iterations,
            started_at_ms=self._started_at_ms,
            reasoning_effort=self.started.reasoning_effort,
            ended_at_ms=self._ended_at_ms,
            reasoning_status="shown" if self._shows_reasoning else self._reasoning_status,
            usage=ended.usage if ended else None,
            timing=ended.timing if ended else None,
            error=ended.error if ended else None,
            outcome=ended.outcome if ended else None,
            attachments=tuple([each.file for each in self.attachments]),
        )

    def _begin_reasoning(self, segment_id: str, at_ms: int) -> OpenReasoning:
        block = OpenReasoning(segment_id, self._iteration, at_ms)
        self._blocks.append(block)
        self._open = block
        self._shows_reasoning = True
        return block

    def _begin_answer(self, segment_id: str) -> OpenAnswer:
        block = OpenAnswer(segment_id, self._iteration)
        self._blocks.append(block)
        self._open = block
        return block

    def _close(self, event: ReasoningEnded | AnswerEnded) -> None:
        block, self._open = self._open, None
        if block is None:
            return
        block.status = "interrupted" if event.interrupted else "closed"
        block.join()
        self.characters += block.characters()
        if isinstance(block, OpenReasoning) and isinstance(event, ReasoningEnded):
            block.duration_ms = event.duration_ms

    def _reclassify(self, event: SegmentReclassified, at_ms: int) -> None:
        """Convert an answer segment to reasoning, or remove a withdrawn segment.

        A reader may have received the start of the segment as answer and the rest as reasoning.
        """
        found = [
            block
            for block in self._blocks
            if isinstance(block, OpenReasoning | OpenAnswer)
            and block.segment_id == event.segment_id
        ]
        if not found:
            return
        first = found[0]
        if event.to == "reasoning":
            thought = OpenReasoning(first.segment_id, first.iteration, at_ms - event.duration_ms)
            thought.parts = [[text for block in found for text in block.texts()]]
            thought.status = found[-1].status
            thought.duration_ms = event.duration_ms
            self._blocks[self._blocks.index(first)] = thought
        else:
            self.characters -= first.characters()
        self._blocks = [block for block in self._blocks if block not in found]
        self.answered = any(
            bool(text.strip(_BLANK))
            for block in self._blocks
            if isinstance(block, OpenAnswer)
            for text in block.pieces
        )
        self._shows_reasoning = any(isinstance(block, OpenReasoning) for block in self._blocks)
        if not self._shows_reasoning:
            self._reasoning_status = "none"

    def _apply_to_tool(
        self, event: ToolStarted | ToolProgress | ToolEnded | ToolRequested | Interaction
    ) -> None:
        match event:
            case ToolStarted() | ToolRequested():
                self._add_tool(event)
            case ToolProgress():
                progress = LatestProgress(event.message, event.progress, event.total)
                _update_tool(self._blocks, event.tool_call_id, progress=progress)
            case ToolEnded():
                self._end_tool(event)
            case _:
                _interact(self._blocks, self.interactions, event)

    def _add_tool(self, event: ToolStarted | ToolRequested) -> None:
        if isinstance(event, ToolStarted):
            approved = _approved(self._blocks, event.tool_call_id)
            if approved is not None:
                _update_tool(
                    self._blocks, event.tool_call_id, status="running", arguments=event.arguments
                )
                return
        status = "running" if isinstance(event, ToolStarted) else "requested"
        self._blocks.append(
            ToolBlock(event.tool_call_id, self._iteration, event.name, event.arguments, status)
        )

    def _end_tool(self, event: ToolEnded) -> None:
        self.characters += len(event.result)
        if event.images:
            self.images[event.tool_call_id] = event.images
            self.characters += sum(len(image.base64) for image in event.images)
        _update_tool(
            self._blocks,
            event.tool_call_id,
            status=event.status,
            result=event.result,
            duration_ms=event.duration_ms,
            truncated=event.truncated,
        )


def _stronger(first: ReasoningStatus, second: ReasoningStatus) -> ReasoningStatus:
    return second if first == "none" else first


def _interact(blocks: _Blocks, interactions: Interactions, event: Interaction) -> None:
    match event:
        case ApprovalRequested():
            blocks.append(interactions.request(event))
        case ApprovalResolved():
            for index, block in enumerate(blocks):
                if not isinstance(block, ToolBlock) or block.approval is None:
                    continue
                if block.approval.approval_id == event.approval_id:
                    decided = interactions.resolve(event, block.approval)
                    blocks[index] = msgspec.structs.replace(block, approval=decided)
        case QuestionRequested():
            blocks.append(interactions.ask(event))
        case QuestionResolved():
            for index, block in enumerate(blocks):
                if isinstance(block, QuestionBlock) and block.question_id == event.question_id:
                    blocks[index] = interactions.answer(event, block)


def _approved(blocks: _Blocks, tool_call_id: str) -> ToolBlock | None:
    """Return the block of a call that was approved and has not started."""
    for block in reversed(blocks):
        if isinstance(block, ToolBlock) and block.tool_call_id == tool_call_id:
            return block if block.status == "waiting" else None
    return None


def _update_tool(blocks: _Blocks, tool_call_id: str, **changes: object) -> None:
    """Change the block of a call. Calls of different responses may have the same id."""
    for index in range(len(blocks) - 1, -1, -1):
        block = blocks[index]
        if isinstance(block, ToolBlock) and block.tool_call_id == tool_call_id:
            blocks[index] = msgspec.structs.replace(block, **changes)
            return
