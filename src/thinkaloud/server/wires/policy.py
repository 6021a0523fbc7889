"""What reasoning leaves behind on a stream that must not carry it (P7). Pure."""

import msgspec

from thinkaloud.events.event import (
    Event,
    ModelResponded,
    ReasoningDelta,
    ReasoningEnded,
    SegmentReclassified,
)
from thinkaloud.events.view import ConversationView, ReasoningBlock, RunView


def without_reasoning(event: Event) -> Event | None:
    """Return an event as a stream without reasoning has it; None if it is not there at all."""
    match event:
        case ReasoningDelta() | ReasoningEnded() | SegmentReclassified(to="withdrawn"):
            return None
        case SegmentReclassified():
            # The client has streamed it as an answer, and must drop it.
            return msgspec.structs.replace(event, to="withdrawn")
        case ModelResponded():
            return msgspec.structs.replace(event, reasoning_status="none")
        case _:
            return event


def run_without_reasoning(run: RunView) -> RunView:
    """Return a run without its reasoning."""
    blocks = tuple(block for block in run.blocks if not isinstance(block, ReasoningBlock))
    return msgspec.structs.replace(run, blocks=blocks, reasoning_status="none")


def view_without_reasoning(view: ConversationView) -> ConversationView:
    """Return a conversation without its reasoning."""
    return msgspec.structs.replace(
        view,
        runs=tuple([run_without_reasoning(run) for run in view.runs]),
        attempt=None if view.attempt is None else run_without_reasoning(view.attempt),
    )
