"""Approvals and questions as clients get them: with decoded arguments. Pure."""

from typing import Final, Literal

import msgspec

from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    DecidedBy,
    Decision,
    QuestionAction,
    QuestionRequested,
    Remember,
)
from thinkaloud.events.view import RunView, ToolBlock

_MAX_BRACKETS: Final = 400


class Approval(msgspec.Struct, frozen=True, omit_defaults=True):
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
    allowed_remember: tuple[Remember, ...]
    """What `remember` may be."""
    iteration: int
    expires_at_ms: int
    """When it expires, in Unix milliseconds."""
    server: str | None = None
    """The MCP server that has the tool."""


class Resolution(msgspec.Struct, frozen=True, omit_defaults=True):
    """The decision about a tool call."""

    approval_id: str
    tool_call_id: str
    decision: Decision
    by: DecidedBy
    """Who decided, and how."""
    arguments: object = None
    """The arguments that replaced those of the model."""
    reason: str | None = None
    """What the person said about it."""
    remember: Remember | None = None


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
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


class AnsweredQuestion(msgspec.Struct, frozen=True):
    """How a question was answered. The answer itself is not repeated."""

    question_id: str
    action: QuestionAction


def approval_of(event: ApprovalRequested) -> Approval:
    """Return a requested approval."""
    return Approval(
        event.approval_id,
        event.tool_call_id,
        event.action,
        event.title,
        parsed_arguments(event.arguments),
        event.reason,
        event.editable,
        event.allowed_remember,
        event.iteration,
        event.expires_at_ms,
        event.server,
    )


def resolution_of(event: ApprovalResolved) -> Resolution:
    """Return a decision."""
    return Resolution(
        event.approval_id,
        event.tool_call_id,
        event.decision,
        event.by,
        None if event.arguments is None else parsed_arguments(event.arguments),
        event.reason,
        event.remember,
    )


def question_of(event: QuestionRequested) -> Question:
    """Return a question."""
    return Question(
        event.question_id,
        event.tool_call_id,
        event.mode,
        event.message,
        event.expires_at_ms,
        event.server,
        event.schema,
        event.url,
    )


def open_approvals(run: RunView) -> tuple[Approval, ...]:
    """Return what a run waits for, in the order of the calls."""
    return tuple(
        Approval(
            asked.approval_id,
            block.tool_call_id,
            block.name,
            asked.title,
            parsed_arguments(block.arguments),
            asked.reason,
            asked.editable,
            asked.allowed_remember,
            block.iteration,
            asked.expires_at_ms,
            asked.server,
        )
        for block in run.blocks
        if isinstance(block, ToolBlock)
        and (asked := block.approval) is not None
        and asked.decision is None
    )


def parsed_arguments(text: str) -> object:
    """Parse the arguments of a tool call.

    Returns the text unchanged if it is not valid JSON, or has so many brackets that the value might
    be nested too deeply to encode.
    """
    if text.count("[") + text.count("{") > _MAX_BRACKETS:
        return text
    try:
        return msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return text
