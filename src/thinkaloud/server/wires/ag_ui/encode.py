"""The AG-UI wire: encodes the events of one run."""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.errors import InternalError, NotFound
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    IterationStarted,
    LoggedEvent,
    Notice,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    SegmentReclassified,
    ToolEnded,
    ToolRequested,
    ToolStarted,
)
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import view_of
from thinkaloud.server.wires.ag_ui import events
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.policy import without_reasoning
from thinkaloud.server.wires.rare_events import RareEvent
from thinkaloud.server.wires.tool_call_ids import ToolCallIds
from thinkaloud.server.wires.wire import RunLookup

_NAME: Final = "ag-ui"
_LOST: Final = "Part of this answer is no longer available as a stream. Load the messages again."
_DELETED: Final = "The conversation was deleted."
_encode: Final = msgspec.json.Encoder().encode


class AgUiWire:
    """The events of one run, with or without reasoning (P7), under the client's id of the run.

    `stable` is whether the client has version 1.0 or later: older ones refuse some of its fields.
    """

    def __init__(self, client_run_id: str, *, reasoning: bool, stable: bool = True) -> None:
        self.name = f"{_NAME}.{'reasoning' if reasoning else 'plain'}"
        self._client_run_id = client_run_id
        self._reasoning = reasoning
        self._stable = stable

    def encoder(self) -> "AgUiEncoder":
        """Return an encoder for a new stream."""
        return AgUiEncoder(self._client_run_id, reasoning=self._reasoning, stable=self._stable)


class AgUiEncoder:
    """Encodes one stream, from the start of its run.

    It knows which message is open, because an event before the first delta and one after the last
    delimit each message. The deltas themselves are encoded once for all streams.
    """

    def __init__(self, client_run_id: str, *, reasoning: bool, stable: bool) -> None:
        self._client_run_id = client_run_id
        self._reasoning = reasoning
        self._stable = stable
        self._model = ""
        self._message = ""
        """The id of the open message."""
        self._step = ""
        self._over = False
        self._calls = ToolCallIds()
        self._pending: list[str] = []
        """The calls that were returned to the client."""

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the events of a log event; None if this stream has none for it."""
        event = entry.logged.event
        if isinstance(event, AnswerDelta):
            frame = entry.frame(_NAME, _delta)
            if event.segment_id == self._message:
                return frame
            self._message = event.segment_id
            return _written(events.TextStart(self._message, "assistant")) + (frame or b"")
        if isinstance(event, ReasoningDelta) and self._reasoning:
            frame = entry.frame(_NAME, _delta)
            message = _reasoning_message(event)
            if message == self._message:
                return frame
            opening = self._opening(message, event.segment_id)
            return b"".join(map(_written, opening)) + (frame or b"")
        shown = event if self._reasoning else without_reasoning(event)
        return None if shown is None or self._over else self._rare(shown)

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the first or the last events of the run."""
        logged, event = entry.logged, entry.logged.event
        if isinstance(event, RunStarted):
            return [_written(self._started(logged, event))]
        if not isinstance(event, RunEnded) or self._over:
            return ()
        self._over = True
        return [*map(_written, self._closing(logged, event))]

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return an error if events were lost that the client has not seen; it can't be patched."""
        if snapshot.exact or view_of(snapshot, run_id) is None:
            return None
        return self._failed(_LOST, InternalError.code)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends the stream of a deleted conversation."""
        return self._failed(_DELETED, NotFound.code)

    def _failed(self, message: str, code: str) -> bytes:
        self._over = True
        return _written(events.Failed(message, code))

    def _started(self, logged: LoggedEvent, event: RunStarted) -> events.Started:
        self._model = event.model
        self._calls = ToolCallIds(call_prefix(logged.run_id))
        details = events.RunDetails(logged.run_id, event.model)
        return events.Started(
            logged.conversation_id,
            self._client_run_id,
            events.RunMetadata(details),
            events.PROTOCOL_VERSION,
        )

    def _opening(self, message: str, segment_id: str) -> Sequence[events.AgUiEvent]:
        """Open a reasoning message: in a new span, or after another one in the same span."""
        before: Sequence[events.AgUiEvent] = (
            [events.ReasoningMessageEnd(self._message)]
            if self._message
            else [events.ReasoningStart(segment_id)]
        )
        self._message = message
        return [*before, events.ReasoningMessageStart(message, "reasoning")]

    def _rare(self, event: Event) -> bytes | None:
        match event:
            case AnswerDelta() | ReasoningDelta() | RunStarted() | RunEnded():
                return None
            case _:
                found = self._events(event)
                return b"".join(map(_written, found)) if found else None

    def _events(  # noqa: PLR0911 - one case per event type
        self, event: RareEvent
    ) -> Sequence[events.AgUiEvent]:
        match event:
            case IterationStarted():
                before = self._closed_step()
                self._step = f"iteration-{event.iteration}"
                return [*before, events.StepStarted(self._step)]
            case AnswerEnded():
                message, self._message = self._message, ""
                return [events.TextEnd(message)] if message else ()
            case ReasoningEnded():
                return self._reasoning_end(event)
            case ToolStarted() | ToolRequested():
                return self._tool_start(event)
            case ToolEnded():
                call = self._calls.latest(event.tool_call_id)
                content = event.result or event.status
                return [events.ToolCallResult(f"{call}:result", call, content, "tool")]
            case Notice():
                value = events.NoticeValue(event.code, event.message)
                return [events.Custom("thinkaloud.notice", value)]
            case SegmentReclassified():
                change = events.Change(event.segment_id, event.to)
                return [events.Custom("thinkaloud.reclassified", change)]
            case _:  # Among them is what a run asks a person, which this protocol doesn't have.
                return ()

    def _reasoning_end(self, event: ReasoningEnded) -> Sequence[events.AgUiEvent]:
        message, self._message = self._message, ""
        if not message:
            return ()
        details = events.SegmentDetails(event.duration_ms, event.interrupted)
        metadata = events.SegmentMetadata(details)
        return [
            events.ReasoningMessageEnd(message),
            events.ReasoningEnd(event.segment_id, metadata),
        ]

    def _tool_start(self, event: ToolStarted | ToolRequested) -> Sequence[events.AgUiEvent]:
        call = self._calls.started(event.tool_call_id)
        if isinstance(event, ToolRequested):
            self._pending.append(call)
        return [
            events.ToolCallStart(call, event.name),
            # Clients parse the arguments: an empty text is not JSON.
            events.ToolCallArgs(call, event.arguments or "{}"),
            events.ToolCallEnd(call),
        ]

    def _closed_step(self) -> Sequence[events.AgUiEvent]:
        return [events.StepFinished(self._step)] if self._step else ()

    def _closing(self, logged: LoggedEvent, event: RunEnded) -> Sequence[events.AgUiEvent]:
        usage = () if event.usage is None else (events.token_usage(event.usage, self._model),)
        step = self._closed_step()
        if event.error is not None:
            return [*step, events.Failed(event.error.message, event.error.code, usage)]
        details = events.RunDetails(
            logged.run_id,
            status=event.status,
            outcome=event.outcome,
            reasoning_ms=event.timing.reasoning_ms,
            total_ms=event.timing.total_ms,
        )
        finished = events.Finished(
            logged.conversation_id,
            self._client_run_id,
            events.RunMetadata(details),
            self._outcome(event),
            usage,
        )
        return [*step, finished]

    def _outcome(self, event: RunEnded) -> events.RunOutcome | None:
        if not self._stable:
            return None
        if event.status == "stopped":
            return events.RunOutcome("cancelled")
        return events.RunOutcome("success", tuple(self._pending))


def call_prefix(run_id: str) -> str:
    """Return what the ids of all tool calls of a run begin with: they are unique in a thread."""
    return f"{message_prefix(run_id)}:"


def message_prefix(run_id: str) -> str:
    """Return what the ids of all messages of a run begin with, before a colon."""
    return run_id.removeprefix("run_")


def _delta(logged: LoggedEvent) -> bytes | None:
    """Encode a delta. Called for every token, but only once for all streams."""
    event = logged.event
    if isinstance(event, AnswerDelta):
        data = _encode(events.TextContent(event.segment_id, event.text))
    elif isinstance(event, ReasoningDelta):
        data = _encode(events.ReasoningContent(_reasoning_message(event), event.text))
    else:
        return None
    return b"data: %b\n\n" % (data if data.isascii() else on_one_line(data))


def _reasoning_message(event: ReasoningDelta) -> str:
    """Return the message of a delta: a block of the provider is a message of its own."""
    return f"{event.segment_id}.{event.part}" if event.part else event.segment_id


def _written(event: events.AgUiEvent) -> bytes:
    return b"data: %b\n\n" % on_one_line(_encode(event))
