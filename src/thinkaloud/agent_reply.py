"""The typed dictionaries that the Python API returns."""

from typing import Literal, NotRequired, Required

from typing_extensions import ReadOnly, TypedDict

from thinkaloud.events.event import ToolStatus
from thinkaloud.events.prompt import Effort

MessageType = Literal["reasoning", "assistant"]


class ActionDict(TypedDict):
    """One tool call of a run."""

    action: str
    """The tool's name."""
    arguments: object
    """The arguments from the model: an object, or the text if it was not valid JSON."""
    result: str
    status: ToolStatus
    tool_call_id: str
    duration_ms: int
    truncated: bool


class ReasoningSegmentDict(TypedDict):
    """One segment of reasoning."""

    segment_id: str
    text: str
    duration_ms: int | None


class ApprovalDict(TypedDict):
    """A tool call that waits for a person's approval."""

    approval_id: str
    tool_call_id: str
    action: str
    """The tool's name."""
    title: str
    """The tool's name for people."""
    arguments: object
    """The arguments from the model: an object, or the text if it was not valid JSON."""
    reason: str
    """Why it has to be approved."""
    editable: bool
    """Whether the decision may change the arguments."""
    allowed_remember: list[Literal["run", "conversation", "always"]]
    """What `remember` may be."""
    iteration: int
    expires_at_ms: int
    """When it expires, in Unix milliseconds."""
    server: NotRequired[str]
    """The MCP server that has the tool."""


class ChatReply(TypedDict):
    """The reply of `Agent.chat`. The reasoning fields are present only if reasoning was requested."""

    assistant_response: str
    action_results: list[ActionDict]
    iterations: int
    max_iterations: int
    conversation_id: str
    run_id: str
    status: Literal["completed", "stopped", "max_iterations", "waiting"]
    """`waiting`: for a decision about the tool calls in `approvals`; see `Agent.resolve_approval`."""
    model: str
    usage: dict[str, object] | None
    timing: dict[str, object] | None
    outcome: dict[str, object] | None
    reasoning_effort: Effort | None
    approvals: NotRequired[list[ApprovalDict]]
    """What the run waits for, if it does."""
    reasoning: NotRequired[ReadOnly[str]]
    reasoning_status: NotRequired[ReadOnly[Literal["none", "shown", "hidden_by_provider"]]]
    reasoning_segments: NotRequired[ReadOnly[list[ReasoningSegmentDict]]]


class ChatReplyWithReasoning(ChatReply):
    """The reply of `Agent.chat` with `include_reasoning=True`."""

    reasoning: Required[ReadOnly[str]]
    reasoning_status: Required[ReadOnly[Literal["none", "shown", "hidden_by_provider"]]]
    reasoning_segments: Required[ReadOnly[list[ReasoningSegmentDict]]]
