"""Encodes what a run asks a person as frames of `/ws`. Pure."""

from typing import assert_never

from msgspec.structs import asdict

from thinkaloud.core.approvals.shown import approval_of, question_of, resolution_of
from thinkaloud.events.event import LoggedEvent
from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    Interaction,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.server.wires.page.frames import (
    ChatApprovalRequested,
    ChatApprovalResolved,
    ChatQuestionRequested,
    ChatQuestionResolved,
    Frame,
    Place,
)


def place_of(logged: LoggedEvent) -> Place:
    """Return the position of a frame."""
    return {
        "chat_id": logged.conversation_id,
        "run_id": logged.run_id,
        "seq": logged.seq,
        "at_ms": logged.at_ms,
    }


def interaction_frame(logged: LoggedEvent, event: Interaction) -> Frame:
    """Return the frame of a request or a decision."""
    place = place_of(logged)
    match event:
        case ApprovalRequested():
            return ChatApprovalRequested(**place, **asdict(approval_of(event)))
        case ApprovalResolved():
            return ChatApprovalResolved(**place, **asdict(resolution_of(event)))
        case QuestionRequested():
            return ChatQuestionRequested(**place, **asdict(question_of(event)))
        case QuestionResolved():
            return ChatQuestionResolved(**place, question_id=event.question_id, action=event.action)
        case _:
            assert_never(event)
