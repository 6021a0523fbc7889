"""Separates reasoning in tags from answer text, by wrapping any dialect's decoder."""

from typing import Final

import msgspec

from thinkaloud.core.parsers.inline import InlineSplitter
from thinkaloud.core.parsers.inline_state import Inline, Piece
from thinkaloud.core.parsers.inline_tags import BRACKETED
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
)
from thinkaloud.events.prompt import Effort
from thinkaloud.ports.model import Decoder
from thinkaloud.providers.target import Target

_ALIVE: Final = Keepalive()


class InlineQuirks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quirks that all dialects share."""

    inline_tags: tuple[tuple[str, str], ...] = BRACKETED
    """Opening and closing tags that enclose reasoning inside the content, in addition to the known
    ones, which are recognized in any case and with attributes. Empty: content is never split,
    unless `server.show_reasoning` is `deny`."""
    preopened: bool | None = None
    """Whether the prompt template opens the tag, so that a response starts inside it (except with
    effort `none`). Default: by the model's family, on servers that run open weights."""


def inline_of(target: Target, quirks: InlineQuirks, effort: Effort | None) -> Inline:
    """Return how this model marks reasoning inside the content of a response at this effort.

    A template that opens the tag also closes it if reasoning is off (`none`). For a family that
    reasons optionally, a response starts inside reasoning only if the request asks for it.
    """
    preopened = quirks.preopened
    if preopened is None:
        family = target.family
        preopened = family.preopened and (family.reasons == "always" or effort is not None)
    return Inline(
        tags=quirks.inline_tags,
        preopened=preopened and effort != "none",
        orphans=effort != "none",
        strict=target.withholds_reasoning,
    )


def inlined(
    decoder: Decoder, target: Target, quirks: InlineQuirks, effort: Effort | None
) -> Decoder:
    """Wrap a decoder to also separate reasoning from its answer text."""
    return InlineDecoder(decoder, inline_of(target, quirks, effort))


class InlineDecoder:
    """Separates reasoning in tags from the answer text of another decoder."""

    def __init__(self, decoder: Decoder, inline: Inline, *, drops_cut_tag: bool = True) -> None:
        self._decoder = decoder
        self._splitter = InlineSplitter(inline)
        self._unclosed: list[str] | None = [] if inline.preopened and not inline.strict else None
        self._drops_cut_tag = drops_cut_tag
        self._block = 0
        self._part = 0
        self._inside = False
        self._thought = False
        self._apart = False  # whether the last text was reasoning from a separate field

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        events = self._decoder.feed(data)
        if not events or (self._splitter.plain and not isinstance(events[-1], ModelFinished)):
            return events
        return self._split(events)

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events."""
        events = self._decoder.close()
        if not events or (self._splitter.plain and not isinstance(events[-1], ModelFinished)):
            return events
        return self._split(events)

    def _split(self, events: list[ModelEvent]) -> list[ModelEvent]:
        if len(events) == 1 and (plain := self._plain_event(events[0])) is not None:
            return events if plain is events[0] else [plain]
        out: list[ModelEvent] = []
        for event in events:
            plain = self._plain_event(event)
            if plain is None:
                self._read(event, out)
            else:
                out.append(plain)
        return out or [_ALIVE]

    def _plain_event(self, event: ModelEvent) -> ModelEvent | None:
        """Return the resulting event if there are no tags in it; None if it must be parsed.

        This is the fast path for the usual chunk: answer text passes unchanged.
        """
        if isinstance(event, AnswerText):
            if event.block != self._block:
                return None
            kind = self._splitter.feed_plain(event.text)
            if kind == "answer":
                self._apart = False
                if self._inside or self._unclosed is not None:
                    self._end_reasoning()
                return event
            return None if kind is None else self._thought_text(event.text)
        if self._apart and isinstance(event, ReasoningText) and event.part < self._part:
            return event  # `separate` has been called and would change nothing
        return None

    def _read(self, event: ModelEvent, out: list[ModelEvent]) -> None:
        """Parse one event and append the resulting events."""
        self._apart = False
        match event:
            case AnswerText(text=text, block=block):
                if block != self._block:
                    self._block = block
                    self._emit(self._splitter.begin_block(), out)
                self._emit(self._splitter.feed(text), out)
            case ReasoningText():
                self._emit(self._splitter.separate(), out)
                self._unclosed = None
                self._apart = True
                out.append(self._numbered(event))
            case ToolCallOpened() | ToolCall() | ServerToolActivity():
                self._emit(self._splitter.interrupt(), out)
                out.append(event)
            case ModelFinished():
                self._finish(event, out)
            case ModelFailed():
                self._emit(self._splitter.close(cut=self._drops_cut_tag), out)
                out.append(event)
            case _:
                out.append(event)

    def _emit(self, pieces: list[Piece], out: list[ModelEvent]) -> None:
        for kind, text in pieces:
            if kind == "reasoning":
                out.append(self._thought_text(text))
            elif kind == "answer":
                self._end_reasoning()
                out.append(AnswerText(text))
            else:
                self._thought = True
                out.append(Reclassified("reasoning"))

    def _thought_text(self, text: str) -> ReasoningText:
        """Return a piece of reasoning found in tags."""
        self._apart = False
        self._inside = self._thought = True
        if self._unclosed is not None:
            self._unclosed.append(text)
        return ReasoningText(text, self._part)

    def _end_reasoning(self) -> None:
        if self._inside:
            self._inside = False
            self._part += 1
        if not self._splitter.unclosed:
            self._unclosed = None

    def _numbered(self, event: ReasoningText) -> ReasoningText:
        """Return reasoning from a separate field; later reasoning in tags starts a new part."""
        self._inside = False
        self._part = max(self._part, event.part + 1)
        return event

    def _finish(self, event: ModelFinished, out: list[ModelEvent]) -> None:
        splitter = self._splitter
        unclosed = splitter.unclosed and event.finish_reason == "stop"
        self._emit(splitter.close(), out)
        if unclosed and self._unclosed:
            # The family starts inside reasoning, but this server has already removed it.
            out.append(Reclassified("withdrawn"))
            out.append(AnswerText("".join(self._unclosed)))
        elif self._thought and event.reasoning_status != "shown":
            event = msgspec.structs.replace(event, reasoning_status="shown")
        out.append(event)
