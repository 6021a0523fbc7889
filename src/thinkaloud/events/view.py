"""The results of the fold: the state of a run and of a conversation, as frozen values."""

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
from thinkaloud.events.interaction import DecidedBy, Decision, QuestionAction, Remember
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort

BlockStatus = Literal["open", "closed", "interrupted"]


class ReasoningBlock(msgspec.Struct, frozen=True, tag="reasoning", gc=False):
    """One reasoning segment. `parts` are the provider's own blocks; concatenated, they are its text."""

    segment_id: str
    iteration: int
    parts: tuple[str, ...]
    status: BlockStatus
    started_at_ms: int
    duration_ms: int | None = None

    @property
    def text(self) -> str:
        """All deltas of the segment, concatenated (P4)."""
        return "".join(self.parts)


class AnswerBlock(msgspec.Struct, frozen=True, tag="answer", gc=False):
    """One answer segment."""

    segment_id: str
    iteration: int
    text: str
    status: BlockStatus


class LatestProgress(msgspec.Struct, frozen=True, gc=False):
    """The latest progress that a tool call reported. The numbers are the tool's and may be wrong."""

    message: str
    progress: float | None = None
    total: float | None = None


class ToolApproval(msgspec.Struct, frozen=True, gc=False):
    """What a person is asked about a tool call, and the decision."""

    approval_id: str
    title: str
    """The tool's name for people."""
    reason: str
    """Why it has to be approved."""
    editable: bool
    """Whether the decision may change the arguments."""
    allowed_remember: tuple[Remember, ...]
    expires_at_ms: int
    """When it expires, in Unix milliseconds."""
    server: str | None = None
    """The MCP server that has the tool."""
    decision: Decision | None = None
    """None: it is open."""
    decision_reason: str | None = None
    """What the person said about it."""
    edited: bool = False
    """Whether the decision changed the arguments."""
    remember: Remember | None = None
    by: DecidedBy | None = None
    """Who decided."""


class ToolBlock(msgspec.Struct, frozen=True, tag="tool", gc=False):
    """One tool call that is executed here, or was returned to the client (`requested`)."""

    tool_call_id: str
    iteration: int
    name: str
    arguments: str
    status: ToolStatus | Literal["waiting", "running", "requested"]
    """`waiting`: for an approval."""
    result: str = ""
    duration_ms: int | None = None
    truncated: bool = False
    progress: LatestProgress | None = None
    """The last progress that it reported."""
    approval: ToolApproval | None = None
    """Whether it was, or has to be, approved."""


class NoticeBlock(msgspec.Struct, frozen=True, tag="notice", gc=False):
    """Information for the user."""

    code: str
    message: str


class QuestionBlock(msgspec.Struct, frozen=True, tag="question", gc=False):
    """A question of a tool call to a person."""

    question_id: str
    tool_call_id: str
    mode: Literal["form", "url"]
    message: str
    expires_at_ms: int
    """When it expires, in Unix milliseconds."""
    server: str | None = None
    """The MCP server that asks."""
    schema: dict[str, object] | None = None
    """A JSON Schema of type `object`: the fields of the form."""
    url: str | None = None
    """A page to open."""
    action: QuestionAction | None = None
    """How it was answered; None: it is open."""


Block = ReasoningBlock | AnswerBlock | ToolBlock | NoticeBlock | QuestionBlock


class RunView(msgspec.Struct, frozen=True, gc=False):
    """The state of a run."""

    run_id: str
    status: RunStatus | Literal["running", "waiting"]
    """`waiting`: for a person's decision about a tool call."""
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
    """The files named by `input`, in order."""

    @property
    def response(self) -> str:
        """All answer text of the run, in order."""
        return "".join([block.text for block in self.blocks if isinstance(block, AnswerBlock)])

    @property
    def reasoning(self) -> str:
        """All reasoning of the run, in order."""
        return "".join([block.text for block in self.blocks if isinstance(block, ReasoningBlock)])


class ConversationView(msgspec.Struct, frozen=True, gc=False):
    """A conversation at `seq`: the selected version at every position."""

    conversation_id: str
    seq: int
    runs: tuple[RunView, ...]
    """The current path, oldest first."""
    versions: Mapping[str, tuple[str, ...]] = {}
    """By run, for runs with other versions: all versions at its position, oldest first."""
    attempt: RunView | None = None
    """A replacement without answer text: it is still running, or the last attempt produced none.
    It is a version of the run that it would replace, and not selected."""
