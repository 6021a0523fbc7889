"""Removes reasoning from events and views, for streams without reasoning (P7). Pure."""

import msgspec

from thinkaloud.events.event import (
    Event,
    ModelResponded,
    ReasoningDelta,
    ReasoningEnded,
    SegmentReclassified,
)
from thinkaloud.events.model import ReasoningStatus
from thinkaloud.events.view import ConversationView, ReasoningBlock, RunView


def without_reasoning(event: Event) -> Event | None:
    """Return an event without reasoning; None if such a stream omits it."""
    match event:
        case ReasoningDelta() | ReasoningEnded() | SegmentReclassified(to="withdrawn"):
            return None
        case SegmentReclassified():
            # It was sent to the client as answer text, which must be removed.
            return msgspec.structs.replace(event, to="withdrawn")
        case ModelResponded():
            status = _status_without_reasoning(event.reasoning_status)
            return msgspec.structs.replace(event, reasoning_status=status)
        case _:
            return event


def run_without_reasoning(run: RunView) -> RunView:
    """Return a run without its reasoning."""
    blocks = tuple(block for block in run.blocks if not isinstance(block, ReasoningBlock))
    status = _status_without_reasoning(run.reasoning_status)
    return msgspec.structs.replace(run, blocks=blocks, reasoning_status=status)


def _status_without_reasoning(status: ReasoningStatus) -> ReasoningStatus:
    # That the operator's policy hid it may be said: there is nothing of it in the log.
    return status if status == "hidden_by_policy" else "none"


def view_without_reasoning(view: ConversationView) -> ConversationView:
    """Return a conversation without its reasoning."""
    return msgspec.structs.replace(
        view,
        runs=tuple([run_without_reasoning(run) for run in view.runs]),
        attempt=None if view.attempt is None else run_without_reasoning(view.attempt),
    )
