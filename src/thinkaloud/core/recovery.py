"""The events to append for a run whose process died. Pure."""

from thinkaloud.core.approvals.waiting import after_restart, cancelled
from thinkaloud.events.event import (
    AnswerEnded,
    Event,
    ReasoningEnded,
    RunEnded,
    RunError,
    RunStarted,
    Timing,
    UserInput,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import AnswerBlock, ReasoningBlock

_INTERRUPTED = RunError(
    "interrupted",
    "The server stopped before the run finished. The output so far is saved.",
    retryable=True,
)


def events_of_lost_run(message: RunStarted | None, *, stopped: bool = False) -> list[Event]:
    """Return all events of a run that died in the queue or before its events were stored.

    With `stopped`, of one that somebody asked to stop.
    """
    started = message or RunStarted("unknown", 1, UserInput(""))
    return [started, _end(0, Timing(None, None, 0, 0), stopped=stopped)]


def closing(run: RunFold, owner: str, *, stopped: bool = False) -> list[Event]:
    """Return the events that close what is open in an interrupted run, and its terminal event."""
    last_ms = run.last_at_ms
    view = run.view()
    events = after_restart(run)
    for asked in run.interactions.open:
        events += cancelled(asked, owner, "restart")
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
            case _:
                continue
    timing = Timing(None, None, reasoning_ms, max(0, last_ms - view.started_at_ms))
    return [*events, _end(view.iteration, timing, stopped=stopped)]


def _end(iterations: int, timing: Timing, *, stopped: bool) -> RunEnded:
    if stopped:
        return RunEnded("stopped", iterations, timing)
    return RunEnded("failed", iterations, timing, error=_INTERRUPTED)
