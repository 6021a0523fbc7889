"""Events with which a run asks a person: approvals of tool calls, and questions."""

from typing import Literal

import msgspec

Decision = Literal["approved", "denied", "expired", "cancelled"]
Remember = Literal["run", "conversation", "always"]
"""For which later calls of the same tool an approval counts, too. `always`: of the same owner."""
QuestionAction = Literal["accept", "decline", "cancel"]


class DecidedBy(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who decided, and how."""

    owner: str
    key_id: str | None = None
    via: str = ""
    """`api`, `socket`, `python`, `terminal`, the name of a channel; `expiry` or `stop` if nobody
    decided."""


class ApprovalRequested(
    msgspec.Struct, frozen=True, tag="approval.requested", omit_defaults=True, gc=False
):
    """A tool call waits until a person approves it. It starts with a `ToolStarted`, if ever."""

    approval_id: str
    tool_call_id: str
    action: str
    """The tool's name."""
    title: str
    """The tool's name for people."""
    arguments: str
    """The arguments as the JSON text that the model wrote."""
    reason: str
    """Why it has to be approved."""
    editable: bool
    """Whether the decision may change the arguments."""
    allowed_remember: tuple[Remember, ...]
    iteration: int
    expires_at_ms: int
    """When it expires, in Unix milliseconds."""
    server: str | None = None
    """The MCP server that has the tool."""
    fingerprint: str = ""
    """Identifies the definition of the tool. An approval counts for this definition only."""


class ApprovalResolved(
    msgspec.Struct, frozen=True, tag="approval.resolved", omit_defaults=True, gc=False
):
    """An approval was decided, exactly once."""

    approval_id: str
    tool_call_id: str
    decision: Decision
    by: DecidedBy
    arguments: str | None = None
    """The arguments that replace those of the model, as JSON text."""
    reason: str | None = None
    """What the person said about it."""
    remember: Remember | None = None


class QuestionRequested(
    msgspec.Struct, frozen=True, tag="question.requested", omit_defaults=True, gc=False
):
    """A running tool call asks a person a question."""

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


class QuestionResolved(msgspec.Struct, frozen=True, tag="question.resolved", gc=False):
    """A question was answered, exactly once. The answer itself is not logged."""

    question_id: str
    action: QuestionAction


Interaction = ApprovalRequested | ApprovalResolved | QuestionRequested | QuestionResolved
