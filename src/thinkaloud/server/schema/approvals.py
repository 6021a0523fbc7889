"""Requests and responses about approvals and questions."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from thinkaloud.core.approvals.shown import Approval
from thinkaloud.events.interaction import DecidedBy, Decision, Remember
from thinkaloud.ports.execution.approvals import RememberedApproval
from thinkaloud.ports.store import RunRecord


class DecisionRequest(msgspec.Struct, frozen=True):
    """A decision about a tool call."""

    decision: Literal["approve", "deny"]
    arguments: Annotated[
        dict[str, object] | None,
        Meta(description="Arguments that replace those of the model, if the approval is editable."),
    ] = None
    reason: Annotated[str | None, Meta(description="What to tell the model.")] = None
    remember: Annotated[
        Remember | None,
        Meta(description="Approve later calls of this tool, too: one of `allowed_remember`."),
    ] = None


class AnswerRequest(msgspec.Struct, frozen=True):
    """An answer to a question."""

    action: Literal["accept", "decline", "cancel"]
    content: Annotated[
        dict[str, object] | None, Meta(description="The values of the form, if accepted.")
    ] = None


class ApprovalsQuery(msgspec.Struct, frozen=True):
    """Which approvals."""

    status: Annotated[Literal["open"], Meta(description="Only open ones can be listed.")] = "open"


class RememberedQuery(msgspec.Struct, frozen=True):
    """Which remembered approvals."""

    action: Annotated[str | None, Meta(description="Only of this tool.")] = None


class RunApproval(Approval, frozen=True, kw_only=True, omit_defaults=False):
    """An approval of a run."""

    run_id: str
    conversation_id: str
    decision: Annotated[Decision | None, Meta(description="Null: it is open.")] = None
    decision_reason: str | None = None
    remember: Remember | None = None
    by: DecidedBy | None = None


class ApprovalList(msgspec.Struct, frozen=True):
    """Approvals, oldest first."""

    approvals: tuple[RunApproval, ...]


class Remembered(msgspec.Struct, frozen=True):
    """A tool whose calls are always approved, as long as its definition stays the same."""

    action: str
    fingerprint: str
    at_ms: int


class RememberedList(msgspec.Struct, frozen=True):
    """Remembered approvals, oldest first."""

    remembered: tuple[Remembered, ...]


def run_approval(record: RunRecord, approval: Approval) -> RunApproval:
    """Return an approval with its run."""
    fields = msgspec.structs.asdict(approval)
    return RunApproval(**fields, run_id=record.run_id, conversation_id=record.conversation_id)


def remembered_list(found: "tuple[RememberedApproval, ...]") -> RememberedList:
    """Return what is remembered for an owner."""
    return RememberedList(
        tuple(Remembered(each.action, each.fingerprint, each.at_ms) for each in found)
    )
