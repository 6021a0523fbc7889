"""Folds what a run asks a person into its state."""

import msgspec

from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.events.view import QuestionBlock, ToolApproval, ToolBlock


class Interactions:
    """The approvals and questions of one run."""

    __slots__ = ("approvals", "questions", "resolved")

    def __init__(self) -> None:
        self.approvals: dict[str, ApprovalRequested] = {}
        """All approvals by id, oldest first."""
        self.resolved: dict[str, ApprovalResolved] = {}
        """The decisions by the id of the approval."""
        self.questions: dict[str, QuestionRequested] = {}
        """The open questions by id."""

    @property
    def open(self) -> list[ApprovalRequested]:
        """The approvals that are not decided, oldest first."""
        return [each for key, each in self.approvals.items() if key not in self.resolved]

    @property
    def remembered(self) -> list[tuple[ApprovalRequested, ApprovalResolved]]:
        """The approvals that count for later calls, too."""
        return [
            (self.approvals[key], each)
            for key, each in self.resolved.items()
            if each.remember is not None and each.decision == "approved" and key in self.approvals
        ]

    def request(self, event: ApprovalRequested) -> ToolBlock:
        """Add an approval, and return the block of its call."""
        self.approvals[event.approval_id] = event
        return ToolBlock(
            event.tool_call_id,
            event.iteration,
            event.action,
            event.arguments,
            "waiting",
            approval=ToolApproval(
                event.approval_id,
                event.title,
                event.reason,
                event.editable,
                event.allowed_remember,
                event.expires_at_ms,
                event.server,
            ),
        )

    def resolve(self, event: ApprovalResolved, asked: ToolApproval) -> ToolApproval:
        """Add a decision, and return the decided approval."""
        self.resolved[event.approval_id] = event
        return msgspec.structs.replace(
            asked,
            decision=event.decision,
            decision_reason=event.reason,
            edited=event.arguments is not None,
            remember=event.remember,
            by=event.by,
        )

    def ask(self, event: QuestionRequested) -> QuestionBlock:
        """Add a question, and return its block."""
        self.questions[event.question_id] = event
        return QuestionBlock(
            event.question_id,
            event.tool_call_id,
            event.mode,
            event.message,
            event.expires_at_ms,
            event.server,
            event.schema,
            event.url,
        )

    def answer(self, event: QuestionResolved, asked: QuestionBlock) -> QuestionBlock:
        """Return an answered question."""
        self.questions.pop(event.question_id, None)
        return msgspec.structs.replace(asked, action=event.action)
