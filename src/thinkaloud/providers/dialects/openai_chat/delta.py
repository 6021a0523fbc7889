"""Converts the delta of a chunk to model events."""

from typing import Final, Literal

from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.events.model import (
    AnswerText,
    ModelEvent,
    Origin,
    ProviderPayload,
    ReasoningText,
    ServerToolActivity,
)
from thinkaloud.providers.dialects.openai_chat.calls import ToolCalls
from thinkaloud.providers.dialects.openai_chat.content import ContentReader, Piece
from thinkaloud.providers.dialects.openai_chat.message import Received
from thinkaloud.providers.dialects.openai_chat.quirks import Quirks
from thinkaloud.providers.dialects.openai_chat.wire import ContentChunk, Delta, plain

_NO_DETAILS: Final = Delta()


class DeltaReader:
    """Converts deltas to events, and collects what the end and the next request need."""

    def __init__(self, quirks: Quirks) -> None:
        self.calls = ToolCalls()
        self.received = Received()
        self.refusal: list[str] = []
        self._content = ContentReader(quirks)
        self._server_items: set[str] = set()

    @property
    def spoken(self) -> list[Literal["reasoning", "content"]]:
        """The kinds of text received so far."""
        received = self.received
        spoken: list[Literal["reasoning", "content"]] = []
        if received.reasoning or received.details:
            spoken.append("reasoning")
        if received.content:
            spoken.append("content")
        return spoken

    def native(self, quirks: Quirks, inline: Inline, origin: Origin) -> ProviderPayload | None:
        """Return the message to send back in the next request; see `Received.native`."""
        if not self._content.is_harmony:
            self.received.split(inline)
        return self.received.native(quirks, self.calls, origin)

    def flush(self, events: list[ModelEvent]) -> None:
        """Emit buffered content; any later content is answer text."""
        if not self._content.plain:
            self._pieces(self._content.close(), events)

    def delta(self, delta: Delta, events: list[ModelEvent]) -> None:
        """Process the next delta and append its events."""
        received = self.received
        thought, is_detailed = (
            delta.reasoning_content,
            delta.reasoning_details or delta.thinking_blocks,
        )
        if thought and not is_detailed and isinstance(thought, str) and self._content.plain:
            # The usual delta, without a call for each token; so is the usual content below.
            received.carrier = "reasoning_content"
            received.reasoning.append(thought)
            events.append(ReasoningText(thought))
        elif (
            thought
            or is_detailed
            or delta.reasoning
            or delta.reasoning_text
            or delta.thinking
            or delta.thought
        ):
            self._any_reasoning(delta, events)
        content = delta.content
        if content:
            if not isinstance(content, str):
                self._content_chunks(content, events)
            elif self._content.plain:
                received.content.append(content)
                received.answer.append(content)
                events.append(AnswerText(content))
            else:
                self._text(content, events)
        if (
            delta.tool_calls
            or delta.function_call
            or delta.refusal
            or delta.executed_tools
            or delta.reasoning_opaque
        ):
            self._rest(delta, events)

    def _any_reasoning(self, delta: Delta, events: list[ModelEvent]) -> None:
        received = self.received
        if delta.reasoning_content:
            received.carrier = "reasoning_content"
            self._reason(plain(delta.reasoning_content), delta, events)
        elif delta.reasoning:
            received.carrier = "reasoning"
            self._reason(plain(delta.reasoning), delta, events)
        elif delta.reasoning_text:
            received.carrier = "reasoning_text"
            self._reason(plain(delta.reasoning_text), delta, events)
        elif other := delta.thinking or delta.thought:
            self._reason(plain(other), delta, events)
        else:
            self._reason("", delta, events)

    def _reason(self, text: str, delta: Delta, events: list[ModelEvent]) -> None:
        """Emit the reasoning of a delta once, even if several of its fields contain it."""
        received = self.received
        parts = [(text, 0)] if text else []
        if delta.reasoning_details:
            parts = received.details.add(delta.reasoning_details)
            if text and (len(parts) < 2 or "".join(part for part, _ in parts) != text):
                parts = [(text, parts[-1][1] if parts else 0)]
        if delta.thinking_blocks:
            blocks = received.blocks.add(delta.thinking_blocks)
            if not text and received.carrier in ("nothing", "thinking_blocks"):
                received.carrier = "thinking_blocks"
                parts = blocks
        self._think(parts, events)

    def _think(self, parts: list[tuple[str, int]], events: list[ModelEvent]) -> None:
        received = self.received
        if parts:
            self.flush(events)
        for piece, part in parts:
            received.reasoning.append(piece)
            events.append(ReasoningText(piece, part))

    def _text(self, text: str, events: list[ModelEvent]) -> None:
        self.received.content.append(text)
        if self._content.plain:
            self.received.answer.append(text)
            events.append(AnswerText(text))
        else:
            self._pieces(self._content.feed(text), events)

    def _content_chunks(
        self, chunks: ContentChunk | list[str | ContentChunk], events: list[ModelEvent]
    ) -> None:
        received = self.received
        for chunk in chunks if isinstance(chunks, list) else [chunks]:
            if isinstance(chunk, str):
                self._text(chunk, events)
                continue
            if parts := chunk.summary_parts:
                received.carrier = "content_summary"
                self._think(received.summary.add(parts), events)
            elif thought := chunk.thought:
                if chunk.thinking:
                    received.carrier = "content_chunks"
                self._reason(thought, _NO_DETAILS, events)
            elif chunk.text:
                self._text(chunk.text, events)
            if chunk.signature:
                received.carrier = "content_chunks"
                received.signature = chunk.signature

    def _rest(self, delta: Delta, events: list[ModelEvent]) -> None:
        calls: list[dict[str, object]] = delta.tool_calls or []
        if delta.function_call and not calls:
            calls = [{"index": 0, "type": "function", "function": delta.function_call}]
        if calls:
            self.flush(events)
            opened = map(self.calls.add, calls)
            events.extend(opening for opening in opened if opening is not None)
        if delta.reasoning_opaque:
            self.received.opaque = delta.reasoning_opaque
        if delta.refusal:
            self.refusal.append(delta.refusal)
        for tool in delta.executed_tools or ():
            place, kind = str(tool.get("index")), tool.get("type")
            if place not in self._server_items and isinstance(kind, str):
                self._server_items.add(place)
                events.append(ServerToolActivity(kind))

    def _pieces(self, pieces: list[Piece], events: list[ModelEvent]) -> None:
        received = self.received
        for kind, text, block in pieces:
            match kind:
                case "reasoning":
                    received.reasoning.append(text)
                    events.append(ReasoningText(text, block))
                case "answer":
                    received.answer.append(text)
                    events.append(AnswerText(text))
                case "call":
                    events.append(self.calls.open(text))
                case "arguments":
                    self.calls.append_arguments(text)
