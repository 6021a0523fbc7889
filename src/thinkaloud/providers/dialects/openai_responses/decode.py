"""Decodes Responses API responses, streamed or whole, to model events. Pure."""

from typing import assert_never, cast

import msgspec

from thinkaloud.core.parsers.sse import EventTooLarge
from thinkaloud.events.model import (
    FinishReason,
    Keepalive,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    Origin,
    ProviderPayload,
    ReasoningStatus,
    Usage,
)
from thinkaloud.providers.dialects import faults
from thinkaloud.providers.dialects.events import DONE, ProviderEvents
from thinkaloud.providers.dialects.framing import (
    BodyBuffer,
    ended_early,
    too_many_calls,
    unreadable,
)
from thinkaloud.providers.dialects.openai_responses import errors, native, wire
from thinkaloud.providers.dialects.openai_responses.items import Assembly
from thinkaloud.providers.dialects.openai_responses.quirks import Quirks
from thinkaloud.providers.dialects.openai_responses.usage import usage_of
from thinkaloud.providers.dialects.outcomes import MALFORMED, malformed
from thinkaloud.providers.dialects.toolcalls import TooManyCalls

_FINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TOO_MUCH = "The provider sent too much data"
_UNFINISHED = "The response ended early."


class _Reply:
    """One response, streamed or whole: collects items and emits the last event."""

    def __init__(self, origin: Origin, quirks: Quirks) -> None:
        self.items = Assembly()
        self._origin = origin
        self._quirks = quirks

    def end(self, body: wire.ResponseBody, status: str, out: list[ModelEvent]) -> None:
        """Handle the response object, with the status implied by its event.

        `done` implies no status: the response object decides, or else its items do.
        """
        if status in {"completed", "done"} and body.status in _FINAL:
            status = body.status
        usage = usage_of(body.usage)
        self.items.complete_from(body.output or [], out)
        if status == "failed" or (body.error and status != "completed"):
            out.append(errors.stream_failure(body.error, usage))
            return
        if status == "cancelled" or (status == "done" and not self.items.all_done):
            out.append(errors.cut(_UNFINISHED, usage))
            return
        reason = _reason(body.incomplete_details) if status == "incomplete" else ""
        if reason == "content_filter":
            message = "The provider's content filter stopped the response."
            out.append(ModelFailed("provider_content_filter", message, usage=usage))
            return
        if malformed(reason):
            out.append(errors.cut(f"{MALFORMED} ({reason}).", usage))
            return
        self.finish(status if not reason else f"{status}:{reason}", body.usage, out)

    def finish(self, word: str, usage: object, out: list[ModelEvent]) -> None:
        """Emit the end of the response. `word` is the provider's finish reason."""
        counted = usage_of(usage)
        if self.items.refusal:
            message = "".join(self.items.refusal)[:500]
            out.append(ModelFailed("provider_refusal", message, usage=counted))
            return
        truncated = word.startswith("incomplete")
        if not truncated:
            self.items.calls.complete_all(out)
        items = self.items.output(truncated=truncated)
        payload = native.payload(items, self._quirks, truncated=truncated)
        complete: FinishReason = "tool_calls" if self.items.calls.emitted else "stop"
        out.append(
            ModelFinished(
                finish_reason="length" if truncated else complete,
                raw_finish_reason=word,
                reasoning_status=self._reasoning(counted),
                usage=counted,
                native=None if payload is None else ProviderPayload(self._origin, payload),
            )
        )

    def _reasoning(self, counted: Usage | None) -> ReasoningStatus:
        if self.items.texts.has_reasoning:
            return "shown"
        hidden = self.items.has_reasoning or bool(counted and counted.reasoning_tokens)
        return "hidden_by_provider" if hidden else "none"


class StreamDecoder:
    """Decodes the Server-Sent Events of one response."""

    def __init__(self, origin: Origin, quirks: Quirks) -> None:
        self._parser = ProviderEvents()
        self._reply = _Reply(origin, quirks)
        self._items = self._reply.items
        self._ended = False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        if self._ended:
            return []
        try:
            events = self._parser.feed(data)
        except EventTooLarge as error:
            return self._too_large(error)
        return self._read(events) if events else []

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events."""
        if self._ended:
            return []
        try:
            out = self._read(self._parser.close())
        except EventTooLarge as error:
            return self._too_large(error)
        if not self._ended:
            self._ended = True
            out.append(ended_early(self._parser.stray))
        return out

    def _too_large(self, error: EventTooLarge) -> list[ModelEvent]:
        self._ended = True
        return [errors.cut(f"{_TOO_MUCH}: {error}.")]

    def _read(self, events: list[tuple[bytes, bytes]]) -> list[ModelEvent]:
        out: list[ModelEvent] = []
        for name, data in events:
            try:
                if data:
                    self._take(data, name, out)
            except TooManyCalls as error:
                out.append(ModelFailed("provider_stream_cut", too_many_calls(error)))
            except _UNDECODABLE as error:
                out.append(faults.reported(data, name) or errors.cut(unreadable(data, error)))
            if out and isinstance(out[-1], (ModelFinished, ModelFailed)):
                self._ended = True
                return out
        if events and not out:
            out.append(Keepalive())
        return out

    def _take(self, data: bytes, name: bytes, out: list[ModelEvent]) -> None:
        try:
            event = wire.events.decode(data)
        except msgspec.ValidationError:
            self._take_other(data, name, out)
        else:
            self._take_event(event, out)

    def _take_other(self, data: bytes, name: bytes, out: list[ModelEvent]) -> None:
        """Handle data that is not directly one of the known events."""
        if data == DONE:
            if self._items.all_done:
                self._reply.finish("", None, out)
            return
        head = wire.heads.decode(data)
        if head.type == "error" or (head.type is None and head.error):
            out.append(errors.stream_failure(msgspec.json.decode(data)))
        elif head.type is None and name.decode(errors="replace") in wire.READ:
            # Some gateways name the event only in its `event:` line.
            self._take_event(wire.events.decode(wire.named(name, data)), out)
        elif isinstance(head.type, str) and head.type in wire.READ:
            out.append(errors.cut("The provider sent an invalid event."))
        elif head.type is None and head.output is not None:
            self._reply.end(wire.bodies.decode(data), "done", out)
        elif (failure := faults.reported(data, name)) is not None:
            out.append(failure)

    def _take_event(self, event: wire.Event, out: list[ModelEvent]) -> None:
        items = self._items
        match event:
            case wire.OutputTextDelta():
                items.text(event.output_index, "answer", event.content_index, event.delta, out)
            case wire.ReasoningDelta():
                items.text(event.output_index, "raw", event.content_index, event.delta, out)
            case wire.SummaryDelta():
                items.text(event.output_index, "summary", event.summary_index, event.delta, out)
            case wire.ArgumentsDelta():
                items.arguments(event.output_index, event.delta, whole=False)
            case _:
                self._take_rare(event, out)

    def _take_rare(self, event: wire.Rare, out: list[ModelEvent]) -> None:
        items = self._items
        match event:
            case wire.OutputTextDone(text, index, part):
                items.whole_text(index, "answer", part, text, out)
            case wire.ReasoningDone(text, index, part):
                items.whole_text(index, "raw", part, text, out)
            case wire.SummaryDone(text, index, part):
                items.whole_text(index, "summary", part, text, out)
            case wire.ArgumentsDone(arguments, index):
                items.arguments(index, wire.argument_text(arguments), whole=True)
            case wire.ItemAdded(item, index):
                items.begin(index, bytes(item), out)
            case wire.ItemDone(item, index):
                items.end(index, bytes(item), out)
            case wire.RefusalDelta(text):
                items.refusal.append(text)
            case wire.RefusalDone(text):
                items.refusal[:] = [text or "".join(items.refusal)]
            case _:
                self._take_last(event, out)

    def _take_last(self, event: wire.Last, out: list[ModelEvent]) -> None:
        match event:
            case wire.Completed(body):
                self._reply.end(body, "completed", out)
            case wire.Done(body):
                self._reply.end(body, "done", out)
            case wire.Incomplete(body):
                self._reply.end(body, "incomplete", out)
            case wire.Failed(body):
                self._reply.end(body, "failed", out)
            case wire.Cancelled(body):
                self._reply.end(body, "cancelled", out)
            case _:
                assert_never(event)


class WholeDecoder:
    """Decodes a response that was not streamed. All events are returned by `close`."""

    def __init__(self, origin: Origin, quirks: Quirks) -> None:
        self._body = BodyBuffer()
        self._reply = _Reply(origin, quirks)
        self._closed = False

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Buffer the next bytes."""
        if self._closed:
            return []
        self._body.add(data)
        try:
            self._body.check()
        except EventTooLarge as error:
            self._closed = True
            return [errors.cut(f"{_TOO_MUCH}: {error}.")]
        return []

    def close(self) -> list[ModelEvent]:
        """Return all events of the response."""
        if self._closed:
            return []
        self._closed = True
        data = self._body.take()
        out: list[ModelEvent] = []
        try:
            body = wire.bodies.decode(data)
            failure = None if body.output or body.error else faults.reported(data, b"")
            if failure is None:
                self._reply.end(body, "done", out)
            else:
                out.append(failure)
        except TooManyCalls as error:
            out.append(ModelFailed("provider_stream_cut", too_many_calls(error)))
        except _UNDECODABLE:
            failure = faults.reported(data, b"")
            out.append(failure or errors.cut("The provider's response is invalid."))
        return out


def _reason(details: object) -> str:
    if not isinstance(details, dict):
        return ""
    reason = cast("dict[str, object]", details).get("reason")
    return reason if isinstance(reason, str) else ""
