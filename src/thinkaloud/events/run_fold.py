"""Fold the events of one run into its state.

`RunFold.apply` takes constant time per delta (P11).
"""

from collections.abc import Callable
from copy import copy
from typing import Final, assert_never

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
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolProgress,
    ToolRequested,
    ToolStarted,
    VersionSelected,
)
from thinkaloud.events.model import ReasoningStatus
from thinkaloud.events.prompt import Image
from thinkaloud.events.view import (
    AnswerBlock,
    BlockStatus,
    LatestProgress,
    NoticeBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)

_BLANK: Final = " \t\r\n"
"""White space that does not count as answer text; the TypeScript fold has the same."""
_SHORT: Final = 512
"""Pieces of text with fewer characters are joined with the next ones."""


class _OpenReasoning:
    """A mutable reasoning segment. Its text is kept in pieces and joined only for a view."""

    __slots__ = ("duration_ms", "iteration", "parts", "segment_id", "started_at_ms", "status")

    def __init__(self, segment_id: str, iteration: int, started_at_ms: int) -> None:
        self.segment_id = segment_id
        self.iteration = iteration
        self.started_at_ms = started_at_ms
        self.parts: list[list[str]] = [[]]
        self.status: BlockStatus = "open"
        self.duration_ms: int | None = None

    def add(self, text: str, part: int) -> None:
        while len(self.parts) <= part:
            self.parts.append([])
        self.parts[part].append(text)

    def characters(self) -> int:
        return sum(sum(map(len, part)) for part in self.parts)

    def texts(self) -> list[str]:
        return [text for part in self.parts for text in part]

    def join(self) -> None:
        for part in self.parts:
            _join(part)

    def view(self) -> ReasoningBlock:
        return ReasoningBlock(
            self.segment_id,
            self.iteration,
            tuple(["".join(part) for part in self.parts]),
            self.status,
            self.started_at_ms,
            self.duration_ms,
        )


class _OpenAnswer:
    """A mutable answer segment."""

    __slots__ = ("iteration", "pieces", "segment_id", "status")

    def __init__(self, segment_id: str, iteration: int) -> None:
        self.segment_id = segment_id
        self.iteration = iteration
        self.pieces: list[str] = []
        self.status: BlockStatus = "open"

    def characters(self) -> int:
        return sum(map(len, self.pieces))

    def texts(self) -> list[str]:
        return self.pieces

    def join(self) -> None:
        _join(self.pieces)

    def view(self) -> AnswerBlock:
        return AnswerBlock(self.segment_id, self.iteration, "".join(self.pieces), self.status)


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
        "ended",
        "first_seq",
        "images",
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
        self._blocks: list[_OpenReasoning | _OpenAnswer | ToolBlock | NoticeBlock] = []
        self._open: _OpenReasoning | _OpenAnswer | None = None
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
                if not isinstance(block, _OpenReasoning) or block.segment_id != event.segment_id:
                    block = self._begin_reasoning(event.segment_id, logged.at_ms)
                block.add(event.text, event.part)
            case AnswerDelta():
                block = self._open
                if not isinstance(block, _OpenAnswer) or block.segment_id != event.segment_id:
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
            case ToolStarted() | ToolProgress() | ToolEnded() | ToolRequested():
                self._apply_to_tool(event)
            case SegmentReclassified():
                self._reclassify(event, at_ms)
            case ModelResponded():
                self.responses[event.iteration] = event
                if event.native is not None:
                    self.characters += len(bytes(event.native.payload))
                self._reasoning_status = _stronger(self._reasoning_status, event.reasoning_status)
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
            block.view() if isinstance(block, _OpenReasoning | _OpenAnswer) else block
            for block in self._blocks
        ]
        return RunView(
            run_id=self.run_id,
            status="running" if ended is None else ended.status,
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

    def _begin_reasoning(self, segment_id: str, at_ms: int) -> _OpenReasoning:
        block = _OpenReasoning(segment_id, self._iteration, at_ms)
        self._blocks.append(block)
        self._open = block
        self._shows_reasoning = True
        return block

    def _begin_answer(self, segment_id: str) -> _OpenAnswer:
        block = _OpenAnswer(segment_id, self._iteration)
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
        if isinstance(block, _OpenReasoning) and isinstance(event, ReasoningEnded):
            block.duration_ms = event.duration_ms

    def _reclassify(self, event: SegmentReclassified, at_ms: int) -> None:
        """Convert an answer segment to reasoning, or remove a withdrawn segment.

        A reader may have received the start of the segment as answer and the rest as reasoning.
        """
        found = [
            block
            for block in self._blocks
            if isinstance(block, _OpenReasoning | _OpenAnswer)
            and block.segment_id == event.segment_id
        ]
        if not found:
            return
        first = found[0]
        if event.to == "reasoning":
            thought = _OpenReasoning(first.segment_id, first.iteration, at_ms - event.duration_ms)
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
            if isinstance(block, _OpenAnswer)
            for text in block.pieces
        )
        self._shows_reasoning = any(isinstance(block, _OpenReasoning) for block in self._blocks)
        if not self._shows_reasoning:
            self._reasoning_status = "none"

    def _apply_to_tool(self, event: ToolStarted | ToolProgress | ToolEnded | ToolRequested) -> None:
        match event:
            case ToolStarted() | ToolRequested():
                self._add_tool(event)
            case ToolProgress():
                progress = LatestProgress(event.message, event.progress, event.total)
                self._update_tool(event.tool_call_id, progress=progress)
            case ToolEnded():
                self._end_tool(event)

    def _add_tool(self, event: ToolStarted | ToolRequested) -> None:
        status = "running" if isinstance(event, ToolStarted) else "requested"
        self._blocks.append(
            ToolBlock(event.tool_call_id, self._iteration, event.name, event.arguments, status)
        )

    def _end_tool(self, event: ToolEnded) -> None:
        self.characters += len(event.result)
        if event.images:
            self.images[event.tool_call_id] = event.images
            self.characters += sum(len(image.base64) for image in event.images)
        self._update_tool(
            event.tool_call_id,
            status=event.status,
            result=event.result,
            duration_ms=event.duration_ms,
            truncated=event.truncated,
        )

    def _update_tool(self, tool_call_id: str, **changes: object) -> None:
        """Change the block of a call. Calls of different responses may have the same id."""
        for index in range(len(self._blocks) - 1, -1, -1):
            block = self._blocks[index]
            if isinstance(block, ToolBlock) and block.tool_call_id == tool_call_id:
                self._blocks[index] = msgspec.structs.replace(block, **changes)
                return


def _join(pieces: list[str]) -> None:
    """Join the pieces at the end, from the last long one on."""
    start = len(pieces)
    while start and len(pieces[start - 1]) < _SHORT:
        start -= 1
    if len(pieces) - start > 1:
        pieces[start:] = ["".join(pieces[start:])]


def _stronger(first: ReasoningStatus, second: ReasoningStatus) -> ReasoningStatus:
    return second if first == "none" else first
