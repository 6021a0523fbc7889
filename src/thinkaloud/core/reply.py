"""The reply of a run, for REST, `complete` frames and the Python API. Pure."""

from typing import Literal

import msgspec

from thinkaloud.core.approvals.shown import Approval, open_approvals, parsed_arguments
from thinkaloud.events.event import Outcome, RunStatus, Timing, ToolStatus
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import ReasoningBlock, RunView, ToolBlock


class ActionResult(msgspec.Struct, frozen=True):
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


class ReasoningSegment(msgspec.Struct, frozen=True):
    """One segment of reasoning."""

    segment_id: str
    text: str
    duration_ms: int | None


class Reply(msgspec.Struct, frozen=True):
    """The body of `POST /chat/message`, and the data of a `complete` frame.

    The reasoning fields are absent, not empty, if reasoning was not requested (P7).
    """

    response: str
    action_results: tuple[ActionResult, ...]
    iterations: int
    max_iterations: int
    conversation_id: str
    run_id: str
    status: RunStatus | Literal["waiting"]
    """`waiting`: for a decision about the tool calls in `approvals`."""
    model: str
    usage: Usage | None
    timing: Timing | None
    reasoning_effort: Effort | None = None
    """The effective effort; null is the provider's default."""
    outcome: Outcome | None = None
    """Why the response is not a complete answer, and what to do about it."""
    approvals: tuple[Approval, ...] | msgspec.UnsetType = msgspec.UNSET
    """What the run waits for, if it does."""
    reasoning: str | msgspec.UnsetType = msgspec.UNSET
    reasoning_status: ReasoningStatus | msgspec.UnsetType = msgspec.UNSET
    reasoning_segments: tuple[ReasoningSegment, ...] | msgspec.UnsetType = msgspec.UNSET


def reply(run: RunView, conversation_id: str, *, include_reasoning: bool) -> Reply:
    """Return the reply of a run, with its output so far."""
    answer = Reply(
        response=run.response,
        action_results=tuple(
            _action(block, block.status)
            for block in run.blocks
            if isinstance(block, ToolBlock)
            and block.status != "requested"
            and block.status != "waiting"
        ),
        iterations=run.iteration,
        max_iterations=run.max_iterations,
        conversation_id=conversation_id,
        run_id=run.run_id,
        status="failed" if run.status == "running" else run.status,
        model=run.model,
        usage=run.usage,
        timing=run.timing,
        reasoning_effort=run.reasoning_effort,
        outcome=run.outcome,
        approvals=open_approvals(run) if run.status == "waiting" else msgspec.UNSET,
    )
    if not include_reasoning:
        return answer
    segments = tuple(
        ReasoningSegment(block.segment_id, block.text, block.duration_ms)
        for block in run.blocks
        if isinstance(block, ReasoningBlock)
    )
    return msgspec.structs.replace(
        answer,
        reasoning=run.reasoning,
        reasoning_status=run.reasoning_status,
        reasoning_segments=segments,
    )


def _action(block: ToolBlock, status: ToolStatus | Literal["running"]) -> ActionResult:
    return ActionResult(
        action=block.name,
        arguments=parsed_arguments(block.arguments),
        result=block.result,
        status="cancelled" if status == "running" else status,
        tool_call_id=block.tool_call_id,
        duration_ms=block.duration_ms or 0,
        truncated=block.truncated,
    )
