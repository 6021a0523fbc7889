"""Runs that wait for a person, rebuilt from their logs. Pure."""

from thinkaloud.core.turn import TurnSoFar
from thinkaloud.events.event import Event, ToolEnded, ToolStatus
from thinkaloud.events.fold import RunFold
from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    DecidedBy,
    Decision,
    QuestionResolved,
)
from thinkaloud.events.view import ToolBlock

INTERRUPTED = "Interrupted: its outcome is unknown."
"""The result of a call during which the server stopped."""


def is_waiting(run: RunFold) -> bool:
    """Whether a run waits for a person, and can be continued from its log."""
    return run.status == "waiting" and run.checkpoint is not None


def turn_so_far(run: RunFold) -> TurnSoFar | None:
    """Return what a run had done until it waited; None if it cannot be continued."""
    if run.checkpoint is None:
        return None
    iteration = max(run.responses, default=0)
    calls = run.responses[iteration].tool_calls if iteration else ()
    return TurnSoFar(
        iteration,
        calls,
        run.checkpoint.timing,
        run.checkpoint.usage,
        # Each of its segments has at least one event.
        run.last_seq - run.first_seq,
        run.answered,
    )


def after_restart(run: RunFold) -> list[Event]:
    """Return the events that end what a waiting run was doing when the server stopped."""
    events: list[Event] = [
        QuestionResolved(question_id, "cancel") for question_id in run.interactions.questions
    ]
    events.extend(
        ToolEnded(block.tool_call_id, block.name, "interrupted", INTERRUPTED, duration_ms=0)
        for block in run.view().blocks
        if isinstance(block, ToolBlock) and block.status == "running"
    )
    return events


def unresolved(run: RunFold, owner: str, via: str) -> list[Event]:
    """Return the events that cancel everything that a run still asks, because it ends."""
    events: list[Event] = [
        QuestionResolved(question_id, "cancel") for question_id in run.interactions.questions
    ]
    for asked in run.interactions.open:
        events += cancelled(asked, owner, via)
    events.extend(
        # Approved, but not executed: those that were executed have ended.
        ToolEnded(block.tool_call_id, block.name, "cancelled", "Cancelled.", duration_ms=0)
        for block in run.view().blocks
        if isinstance(block, ToolBlock) and block.status == "running" and block.approval
    )
    return events


def cancelled(asked: ApprovalRequested, owner: str, via: str) -> list[Event]:
    """Return the events that cancel an approval."""
    by = DecidedBy(owner, via=via)
    resolved = ApprovalResolved(asked.approval_id, asked.tool_call_id, "cancelled", by)
    return [resolved, refused(asked, "cancelled")]


def refused(asked: ApprovalRequested, decision: Decision, reason: str | None = None) -> ToolEnded:
    """Return the result of a call that was not approved, as the model gets it."""
    match decision:
        case "denied":
            said = f" They said: {reason}" if reason else ""
            text = f"The user did not allow this call, so it was not run.{said}"
            return _ended(asked, "denied", text)
        case "expired":
            text = "Nobody decided about this call in time, so it was not run."
            return _ended(asked, "expired", text)
        case _:
            return _ended(
                asked, "cancelled", "The run ended before anybody decided about this call."
            )


def _ended(asked: ApprovalRequested, status: ToolStatus, text: str) -> ToolEnded:
    return ToolEnded(asked.tool_call_id, asked.action, status, text, duration_ms=0)
