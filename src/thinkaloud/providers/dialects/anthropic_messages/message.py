"""Converts the events of one Messages response to model events.

Source: Anthropic API reference, "Streaming messages" and "Extended thinking".
"""

from typing import Final

import msgspec

from thinkaloud.errors import ProviderError
from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFinished,
    Origin,
    ProviderPayload,
    ReasoningStatus,
    ReasoningText,
    ServerToolActivity,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.providers.dialects.anthropic_messages.blocks import (
    OWN_KINDS,
    REDACTED,
    TEXT,
    THINKING,
    TOOL,
    Block,
)
from thinkaloud.providers.dialects.anthropic_messages.errors import failed, redacted, stream_error
from thinkaloud.providers.dialects.anthropic_messages.wire import (
    UNREADABLE,
    Delta,
    Event,
    Message,
    StopDetails,
)
from thinkaloud.providers.dialects.event_reader import EventReader
from thinkaloud.providers.dialects.events import DONE
from thinkaloud.providers.dialects.faults import names_error, suspect
from thinkaloud.providers.dialects.outcomes import MALFORMED, ending, malformed
from thinkaloud.providers.dialects.raw_json import array_of, has_value
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, TooManyCalls, tool_name

_FINISH: Final[dict[str, FinishReason]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "pause",
}
_REFUSAL: Final = "refusal"
_IMPLIED: Final = {
    "text_delta": b'{"type":"text","text":""}',
    "thinking_delta": b'{"type":"thinking","thinking":""}',
}
_KINDS: Final = {"text_delta": TEXT, "thinking_delta": THINKING, "input_json_delta": TOOL}
_EMPTY: Final = b"{}"

_event = msgspec.json.Decoder(Event)
_message = msgspec.json.Decoder(Message)


class MessageReader(EventReader):
    """Reads the events of one message, independent of their framing."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(_counted, failed)
        self._origin = origin
        self._blocks: list[Block] = []
        self._by_index: dict[int, Block] = {}
        self._calls: list[Block] = []
        self._calls_out = 0
        self._ids = CallIds()
        self._budget = CallBudget()
        self._parts = 0
        self._stop = ""
        self._stop_details: bytes = _EMPTY

    def take(self, data: bytes, out: list[ModelEvent], name: bytes = b"") -> None:
        """Read one event. `name` is its name in the framing."""
        if data == DONE:
            self._finish(out)
            return
        if not data:
            return
        try:
            _check_utf8(data)
            event = _event.decode(data)
            if not self._event(event, name, out):
                self._other(event, data, name, out)
        except TooManyCalls as reason:
            self.too_many(reason, out)
        except UNREADABLE as reason:
            self.unreadable(data, name, reason, out)

    def whole(self, data: bytes, out: list[ModelEvent]) -> None:
        """Read a response that was not streamed."""
        try:
            _check_utf8(data)
            message = _message.decode(data)
            if has_value(message.error):
                self.fail_or_report(stream_error(bytes(message.error)), data, out)
                return
            for index, raw in enumerate(message.content or ()):
                self._open(index, bytes(raw), out)
                self._close_block(index, out, whole=True)
        except TooManyCalls as reason:
            self.too_many(reason, out)
            return
        except UNREADABLE as reason:
            self.unreadable(data, b"", reason, out)
            return
        _merge(self._usage, message.usage)
        self._stopped(message.stop_reason, message.stop_details)
        if message.content is None and self.report(data, b"", out):
            return
        if message.content is None or not self._stop:
            self.cut("the response is not a complete message", out)
        else:
            self._finish(out)

    def end(self, out: list[ModelEvent], stray: bytes = b"") -> None:
        """Handle the end of the stream. `stray` is its data outside of events."""
        if self.done:
            return
        if self._stop:
            self._finish(out)
        else:
            self.ended_early(stray, out)

    def _event(self, event: Event, name: bytes, out: list[ModelEvent]) -> bool:
        """Handle an event; return False if it is unknown."""
        index = event.index or 0
        kind = event.type or name.decode(errors="replace")
        if kind == "content_block_delta" and event.delta is not None:
            self._delta(index, event.delta, out)
        elif kind == "content_block_start" and has_value(event.content_block):
            self._open(index, bytes(event.content_block), out)
        elif kind == "content_block_stop":
            self._close_block(index, out)
        else:
            return self._message_event(kind, event, out)
        return True

    def _other(self, event: Event, data: bytes, name: bytes, out: list[ModelEvent]) -> None:
        if event.type == "message":
            # A gateway without streaming sends the whole message as one event.
            self.whole(data, out)
        elif names_error(name) or suspect(data):
            self.report(data, name, out)

    def _message_event(self, kind: str, event: Event, out: list[ModelEvent]) -> bool:
        if has_value(event.error):
            error = bytes(event.error)
            self.fail_or_report(stream_error(error), b'{"error":%b}' % error, out)
        elif kind == "message_stop":
            self._finish(out)
        elif kind == "message_start" and event.message is not None:
            _merge(self._usage, event.message.usage)
        elif kind == "message_delta":
            _merge(self._usage, event.usage)
            if event.delta is not None:
                self._stopped(event.delta.stop_reason, event.delta.stop_details)
        else:
            return False
        return True

    def _open(self, index: int, raw: bytes, out: list[ModelEvent]) -> Block:
        block = Block(raw)
        self._blocks.append(block)
        block.number = len(self._blocks)
        self._by_index[index] = block
        head = block.head
        if block.kind == TOOL:
            self._budget.begin()
            block.id = self._ids.unique(block.id or f"call_{len(self._calls)}")
            block.name = tool_name(head.name or "")
            self._calls.append(block)
            out.append(ToolCallOpened(block.id, block.name))
        elif block.kind == TEXT and head.text:
            block.pieces.append(head.text)
            out.append(AnswerText(head.text, block.number))
        elif block.kind == THINKING and head.thinking:
            self._reasoning(block, head.thinking, out)
        elif block.kind not in OWN_KINDS:
            out.append(ServerToolActivity(block.kind))
        return block

    def _delta(self, index: int, delta: Delta, out: list[ModelEvent]) -> None:
        block = self._by_index.get(index)
        if block is None:
            block = self._implicit_block(index, delta, out)
            if block is None:
                return
        if delta.thinking:
            self._reasoning(block, delta.thinking, out)
        elif delta.text:
            block.pieces.append(delta.text)
            out.append(AnswerText(delta.text, block.number))
        elif delta.partial_json:
            self._budget.add(len(delta.partial_json))
            block.pieces.append(delta.partial_json)
        elif delta.signature:
            block.signature = delta.signature
        elif has_value(delta.citation):
            block.citations.append(delta.citation)

    def _implicit_block(self, index: int, delta: Delta, out: list[ModelEvent]) -> Block | None:
        """Return the block for a delta with an unknown index.

        If the server numbers the deltas, this is the open block of the same kind; otherwise a new
        block that had no start event.
        """
        kind = _KINDS.get(delta.type or "")
        latest = self._blocks[-1] if self._blocks else None
        if latest is not None and not latest.stopped and latest.kind == kind:
            return latest
        implied = _IMPLIED.get(delta.type or "")
        return None if implied is None else self._open(index, implied, out)

    def _reasoning(self, block: Block, text: str, out: list[ModelEvent]) -> None:
        if block.part < 0:
            block.part = self._parts
            self._parts += 1
        block.pieces.append(text)
        out.append(ReasoningText(text, block.part))

    def _close_block(self, index: int, out: list[ModelEvent], *, whole: bool = False) -> None:
        block = self._by_index.pop(index, None)
        if block is None:
            return
        block.stopped = True
        # Calls are emitted in the order in which they started, whichever completes first.
        while self._calls_out < len(self._calls) and self._calls[self._calls_out].stopped:
            self._call(out, whole=whole)

    def _call(self, out: list[ModelEvent], *, whole: bool = False) -> None:
        block = self._calls[self._calls_out]
        self._calls_out += 1
        arguments = block.arguments(whole=whole)
        if whole:
            self._budget.add(len(arguments))
        out.append(ToolCall(block.id, block.name, arguments))

    def _stopped(self, reason: str | None, details: msgspec.Raw) -> None:
        self._stop = ending(reason) or self._stop
        if has_value(details):
            self._stop_details = bytes(details)

    def _finish(self, out: list[ModelEvent]) -> None:
        if self._stop == _REFUSAL:
            self.fail(ProviderError("provider_refusal", _refusal(self._stop_details)), out)
            return
        if malformed(self._stop):
            explanation = f"{MALFORMED} ({self._stop})."
            self.fail(ProviderError("provider_stream_cut", explanation), out)
            return
        while self._calls_out < len(self._calls):
            self._call(out)
        self.done = True
        reason = _FINISH.get(self._stop, "stop")
        if self._calls and reason != "length":
            reason = "tool_calls"
        usage = _counted(self._usage)
        content = [block.payload() for block in self._blocks]
        native = ProviderPayload(self._origin, array_of(content)) if content else None
        out.append(ModelFinished(reason, self._stop, _status(self._blocks, usage), usage, native))


def _merge(counted: dict[str, object], usage: dict[str, object] | None) -> None:
    if usage:
        counted.update((key, value) for key, value in usage.items() if value is not None)


def _refusal(raw: bytes) -> str:
    try:
        details = msgspec.json.decode(raw, type=StopDetails)
    except UNREADABLE:
        details = StopDetails()
    explanation = details.explanation
    return (
        redacted(explanation)
        if isinstance(explanation, str) and explanation
        else "The model refused to answer."
    )


def _status(blocks: list[Block], usage: Usage | None) -> ReasoningStatus:
    if any(block.part >= 0 for block in blocks):
        return "shown"
    opaque = any(block.kind in {THINKING, REDACTED} for block in blocks)
    counted = usage is not None and bool(usage.reasoning_tokens)
    return "hidden_by_provider" if opaque or counted else "none"


def _counted(raw: dict[str, object]) -> Usage | None:
    if not raw:
        return None
    read = _count(raw.get("cache_read_input_tokens"))
    written = _count(raw.get("cache_creation_input_tokens"))
    try:
        details = msgspec.convert(raw.get("output_tokens_details"), dict[str, object])
    except msgspec.ValidationError:
        details = {}
    return Usage(
        input_tokens=(_count(raw.get("input_tokens")) or 0) + (read or 0) + (written or 0),
        output_tokens=_count(raw.get("output_tokens")) or 0,
        reasoning_tokens=_count(details.get("thinking_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
        raw=dict(raw),
    )


def _check_utf8(data: bytes) -> None:
    # The JSON decoder does not check the UTF-8 of values it skips or keeps raw.
    if not data.isascii():
        data.decode()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
