"""The one reading of the log: events in order → what a person, a prompt or an export sees.

`Fold.apply` costs the same for the first delta and the millionth (P11). `Fold.view` gives a
frozen value; its JSON is equal to what the TypeScript fold gives for the same events.
"""

from typing import assert_never

import msgspec

from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Attachment,
    Event,
    IterationStarted,
    ModelResponded,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    Recorded,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolStarted,
)
from thinkaloud.events.model import ReasoningStatus
from thinkaloud.events.view import (
    AnswerBlock,
    BlockStatus,
    ConversationView,
    NoticeBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)


class _OpenReasoning:
    """A segment of reasoning under construction: text in pieces, joined when somebody looks."""

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
    """A segment of the answer under construction."""

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

    def view(self) -> AnswerBlock:
        return AnswerBlock(self.segment_id, self.iteration, "".join(self.pieces), self.status)


class RunFold:
    """The fold of one run. Feed it the events of that run, in order, from its `RunStarted`.

    `attachments` are its files with their content, where its start leaves some of that out.
    """

    __slots__ = (
        "_blocks",
        "_ended_at_ms",
        "_iteration",
        "_open",
        "_reasoning_status",
        "_shows_reasoning",
        "_started_at_ms",
        "_view",
        "attachments",
        "characters",
        "ended",
        "first_seq",
        "last_at_ms",
        "last_seq",
        "responses",
        "run_id",
        "started",
    )

    def __init__(
        self, recorded: Recorded, attachments: tuple[Attachment, ...] | None = None
    ) -> None:
        if not isinstance(recorded.event, RunStarted):
            raise ValueError(f"a run begins with run.started, not {type(recorded.event).__name__}")
        self.run_id = recorded.run_id
        self.started = recorded.event
        self.attachments = recorded.event.attachments if attachments is None else attachments
        """The files that the user put before the model."""
        self.characters = 0
        """About how many characters all of it is, once the run has ended."""
        for file in self.attachments:
            self.characters += len(file.text) + len(file.base64)
        self.responses: dict[int, ModelResponded] = {}
        """What each model call gave back, by iteration: for the next prompt, never for a wire."""
        self.ended: RunEnded | None = None
        self.last_at_ms = recorded.at_ms
        """When the last event was written."""
        self.first_seq = self.last_seq = recorded.seq
        """The numbers of its first and its last event."""
        self._started_at_ms = recorded.at_ms
        self._ended_at_ms: int | None = None
        self._iteration = 0
        self._reasoning_status: ReasoningStatus = "none"
        self._shows_reasoning = False
        self._blocks: list[_OpenReasoning | _OpenAnswer | ToolBlock | NoticeBlock] = []
        self._open: _OpenReasoning | _OpenAnswer | None = None
        self._view: RunView | None = None

    def apply(self, recorded: Recorded) -> None:
        """Take the next event of the run."""
        self.last_at_ms = recorded.at_ms
        self.last_seq = recorded.seq
        event = recorded.event
        match event:
            case ReasoningDelta():
                block = self._open
                if not isinstance(block, _OpenReasoning) or block.segment_id != event.segment_id:
                    block = self._begin_reasoning(event.segment_id, recorded.at_ms)
                block.add(event.text, event.part)
            case AnswerDelta():
                block = self._open
                if not isinstance(block, _OpenAnswer) or block.segment_id != event.segment_id:
                    block = self._begin_answer(event.segment_id)
                block.pieces.append(event.text)
            case ReasoningEnded() | AnswerEnded():
                self._close(event)
            case _:
                self._apply_rare(event, recorded.at_ms)

    def _apply_rare(
        self,
        event: RunStarted
        | IterationStarted
        | SegmentReclassified
        | ToolStarted
        | ToolEnded
        | ModelResponded
        | Notice
        | RunEnded,
        at_ms: int,
    ) -> None:
        match event:
            case RunEnded():
                self.ended = event
                self._ended_at_ms = at_ms
            case IterationStarted():
                self._iteration = event.iteration
            case ToolStarted():
                self._blocks.append(
                    ToolBlock(
                        event.tool_call_id, self._iteration, event.name, event.arguments, "running"
                    )
                )
            case ToolEnded():
                self._end_tool(event)
            case SegmentReclassified():
                self._reclassify(event, at_ms)
            case ModelResponded():
                self.responses[event.iteration] = event
                if event.native is not None:
                    self.characters += len(bytes(event.native.payload))
                self._reasoning_status = _stronger(self._reasoning_status, event.reasoning_status)
            case Notice():
                self._blocks.append(NoticeBlock(event.code, event.message))
            case RunStarted():
                raise ValueError(f"{self.run_id} began twice")
            case _:
                assert_never(event)

    def view(self) -> RunView:
        """Return the run as it stands. One that has ended is put together once."""
        view = self._view or self._put_together()
        if self.ended is not None:
            self._view = view
        return view

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
        self.characters += block.characters()
        if isinstance(block, _OpenReasoning) and isinstance(event, ReasoningEnded):
            block.duration_ms = event.duration_ms

    def _reclassify(self, event: SegmentReclassified, at_ms: int) -> None:
        """Turn an answer segment into reasoning, or take a segment out.

        A reader that had the beginning of it as an answer may have got the rest as reasoning.
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
        self._shows_reasoning = any(isinstance(block, _OpenReasoning) for block in self._blocks)
        if not self._shows_reasoning:
            self._reasoning_status = "none"

    def _end_tool(self, event: ToolEnded) -> None:
        self.characters += len(event.result)
        for index in range(len(self._blocks) - 1, -1, -1):
            started = self._blocks[index]
            if isinstance(started, ToolBlock) and started.tool_call_id == event.tool_call_id:
                self._blocks[index] = msgspec.structs.replace(
                    started,
                    status=event.status,
                    result=event.result,
                    duration_ms=event.duration_ms,
                    truncated=event.truncated,
                )
                return


class Fold:
    """The fold of a conversation. Feed it every event, in order of `seq`."""

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.seq = 0
        self.runs: dict[str, RunFold] = {}
        self.replaced: dict[str, RunFold] = {}
        """Runs that others took the place of, with those that came after them."""

    def apply(self, recorded: Recorded) -> None:
        """Take the next event."""
        self.seq = recorded.seq
        run = self.run(recorded.run_id)
        if run is not None:
            run.apply(recorded)
            return
        run = RunFold(recorded, self._attachments(recorded.event))
        if run.started.replaces in self.runs:
            self._replace(run.started.replaces)
        self.runs[recorded.run_id] = run

    def run(self, run_id: str) -> RunFold | None:
        """Return a run, also one that another took the place of; None where there is none."""
        return self.runs.get(run_id) or self.replaced.get(run_id)

    def settled(self) -> "Fold":
        """Return a fold to go on with by itself, as far as all runs have ended.

        It has these runs themselves: they do not change any more.
        """
        both = [*self.runs.values(), *self.replaced.values()]
        end = min([run.first_seq for run in both if run.ended is None], default=self.seq + 1)
        left = [run for run in both if run.last_seq >= end]
        found = Fold(self.conversation_id)
        if not left:
            found.seq, found.runs, found.replaced = self.seq, self.runs.copy(), self.replaced.copy()
            return found
        found.seq = max([run.last_seq for run in both if run.last_seq < end], default=0)
        if any(run.first_seq <= found.seq or run.started.replaces for run in left):
            return Fold(self.conversation_id)  # What they did to the others cannot be told apart.
        found.runs = {name: run for name, run in self.runs.items() if run.last_seq < end}
        found.replaced = {name: run for name, run in self.replaced.items() if run.last_seq < end}
        return found

    def _attachments(self, event: Event) -> tuple[Attachment, ...] | None:
        if not isinstance(event, RunStarted) or not event.attachments:
            return None
        return tuple([self._whole(each) for each in event.attachments])

    def _whole(self, attachment: Attachment) -> Attachment:
        """Return a file with its content, from the run that keeps it."""
        holder = self.run(attachment.kept_in)
        if holder is None:
            return attachment
        for kept in holder.attachments:
            if kept.id == attachment.id:
                return msgspec.structs.replace(attachment, text=kept.text, base64=kept.base64)
        return attachment

    def _replace(self, run_id: str) -> None:
        ids = list(self.runs)
        for gone in ids[ids.index(run_id) :]:
            self.replaced[gone] = self.runs.pop(gone)

    def view(self) -> ConversationView:
        """Return the conversation as it stands."""
        runs = tuple(run.view() for run in self.runs.values())
        return ConversationView(self.conversation_id, self.seq, runs)


def _stronger(first: ReasoningStatus, second: ReasoningStatus) -> ReasoningStatus:
    return second if first == "none" else first
