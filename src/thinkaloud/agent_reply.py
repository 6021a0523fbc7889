"""What the Python API returns: plain dictionaries, typed."""

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
    """As the model gave them: an object, or the text where it was no JSON."""
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


class ChatReply(TypedDict):
    """What `Agent.chat` returns. The reasoning members are only there where it was asked for."""

    assistant_response: str
    action_results: list[ActionDict]
    iterations: int
    max_iterations: int
    conversation_id: str
    run_id: str
    status: Literal["completed", "stopped", "max_iterations"]
    model: str
    usage: dict[str, object] | None
    timing: dict[str, object] | None
    outcome: dict[str, object] | None
    reasoning_effort: Effort | None
    reasoning: NotRequired[ReadOnly[str]]
    reasoning_status: NotRequired[ReadOnly[Literal["none", "shown", "hidden_by_provider"]]]
    reasoning_segments: NotRequired[ReadOnly[list[ReasoningSegmentDict]]]


class ChatReplyWithReasoning(ChatReply):
    """What `Agent.chat` returns with `include_reasoning=True`."""

    reasoning: Required[ReadOnly[str]]
    reasoning_status: Required[ReadOnly[Literal["none", "shown", "hidden_by_provider"]]]
    reasoning_segments: Required[ReadOnly[list[ReasoningSegmentDict]]]
