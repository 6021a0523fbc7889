"""What the fold gives: a run and a conversation as they stand, as frozen values."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from thinkaloud.events.event import (
    AttachedFile,
    Outcome,
    RunError,
    RunStatus,
    Timing,
    ToolStatus,
    UserInput,
)
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort

BlockStatus = Literal["open", "closed", "interrupted"]


class ReasoningBlock(msgspec.Struct, frozen=True, tag="reasoning", gc=False):
    """One segment of reasoning. `parts` are the provider's own blocks; their text is joined as is."""

    segment_id: str
    iteration: int
    parts: tuple[str, ...]
    status: BlockStatus
    started_at_ms: int
    duration_ms: int | None = None

    @property
    def text(self) -> str:
        """All deltas of the segment, joined (P4)."""
        return "".join(self.parts)


class AnswerBlock(msgspec.Struct, frozen=True, tag="answer", gc=False):
    """One segment of the answer."""

    segment_id: str
    iteration: int
    text: str
    status: BlockStatus


class ToolBlock(msgspec.Struct, frozen=True, tag="tool", gc=False):
    """One tool call that was run."""

    tool_call_id: str
    iteration: int
    name: str
    arguments: str
    status: ToolStatus | Literal["running"]
    result: str = ""
    duration_ms: int | None = None
    truncated: bool = False


class NoticeBlock(msgspec.Struct, frozen=True, tag="notice", gc=False):
    """Something that the user should know."""

    code: str
    message: str


Block = ReasoningBlock | AnswerBlock | ToolBlock | NoticeBlock


class RunView(msgspec.Struct, frozen=True, gc=False):
    """One run as it stands."""

    run_id: str
    status: RunStatus | Literal["running"]
    model: str
    input: UserInput
    blocks: tuple[Block, ...]
    iteration: int
    max_iterations: int
    started_at_ms: int
    reasoning_effort: Effort | None = None
    ended_at_ms: int | None = None
    reasoning_status: ReasoningStatus = "none"
    usage: Usage | None = None
    timing: Timing | None = None
    error: RunError | None = None
    outcome: Outcome | None = None
    attachments: tuple[AttachedFile, ...] = ()
    """The files that `input` names, in its order."""

    @property
    def response(self) -> str:
        """All answer text of the run, in order."""
        return "".join([block.text for block in self.blocks if isinstance(block, AnswerBlock)])

    @property
    def reasoning(self) -> str:
        """All reasoning of the run, in order."""
        return "".join([block.text for block in self.blocks if isinstance(block, ReasoningBlock)])


class ConversationView(msgspec.Struct, frozen=True, gc=False):
    """A conversation as it stands at `seq`: the selected version of every position."""

    conversation_id: str
    seq: int
    runs: tuple[RunView, ...]
    """The current path, oldest first."""
    versions: Mapping[str, tuple[str, ...]] = {}
    """By run, for those that have other versions: all versions of its position, oldest first."""
    attempt: RunView | None = None
    """A replacement that has given no answer text: it is running, or the last try came to nothing.
    It is a version of the run in whose place it stands, and not selected."""
