"""Decodes Chat Completions responses incrementally to model events. Pure.

Source: OpenAI API reference, "Chat Completions", and its many compatible servers.
"""

from typing import Final

import msgspec

from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.core.parsers.sse import EventTooLarge
from thinkaloud.events.model import (
    Keepalive,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    Origin,
    ReasoningStatus,
    Usage,
)
from thinkaloud.providers.dialects import faults
from thinkaloud.providers.dialects.events import ProviderEvents
from thinkaloud.providers.dialects.framing import (
    BodyBuffer,
    ended_early,
    too_many_calls,
    unreadable,
)
from thinkaloud.providers.dialects.openai_chat import ending, errors
from thinkaloud.providers.dialects.openai_chat.choices import Choices
from thinkaloud.providers.dialects.openai_chat.delta import DeltaReader
from thinkaloud.providers.dialects.openai_chat.quirks import Quirks
from thinkaloud.providers.dialects.openai_chat.wire import (
    NOTHING,
    UNREADABLE,
    Choice,
    Chunk,
    decode_chunk,
    decode_message,
    present,
)
from thinkaloud.providers.dialects.outcomes import ending as final
from thinkaloud.providers.dialects.toolcalls import TooManyCalls

_UNREADABLE: Final = "The provider sent invalid data"


class ChatDecoder:
    """Decodes a streamed response. See `thinkaloud.ports.model.Decoder`."""

    def __init__(self, quirks: Quirks, origin: Origin, inline: Inline) -> None:
        self._sse = ProviderEvents()
        self._message = MessageDecoder(quirks, origin, inline)

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Decode the next bytes, split anywhere, and return the events they complete."""
        events: list[ModelEvent] = []
        message = self._message
        if message.done or not data:
            return events
        try:
            payloads = self._sse.feed(data)
        except EventTooLarge as error:
            message.fail(f"{_UNREADABLE}: {error}.", events)
            return events
        for name, payload in payloads:
            message.event(payload, events, name)
            if message.done:
                return events
        if payloads and not events:
            events.append(Keepalive())
        return events

    def close(self) -> list[ModelEvent]:
        """Signal the end of input and return the remaining events."""
        events: list[ModelEvent] = []
        message = self._message
        if message.done:
            return events
        try:
            payloads = self._sse.close()
        except EventTooLarge as error:
            message.fail(f"{_UNREADABLE}: {error}.", events)
            return events
        for name, payload in payloads:
            if not message.done:
                message.event(payload, events, name, last=True)
        if not message.done:
            message.end(events, self._sse.stray)
        return events


class WholeDecoder:
    """Decodes a response that was not streamed."""

    def __init__(self, quirks: Quirks, origin: Origin, inline: Inline) -> None:
        self._body = BodyBuffer()
        self._message = MessageDecoder(quirks, origin, inline)

    def feed(self, data: bytes) -> list[ModelEvent]:
        """Buffer the next bytes."""
        events: list[ModelEvent] = []
        if not self._message.done:
            self._body.add(data)
            try:
                self._body.check()
            except EventTooLarge as error:
                self._message.fail(f"{_UNREADABLE}: {error}.", events)
        return events

    def close(self) -> list[ModelEvent]:
        """Return all events of the response."""
        events: list[ModelEvent] = []
        if not self._message.done:
            self._message.whole(self._body.take(), events)
        return events


class MessageDecoder:
    """Converts the chunks of one message to model events."""

    def __init__(self, quirks: Quirks, origin: Origin, inline: Inline) -> None:
        self.done = False
        self._quirks = quirks
        self._inline = inline
        self._origin = origin
        self._read = DeltaReader(quirks)
        self._finish_reason = ""
        self._usage = b""
        self._choices: Choices | None = None

    def event(
        self, payload: bytes, events: list[ModelEvent], name: bytes = b"", *, last: bool = False
    ) -> None:
        """Process one event of the stream. `last`: the stream ended inside it."""
        if payload == b"[DONE]":
            self._finish(events)
            return
        if name and faults.names_error(name):
            figures = self._usage_so_far()
            reported = faults.reported(payload, name, figures)
            own = errors.parse_error(payload) is not None
            self._fail(
                errors.failure(payload, figures) if own or reported is None else reported, events
            )
            return
        try:
            chunk = decode_chunk(payload)
            self._chunk(chunk, payload, events)
        except TooManyCalls as error:
            self._fail(self._too_much(error), events)
        except UNREADABLE as error:
            if not payload:
                return
            reported = faults.reported(payload, name, self._usage_so_far())
            if reported is not None:
                self._fail(reported, events)
            elif last:
                self.end(events)
            else:
                self.fail(unreadable(payload, error), events)

    def whole(self, body: bytes, events: list[ModelEvent]) -> None:
        """Process a response that was not streamed."""
        try:
            chunk = decode_chunk(body)
            self._chunk(chunk, body, events)
        except TooManyCalls as error:
            self._fail(self._too_much(error), events)
            return
        except UNREADABLE as error:
            read = errors.parse_error(body)
            if read is None:
                self.fail(f"{_UNREADABLE}: {error}.", events)
            else:
                self._fail(errors.failure(body, None), events)
            return
        if not self.done and not chunk.choices:
            self.fail("The provider's response has no message.", events)
        elif not self.done:
            self._finish(events)

    def end(self, events: list[ModelEvent], stray: bytes = b"") -> None:
        """Handle the end of the stream. Only a finish reason makes it complete.

        `stray` is the stream's data outside of events.
        """
        if self._finish_reason:
            self._finish(events)
        else:
            self._fail(ended_early(stray, self._usage_so_far()), events)

    def fail(self, message: str, events: list[ModelEvent]) -> None:
        """End with a cut-off stream."""
        usage = self._usage_so_far()
        self._fail(ModelFailed("provider_stream_cut", message, retryable=True, usage=usage), events)

    def _too_much(self, error: TooManyCalls) -> ModelFailed:
        return ModelFailed("provider_stream_cut", too_many_calls(error), usage=self._usage_so_far())

    def _chunk(self, chunk: Chunk, payload: bytes, events: list[ModelEvent]) -> None:
        # No call for fields that are absent: this runs for every token.
        if chunk.usage is not NOTHING and present(chunk.usage):
            self._usage = bytes(chunk.usage)
        if chunk.x_groq is not None and present(chunk.x_groq.usage):
            self._usage = bytes(chunk.x_groq.usage)
        error = chunk.error
        for choice in chunk.choices or ():
            if (choice.index or self._choices is not None) and not self._is_selected(choice):
                continue
            if choice.delta is not None:
                self._read.delta(choice.delta, events)
            if choice.delta is None or choice.finish_reason or choice.usage is not NOTHING:
                self._without_delta(choice, events)
            if choice.error is not NOTHING and not present(error):
                error = choice.error
        if error is not NOTHING or chunk.x_groq is not None or chunk.choices is None:
            self._check_error(error, chunk, payload, events)

    def _check_error(
        self, error: msgspec.Raw, chunk: Chunk, payload: bytes, events: list[ModelEvent]
    ) -> None:
        """Fail if the chunk reports an error in any of the places for one."""
        if chunk.x_groq is not None and not present(error):
            error = chunk.x_groq.error
        if present(error):
            self._fail(errors.failure(b'{"error":%b}' % bytes(error), self._usage_so_far()), events)
        elif chunk.choices is None:
            self._without_choices(chunk, payload, events)

    def _is_selected(self, choice: Choice) -> bool:
        if self._choices is None:
            self._choices = Choices(spoken=self._read.spoken)
        return self._choices.is_ours(choice)

    def _without_choices(self, chunk: Chunk, payload: bytes, events: list[ModelEvent]) -> None:
        """Handle an event without choices, which may be an error in some shape."""
        if present(chunk.message) or present(chunk.detail):
            self._fail(errors.failure(payload, self._usage_so_far()), events)
        elif (reported := faults.reported(payload, b"", self._usage_so_far())) is not None:
            self._fail(reported, events)

    def _without_delta(self, choice: Choice, events: list[ModelEvent]) -> None:
        """Read the parts of a choice that most chunks do not have."""
        has_message = choice.delta is None and present(choice.message)
        if has_message and (self._choices or not self._read.received):
            self._read.delta(decode_message(choice.message), events)
        if choice.finish_reason:
            self._finish_reason = final(choice.finish_reason) or self._finish_reason
        if present(choice.usage):
            self._usage = bytes(choice.usage)

    def _finish(self, events: list[ModelEvent]) -> None:
        self._read.flush(events)
        end = ending.ended(self._finish_reason, calls=bool(self._read.calls))
        usage = self._usage_so_far()
        if self._read.refusal:
            self._fail(
                ModelFailed("provider_refusal", "".join(self._read.refusal), usage=usage), events
            )
        elif end == "refused" or end == "filtered" or end == "broken" or end == "malformed":
            code, message = ending.FAILURES[end]
            words = message if end == "refused" else f"{message} ({self._finish_reason})."
            retryable = end == "broken" or end == "malformed"
            self._fail(ModelFailed(code, words, retryable=retryable, usage=usage), events)
        else:
            events.extend(self._read.calls.finish())
            self.done = True
            status = self._reasoning_status(usage)
            events.append(
                ModelFinished(
                    finish_reason=end,
                    raw_finish_reason=self._finish_reason,
                    reasoning_status=status,
                    usage=usage,
                    native=self._read.native(self._quirks, self._inline, self._origin),
                )
            )

    def _fail(self, failed: ModelFailed, events: list[ModelEvent]) -> None:
        """End with a failure, after emitting buffered text."""
        self._read.flush(events)
        self.done = True
        events.append(failed)

    def _reasoning_status(self, usage: Usage | None) -> ReasoningStatus:
        if self._read.received.reasoning:
            return "shown"
        hidden = self._read.received.hidden or (usage is not None and usage.reasoning_tokens)
        return "hidden_by_provider" if hidden else "none"

    def _usage_so_far(self) -> Usage | None:
        if not self._usage:
            return None
        apart = self._quirks.completion_excludes_reasoning
        return ending.usage(self._usage, completion_excludes_reasoning=apart)
