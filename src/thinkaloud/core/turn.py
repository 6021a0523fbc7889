"""The state machine of a run: decides what to do next and which events to append. Pure.

The runtime feeds it model events and executes its commands:

    begin_iteration → (feed … → decide → tools …)* → end

A run that waits for a person is rebuilt from its log: see `continue_from`.

Events are returned in the order to append them. Times are milliseconds of a monotonic clock.
"""

from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec

from thinkaloud.core import usage
from thinkaloud.core.segments import Segments
from thinkaloud.events.event import (
    Event,
    IterationStarted,
    ModelResponded,
    Notice,
    Outcome,
    RunCheckpoint,
    RunEnded,
    RunError,
    RunStatus,
    Timing,
    ToolRequested,
)
from thinkaloud.events.model import (
    AnswerText,
    Keepalive,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    ReasoningText,
    Reclassified,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
    Usage,
)


class CallModel(msgspec.Struct, frozen=True):
    """Start the next iteration."""


class RunTools(msgspec.Struct, frozen=True):
    """Run these tool calls, then call `after_tools`."""

    calls: tuple[ToolCall, ...]


class Wait(msgspec.Struct, frozen=True):
    """Let the run wait for a person. Nothing of it stays in memory but that it waits.

    It continues with `RunTools` for the calls that have been decided, then `after_tools`.
    """


class Finish(msgspec.Struct, frozen=True):
    """End the run."""

    status: RunStatus
    error: RunError | None = None
    outcome: Outcome | None = None


Command = CallModel | RunTools | Wait | Finish


class TurnSoFar(msgspec.Struct, frozen=True):
    """What a run had done until it waited."""

    iteration: int
    calls: tuple[ToolCall, ...]
    """The tool calls of the last response."""
    timing: Timing
    usage: Usage | None
    segments: int
    """At least the number of its segments."""
    answered: bool


class Turn:
    """The state of one run. `run_id` makes its segment ids unique.

    Calls of `client_tools` are returned to the client. After a response with such calls, the run
    ends as soon as the other calls of the response have been executed.
    """

    def __init__(
        self,
        run_id: str,
        max_iterations: int,
        now_ms: int,
        client_tools: frozenset[str] = frozenset(),
    ) -> None:
        self.segments = Segments(run_id.removeprefix("run_"))
        self.iteration = 0
        self.ended = False
        self._max_iterations = max_iterations
        self._client_tools = client_tools
        self._started_at = now_ms
        self.usage: Usage | None = None
        """Of all model calls so far."""
        self._calls: list[ToolCall] = []
        self._finished: ModelFinished | None = None
        self.failure: ModelFailed | None = None
        """The failure of the model call, if it failed."""
        self._max_output_tokens: int | None = None
        self._max_tool_calls: int | None = None
        self._opened = 0
        self.visible = False
        """Whether this model call has produced output. If so, it is never retried (P6)."""

    def continue_from(self, before: TurnSoFar) -> None:
        """Continue a run that has waited, with what it had done until then."""
        self.iteration = before.iteration
        self.usage = before.usage
        self._calls = list(before.calls)
        segments, timing = self.segments, before.timing
        segments.continue_after(before.segments)
        segments.answered = before.answered
        segments.reasoning_ms = timing.reasoning_ms
        self._started_at -= timing.total_ms
        if timing.time_to_first_reasoning_ms is not None:
            segments.first_reasoning_at = self._started_at + timing.time_to_first_reasoning_ms
        if timing.time_to_first_answer_ms is not None:
            segments.first_answer_at = self._started_at + timing.time_to_first_answer_ms

    @property
    def own_calls(self) -> tuple[ToolCall, ...]:
        """The calls of the last response that are executed here."""
        return tuple(call for call in self._calls if call.name not in self._client_tools)

    def checkpoint(self, spec: str, now_ms: int) -> RunCheckpoint:
        """Return what the run is continued from, if it waits."""
        return RunCheckpoint(self._timing(now_ms), self.usage, spec)

    def begin_iteration(
        self, max_output_tokens: int | None = None, max_tool_calls: int | None = None
    ) -> list[Event]:
        """Start a model call. `max_tool_calls` limits the tool calls in its response."""
        self.iteration += 1
        self._max_output_tokens = max_output_tokens
        self._max_tool_calls = max_tool_calls
        self.begin_attempt()
        message = "Thinking" if self.iteration == 1 else "Thinking about the tool results"
        return [IterationStarted(self.iteration, self._max_iterations, message)]

    def begin_attempt(self) -> None:
        """Reset the model call for a retry, after a failure without visible output."""
        self._calls.clear()
        self._opened = 0
        self._finished = self.failure = None
        self.visible = False
        self.segments.begin_response()

    def feed_all(self, batch: Sequence[ModelEvent], now_ms: int) -> tuple[list[Event], int]:
        """Process model events up to the end of the call.

        Returns the events to append, and the number of characters that the model has sent.
        """
        events: list[Event] = []
        size = 0
        for said in batch:
            # Text first: this runs for every token.
            if isinstance(said, AnswerText):
                self.visible = True
                size += len(said.text)
                events += self.segments.answer(said.text, now_ms)
            elif isinstance(said, ReasoningText):
                self.visible = True
                size += len(said.text)
                events += self.segments.reasoning(said.text, said.part, now_ms)
            else:
                if isinstance(said, ToolCall):
                    size += len(said.arguments)
                events += self.feed(said, now_ms)
                if isinstance(said, ModelFinished) or self.failure is not None:
                    break
        return events, size

    def feed(  # noqa: C901, PLR0911, PLR0912 - one arm a kind
        self, said: ModelEvent, now_ms: int
    ) -> list[Event]:
        """Process the next model event."""
        match said:
            case ReasoningText(text=text, part=part):
                self.visible = True
                return self.segments.reasoning(text, part, now_ms)
            case AnswerText(text=text):
                self.visible = True
                return self.segments.answer(text, now_ms)
            case Reclassified(to=to):
                return self._reclassify(to, now_ms)
            case ToolCallOpened():
                self.visible = True
                self._opened += 1
                if self._max_tool_calls is not None and self._opened > self._max_tool_calls:
                    return self.feed(_too_many(self._max_tool_calls), now_ms)
                return self.segments.close(now_ms, resuming=True)
            case ToolCall():
                self.visible = True
                self._calls.append(said)
                return self.segments.close(now_ms, resuming=True)
            case ServerToolActivity():
                self.visible = True
                # Server-side activity, such as a search, does not split an answer segment.
                return self.segments.close(now_ms) if self.segments.open_kind == "reasoning" else []
            case Keepalive():
                return []
            case ModelFinished():
                return self._model_finished(said, now_ms)
            case ModelFailed():
                self.failure = said
                self.usage = usage.add(self.usage, said.usage)
                return self.segments.close(now_ms, interrupted=True)
            case _:
                assert_never(said)

    def decide(self) -> Command:
        """Return what to do after the last model event."""
        if self.failure is not None:
            failed = self.failure
            error = RunError(failed.code, failed.message, failed.retryable, failed.retry_after)
            return Finish("failed", error)
        finished = self._finished
        if finished is None:
            message = "The model's stream ended without a final event."
            return Finish("failed", RunError("provider_stream_cut", message, retryable=True))
        if finished.finish_reason == "length":
            limit, answered = self._max_output_tokens, self.segments.answered
            return Finish("completed", outcome=_length_outcome(finished, limit, answered=answered))
        if self._calls:
            own = self.own_calls
            return RunTools(own) if own else self.after_tools()
        if finished.finish_reason == "pause":
            return self.after_tools()
        return Finish(
            "completed", outcome=None if self.segments.answered else _empty_outcome(finished)
        )

    def after_tools(self) -> Command:
        """Return what to do when all tools have returned."""
        if any(call.name in self._client_tools for call in self._calls):
            return Finish("completed")
        if self.iteration >= self._max_iterations:
            return Finish("max_iterations")
        return CallModel()

    def end(self, finish: Finish, now_ms: int) -> list[Event]:
        """Close the open segment and end the run, once. Later calls return no events."""
        if self.ended:
            return []
        self.ended = True
        interrupted = finish.status in {"stopped", "failed"}
        events = self.segments.close(now_ms, interrupted=interrupted)
        ended = RunEnded(
            finish.status,
            self.iteration,
            self._timing(now_ms),
            self.usage,
            finish.error,
            finish.outcome,
        )
        return [*events, ended]

    def _timing(self, now_ms: int) -> Timing:
        return Timing(
            time_to_first_reasoning_ms=self._since_start(self.segments.first_reasoning_at),
            time_to_first_answer_ms=self._since_start(self.segments.first_answer_at),
            reasoning_ms=self.segments.reasoning_ms,
            total_ms=max(0, now_ms - self._started_at),
        )

    def _since_start(self, at: int | None) -> int | None:
        return None if at is None else max(0, at - self._started_at)

    def _reclassify(self, to: Literal["reasoning", "withdrawn"], now_ms: int) -> list[Event]:
        events = self.segments.reclassify(to, now_ms)
        if to == "reasoning":
            message = (
                "The model ended a thought that it had not marked as one."
                " The text before it is reasoning and no longer part of the answer."
            )
            events.append(Notice("reasoning_reclassified", message))
        return events

    def _model_finished(self, finished: ModelFinished, now_ms: int) -> list[Event]:
        self._finished = finished
        self.usage = usage.add(self.usage, finished.usage)
        responded = ModelResponded(
            iteration=self.iteration,
            finish_reason=finished.finish_reason,
            reasoning_status=finished.reasoning_status,
            usage=finished.usage,
            native=finished.native,
            raw_finish_reason=finished.raw_finish_reason,
            tool_calls=tuple(self._calls),
        )
        resuming = bool(self._calls) or finished.finish_reason == "pause"
        # Calls of a response that was cut off may be incomplete, so nobody executes them.
        returned = [] if finished.finish_reason == "length" else self._calls
        return [
            *self.segments.close(now_ms, resuming=resuming),
            responded,
            *(
                ToolRequested(call.tool_call_id, call.name, call.arguments)
                for call in returned
                if call.name in self._client_tools
            ),
        ]


def _length_outcome(
    finished: ModelFinished, max_output_tokens: int | None, *, answered: bool
) -> Outcome:
    count = finished.usage
    reasoning = count.reasoning_tokens if count else None
    thought = finished.reasoning_status != "none"
    if thought and not answered:
        message = (
            "The model used its whole output budget for thinking and gave no answer."
            " Allow more output tokens, lower the reasoning effort, or ask it to continue."
        )
        code = "output_limit_in_reasoning"
    else:
        message = (
            "The answer was cut off at the output limit."
            " Allow more output tokens, or ask the model to continue."
        )
        code = "output_limit"
    return Outcome(
        code, message, reasoning, count.output_tokens if count else None, max_output_tokens
    )


def _empty_outcome(finished: ModelFinished) -> Outcome:
    count = finished.usage
    return Outcome(
        "empty_answer",
        "The model ended its turn without an answer. Ask it to continue, or ask again.",
        count.reasoning_tokens if count else None,
        count.output_tokens if count else None,
    )


def _too_many(limit: int) -> ModelFailed:
    message = (
        f"The model called more than {limit:,} tools in one answer, so none of them was run."
        " Raise `limits.max_tool_calls` to allow more."
    )
    return ModelFailed("provider_stream_cut", message)
