"""Converts the events of one Converse response to model events.

Source: Amazon Bedrock Runtime API reference, `ConverseStream`.
"""

from typing import Final, cast

import msgspec

from thinkaloud.core.parsers.aws_eventstream import Frame, exception
from thinkaloud.errors import ProviderCode, ProviderError
from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFailed,
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
from thinkaloud.providers.dialects.bedrock_converse.blocks import Kind, OpenBlock
from thinkaloud.providers.dialects.bedrock_converse.wire import (
    UNREADABLE,
    Block,
    Delta,
    Event,
    Reasoning,
    Response,
    Start,
    ToolResult,
    ToolUse,
)
from thinkaloud.providers.dialects.event_reader import EventReader
from thinkaloud.providers.dialects.http_errors import displayable
from thinkaloud.providers.dialects.outcomes import MALFORMED, ending, malformed
from thinkaloud.providers.dialects.raw_json import array_of, compact, has_value
from thinkaloud.providers.dialects.toolcalls import (
    CallBudget,
    CallIds,
    TooManyCalls,
    assembled,
    tool_name,
)

_FINISH: Final[dict[str, FinishReason]] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
_FAILURES: Final[dict[str, tuple[ProviderCode, str]]] = {
    "guardrail_intervened": ("provider_content_filter", "A guardrail stopped the answer."),
    "content_filtered": ("provider_content_filter", "A content filter stopped the answer."),
    "refusal": ("provider_refusal", "The model refused to answer."),
    "malformed_model_output": ("provider_stream_cut", "The model's output could not be parsed."),
    "malformed_tool_use": ("provider_stream_cut", "The model's tool call could not be parsed."),
}
_SERVER: Final = "server_tool_use"
_END: Final = "metadata"
_KINDS: Final = {"text": "text", "reasoning": "reasoning_content", "call": "tool_use"}

_event = msgspec.json.Decoder(Event)
_call = msgspec.json.Decoder(ToolUse)
_result = msgspec.json.Decoder(ToolResult)
_block = msgspec.json.Decoder(Block)
_response = msgspec.json.Decoder(Response)


class TextEmitter:
    """The reasoning and text of one message."""

    def __init__(self) -> None:
        self._parts = 0

    def reasoning(self, block: OpenBlock, reasoning: Reasoning, out: list[ModelEvent]) -> None:
        """Read reasoning from a separate block."""
        block.keep(reasoning)
        if not reasoning.text:
            return
        if block.part < 0:
            block.part = self._parts
            self._parts += 1
        block.pieces.append(reasoning.text)
        out.append(ReasoningText(reasoning.text, block.part))

    def text(self, block: OpenBlock, text: str, out: list[ModelEvent]) -> None:
        """Process answer text."""
        if text:
            block.pieces.append(text)
            out.append(AnswerText(text, block.number))

    def status(self, blocks: list[OpenBlock]) -> ReasoningStatus:
        """Return whether there was reasoning, and whether its text was shown."""
        if self._parts:
            return "shown"
        opaque = any(block.kind == "reasoning" for block in blocks)
        return "hidden_by_provider" if opaque else "none"


class MessageReader(EventReader):
    """Reads the events of one message."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(_counted, _failed)
        self._origin = origin
        self._blocks: list[OpenBlock] = []
        self._by_index: dict[int, OpenBlock] = {}
        self._calls: list[OpenBlock] = []
        self._calls_out = 0
        self._ids = CallIds()
        self._budget = CallBudget()
        self._speech = TextEmitter()
        self._stop = ""

    def take(self, frame: Frame, out: list[ModelEvent]) -> None:
        """Process one frame."""
        error = exception(frame)
        if error is not None:
            self.fail(error, out)
            return
        try:
            if not frame.payload.isascii():
                frame.payload.decode()
            kind = frame.headers.get(":event-type", "")
            self._event(kind, _event.decode(frame.payload), out)
            if not kind and not self.done:
                self.report(frame.payload, b"", out)
        except TooManyCalls as reason:
            self.too_many(reason, out)
        except UNREADABLE as reason:
            self.unreadable(frame.payload, b"", reason, out)

    def whole(self, body: bytes, out: list[ModelEvent]) -> None:
        """Read a response that was not streamed."""
        try:
            if not body.isascii():
                body.decode()
            response = _response.decode(body)
            message = None if response.output is None else response.output.message
            content = (message.content if message is not None else None) or []
            for index, raw in enumerate(content):
                self._whole_block(index, _block.decode(raw), out)
        except TooManyCalls as reason:
            self.too_many(reason, out)
            return
        except UNREADABLE as reason:
            self.unreadable(body, b"", reason, out)
            return
        self._usage.update(response.usage or {})
        self._stop = ending(response.stop_reason)
        if self._stop:
            self._finish(out, array_of(content) if content else None)
        elif not self.report(body, b"", out):
            self.cut("the response is not a complete message", out)

    def end(self, out: list[ModelEvent]) -> None:
        """Handle the end of the stream."""
        if self.done:
            return
        if self._stop:
            self._finish(out, _payload(self._blocks))
        else:
            self.ended_early(b"", out)

    def _event(self, kind: str, event: Event, out: list[ModelEvent]) -> None:
        index = event.content_block_index or 0
        if event.delta is not None:
            self._delta(index, event.delta, out)
        elif event.start is not None:
            self._start(index, event.start, out)
        elif kind == "contentBlockStop":
            self._close_block(index, out)
        else:
            self._usage.update(event.usage or {})
            self._stop = ending(event.stop_reason) or self._stop
            if kind == _END and self._stop:
                self._finish(out, _payload(self._blocks))

    def _open(
        self, index: int, kind: Kind, out: list[ModelEvent], start: bytes = b"{}"
    ) -> OpenBlock:
        block = OpenBlock(kind, start)
        self._blocks.append(block)
        block.number = len(self._blocks)
        self._by_index[index] = block
        return block

    def _start(self, index: int, start: Start, out: list[ModelEvent]) -> None:
        if has_value(start.tool_use):
            raw = bytes(start.tool_use)
            self._start_call(index, _call.decode(raw), raw, out)
        elif has_value(start.tool_result):
            raw = bytes(start.tool_result)
            self._open(index, "server_result", out, raw)
            out.append(ServerToolActivity(_result.decode(raw).type or "toolResult"))

    def _start_call(self, index: int, call: ToolUse, raw: bytes, out: list[ModelEvent]) -> None:
        if call.type == _SERVER:
            self._open(index, "server_call", out, raw)
            out.append(ServerToolActivity(_SERVER))
            return
        block = self._open(index, "call", out, raw)
        self._budget.begin()
        block.call_id = self._ids.unique(call.tool_use_id or f"call_{len(self._calls)}")
        block.name = tool_name(call.name or "")
        self._calls.append(block)
        out.append(ToolCallOpened(block.call_id, block.name))

    def _delta(self, index: int, delta: Delta, out: list[ModelEvent]) -> None:
        block = self._by_index.get(index) or self._counted_up(delta)
        if delta.reasoning_content is not None:
            block = block or self._open(index, "reasoning", out)
            self._speech.reasoning(block, delta.reasoning_content, out)
        elif delta.text is not None:
            self._speech.text(block or self._open(index, "text", out), delta.text, out)
        elif block is None:
            return
        elif delta.tool_use is not None:
            text = delta.tool_use.input or ""
            self._budget.add(len(text))
            block.pieces.append(text)
        elif delta.tool_result is not None:
            block.results.extend(delta.tool_result)

    def _counted_up(self, delta: Delta) -> OpenBlock | None:
        """Return the open block of this kind, if the server numbers the deltas as blocks."""
        latest = self._blocks[-1] if self._blocks else None
        if latest is None or latest.stopped or latest.kind not in _KINDS:
            return None
        return latest if getattr(delta, _KINDS[latest.kind]) is not None else None

    def _close_block(self, index: int, out: list[ModelEvent]) -> None:
        block = self._by_index.pop(index, None)
        if block is None:
            return
        block.stopped = True
        # Calls are emitted in the order in which they started, whichever completes first.
        while self._calls_out < len(self._calls) and self._calls[self._calls_out].stopped:
            self._call(out)

    def _call(self, out: list[ModelEvent]) -> None:
        block = self._calls[self._calls_out]
        self._calls_out += 1
        out.append(ToolCall(block.call_id, block.name, assembled(block.pieces)))

    def _whole_block(self, index: int, block: Block, out: list[ModelEvent]) -> None:
        if block.text is not None:
            self._speech.text(self._open(index, "text", out), block.text, out)
        elif block.reasoning_content is not None:
            readable = block.reasoning_content.reasoning_text
            text = None if readable is None else readable.text
            self._speech.reasoning(self._open(index, "reasoning", out), Reasoning(text), out)
        elif block.tool_use is not None:
            self._start_call(index, block.tool_use, b"{}", out)
            if has_value(block.tool_use.input):
                text = compact(block.tool_use.input)
                self._budget.add(len(text))
                self._by_index[index].pieces.append(text)
        elif block.tool_result is not None:
            out.append(ServerToolActivity(block.tool_result.type or "toolResult"))
        self._close_block(index, out)

    def _finish(self, out: list[ModelEvent], payload: msgspec.Raw | None) -> None:
        failure = _FAILURES.get(self._stop)
        if failure is None and malformed(self._stop):
            failure = ("provider_stream_cut", f"{MALFORMED} ({self._stop}).")
        if failure is not None:
            self.fail(ProviderError(failure[0], failure[1]), out)
            return
        while self._calls_out < len(self._calls):
            self._call(out)
        self.done = True
        reason = _FINISH.get(self._stop, "stop")
        if self._calls and reason != "length":
            reason = "tool_calls"
        usage = _counted(self._usage)
        native = None if payload is None else ProviderPayload(self._origin, payload)
        out.append(
            ModelFinished(reason, self._stop, self._speech.status(self._blocks), usage, native)
        )


def _payload(blocks: list[OpenBlock]) -> msgspec.Raw | None:
    if not blocks:
        return None
    return msgspec.Raw(msgspec.json.encode([block.payload() for block in blocks]))


def _failed(error: ProviderError, usage: Usage | None) -> ModelFailed:
    """Return the error as the last event of a stream."""
    code = cast("ProviderCode", error.code)
    return ModelFailed(
        code=code,
        message=displayable(error.message),
        retryable=error.retryable,
        usage=usage,
    )


def _counted(raw: dict[str, object]) -> Usage | None:
    if not raw:
        return None
    read = _count(raw.get("cacheReadInputTokens"))
    written = _count(raw.get("cacheWriteInputTokens"))
    return Usage(
        input_tokens=(_count(raw.get("inputTokens")) or 0) + (read or 0) + (written or 0),
        output_tokens=_count(raw.get("outputTokens")) or 0,
        cache_read_tokens=read,
        cache_write_tokens=written,
        raw=dict(raw),
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
