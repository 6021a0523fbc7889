"""The events to append for a run whose process died. Pure."""

from thinkaloud.events.event import (
    AnswerEnded,
    Event,
    ReasoningEnded,
    RunEnded,
    RunError,
    RunStarted,
    Timing,
    ToolEnded,
    UserInput,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import AnswerBlock, ReasoningBlock, ToolBlock

_INTERRUPTED = RunError(
    "interrupted",
    "The server stopped before the run finished. The output so far is saved.",
    retryable=True,
)


def events_of_lost_run(message: RunStarted | None) -> list[Event]:
    """Return all events of a run that died in the queue or before its events were stored."""
    started = message or RunStarted("unknown", 1, UserInput(""))
    return [started, RunEnded("failed", 0, Timing(None, None, 0, 0), error=_INTERRUPTED)]


def closing(run: RunFold) -> list[Event]:
    """Return the events that close what is open in an interrupted run, and its terminal event."""
    last_ms = run.last_at_ms
    view = run.view()
    events: list[Event] = []
    reasoning_ms = 0
    for block in view.blocks:
        match block:
            case ReasoningBlock(status="open"):
                duration_ms = max(0, last_ms - block.started_at_ms)
                reasoning_ms += duration_ms
                events.append(ReasoningEnded(block.segment_id, duration_ms, interrupted=True))
            case ReasoningBlock(duration_ms=duration_ms):
                reasoning_ms += duration_ms or 0
            case AnswerBlock(status="open"):
                events.append(AnswerEnded(block.segment_id, interrupted=True))
            case ToolBlock(status="running"):
                result = "Interrupted: its outcome is unknown."
                events.append(
                    ToolEnded(block.tool_call_id, block.name, "cancelled", result, duration_ms=0)
                )
            case _:
                continue
    timing = Timing(None, None, reasoning_ms, max(0, last_ms - view.started_at_ms))
    return [*events, RunEnded("failed", view.iteration, timing, error=_INTERRUPTED)]
