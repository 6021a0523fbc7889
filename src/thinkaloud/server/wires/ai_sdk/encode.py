"""The AI SDK wire: encodes the events of one run as a UI message stream."""

from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

from thinkaloud.core.approvals.shown import parsed_arguments
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
from thinkaloud.server.wires.ai_sdk import chunks
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.policy import without_reasoning
from thinkaloud.server.wires.rare_events import RareEvent
from thinkaloud.server.wires.tool_call_ids import ToolCallIds
from thinkaloud.server.wires.wire import RunLookup

_NAME: Final = "ai-sdk"
_DONE: Final = b"data: [DONE]\n\n"
_LOST: Final = "Part of this answer is no longer available as a stream. Load the messages again."
_DELETED: Final = "The conversation was deleted."
_encode: Final = msgspec.json.Encoder().encode


class AiSdkWire:
    """The UI message stream of one run, with or without reasoning (P7).

    `message_id` is the id of the assistant message that the run continues; by default the run's.
    """

    def __init__(self, *, reasoning: bool, message_id: str | None = None) -> None:
        self.name = f"{_NAME}.{'reasoning' if reasoning else 'plain'}"
        self._reasoning = reasoning
        self._message_id = message_id

    def encoder(self) -> "AiSdkEncoder":
        """Return an encoder for a new stream."""
        return AiSdkEncoder(reasoning=self._reasoning, message_id=self._message_id)


class AiSdkEncoder:
    """Encodes one stream, from the start of its run.

    It knows which part is open, because a chunk before the first delta and one after the last
    delimit each part. The deltas themselves are encoded once for all streams.
    """

    def __init__(self, *, reasoning: bool, message_id: str | None) -> None:
        self._reasoning = reasoning
        self._message_id = message_id
        self._part = ""
        """The id of the open part."""
        self._in_step = False
        self._over = False
        self._calls = ToolCallIds()
        self._requested = False

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the chunks of an event; None if this stream has none for it."""
        event = entry.logged.event
        if isinstance(event, AnswerDelta):
            frame = entry.frame(_NAME, _delta)
            if event.segment_id == self._part:
                return frame
            self._part = event.segment_id
            return _written(chunks.TextStart(self._part, _metadata(self._part))) + (frame or b"")
        if isinstance(event, ReasoningDelta) and self._reasoning:
            frame = entry.frame(_NAME, _delta)
            part = _reasoning_part(event)
            if part == self._part:
                return frame
            before = _written(chunks.ReasoningEnd(self._part)) if self._part else b""
            self._part = part
            start = chunks.ReasoningStart(part, _metadata(event.segment_id))
            return before + _written(start) + (frame or b"")
        shown = event if self._reasoning else without_reasoning(event)
        return None if shown is None or self._over else self._rare(shown)

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the first or the last chunks of the run."""
        logged, event = entry.logged, entry.logged.event
        if isinstance(event, RunStarted):
            return [_written(self._start(logged, event))]
        if not isinstance(event, RunEnded) or self._over:
            return ()
        self._over = True
        return [*map(_written, self._closing(event)), _DONE]

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return an error if events were lost that the client has not seen; it can't be patched."""
        if snapshot.exact or view_of(snapshot, run_id) is None:
            return None
        return self._failed(_LOST)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends the stream of a deleted conversation."""
        return self._failed(_DELETED)

    def _failed(self, message: str) -> bytes:
        self._over = True
        return _written(chunks.Failure(message)) + _DONE

    def _start(self, logged: LoggedEvent, event: RunStarted) -> chunks.Start:
        metadata = chunks.StartMetadata(
            logged.conversation_id,
            logged.run_id,
            event.model,
            logged.at_ms,
            event.reasoning_effort,
        )
        return chunks.Start(self._message_id or logged.run_id, metadata)

    def _rare(self, event: Event) -> bytes | None:
        match event:
            case AnswerDelta() | ReasoningDelta() | RunStarted() | RunEnded():
                return None
            case _:
                found = self._chunks(event)
                return b"".join(map(_written, found)) if found else None

    def _chunks(  # noqa: PLR0911 - one case per event type
        self, event: RareEvent
    ) -> Sequence[chunks.Chunk]:
        match event:
            case IterationStarted():
                before = self._closed_step()
                self._in_step = True
                return [*before, chunks.StartStep()]
            case AnswerEnded():
                return self._ended(chunks.TextEnd(event.segment_id))
            case ReasoningEnded():
                details = chunks.SegmentDetails(
                    event.segment_id, event.duration_ms, event.interrupted
                )
                metadata = chunks.ProviderMetadata(details)
                return self._ended(chunks.ReasoningEnd(self._part, metadata))
            case ToolStarted():
                arguments = parsed_arguments(event.arguments)
                return [
                    chunks.ToolInput(
                        self._calls.started(event.tool_call_id),
                        event.name,
                        arguments,
                        provider_executed=True,
                        dynamic=True,
                    )
                ]
            case ToolEnded():
                return [_tool_end(event, self._calls.latest(event.tool_call_id))]
            case ToolRequested():
                call = self._calls.started(event.tool_call_id)
                self._requested = True
                return [chunks.ToolInput(call, event.name, parsed_arguments(event.arguments))]
            case Notice():
                data = chunks.NoticeData(event.code, event.message)
                return [chunks.NoticePart(data, transient=True)]
            case SegmentReclassified():
                change = chunks.Change(event.segment_id, event.to)
                return [chunks.Reclassified(event.segment_id, change)]
            case _:  # Among them is what a run asks a person, which this protocol doesn't have.
                return ()

    def _ended(self, end: chunks.TextEnd | chunks.ReasoningEnd) -> Sequence[chunks.Chunk]:
        """Close the open part. A segment without text has none."""
        if not self._part:
            return ()
        self._part = ""
        return [end]

    def _closed_step(self) -> Sequence[chunks.Chunk]:
        return [chunks.FinishStep()] if self._in_step else ()

    def _closing(self, event: RunEnded) -> Sequence[chunks.Chunk]:
        metadata = chunks.EndMetadata(
            event.status,
            chunks.durations(event.timing),
            None if event.usage is None else chunks.token_usage(event.usage),
            event.outcome,
            event.error,
        )
        step = self._closed_step()
        match event.status:
            case "failed":
                text = "The run failed." if event.error is None else event.error.message
                return [*step, chunks.MessageMetadata(metadata), chunks.Failure(text)]
            case "stopped":
                return [*step, chunks.MessageMetadata(metadata), chunks.Abort("stopped")]
            case "completed" | "max_iterations":
                return [*step, chunks.Finish(self._finish_reason(event), metadata)]
            case _:
                assert_never(event.status)

    def _finish_reason(self, event: RunEnded) -> chunks.FinishReason:
        if self._requested or event.status == "max_iterations":
            return "tool-calls"
        limits = {"output_limit", "output_limit_in_reasoning"}
        return "length" if event.outcome is not None and event.outcome.code in limits else "stop"


def _delta(logged: LoggedEvent) -> bytes | None:
    """Encode a delta. Called for every token, but only once for all streams."""
    event = logged.event
    if isinstance(event, AnswerDelta):
        data = _encode(chunks.TextDelta(event.segment_id, event.text))
    elif isinstance(event, ReasoningDelta):
        data = _encode(chunks.ReasoningDelta(_reasoning_part(event), event.text))
    else:
        return None
    return b"data: %b\n\n" % (data if data.isascii() else on_one_line(data))


def _reasoning_part(event: ReasoningDelta) -> str:
    """Return the part of a delta: a block of the provider is a part of its own."""
    return f"{event.segment_id}.{event.part}" if event.part else event.segment_id


def _metadata(segment_id: str) -> chunks.ProviderMetadata:
    return chunks.ProviderMetadata(chunks.SegmentDetails(segment_id))


def _tool_end(event: ToolEnded, call: str) -> chunks.ToolOutput | chunks.ToolError:
    if event.status == "ok":
        return chunks.ToolOutput(call, event.result, provider_executed=True, dynamic=True)
    text = event.result or event.status
    return chunks.ToolError(call, text, provider_executed=True, dynamic=True)


def _written(chunk: chunks.Chunk) -> bytes:
    return b"data: %b\n\n" % on_one_line(_encode(chunk))
