"""Decodes v2 chat responses.

Source: https://docs.cohere.com/reference/chat-stream
"""

import msgspec

from thinkaloud.errors import ProviderCode
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
    Usage,
)
from thinkaloud.providers.dialects.cohere_chat.message import Call, Draft
from thinkaloud.providers.dialects.faults import names_error, reported
from thinkaloud.providers.dialects.http_errors import displayable
from thinkaloud.providers.dialects.outcomes import MALFORMED, ending, malformed
from thinkaloud.providers.dialects.raw_json import ABSENT, has_value
from thinkaloud.providers.dialects.retry_after import spent

_FAILURES: dict[str, ProviderCode] = {
    "ERROR": "provider_overloaded",
    "TIMEOUT": "provider_timeout",
    "ERROR_TOXIC": "provider_content_filter",
}


class _Content(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    # A list in a whole message, a single object in a delta.
    content: _Content | list[_Content] | None = None
    tool_plan: str | None = None
    tool_calls: _Call | list[_Call] | None = None


class _Delta(msgspec.Struct):
    message: _Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    error: str | None = None


class _Event(msgspec.Struct):
    type: str | None = None
    index: int = 0
    delta: _Delta | None = None
    # Whole responses have the fields of the delta directly; errors have a string.
    message: _Message | str | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = ABSENT
    error: object = None


class _Tokens(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    reasoning_tokens: float | None = None


class _Counts(msgspec.Struct):
    tokens: _Tokens | None = None
    billed_units: _Tokens | None = None
    cached_tokens: float | None = None


_event = msgspec.json.Decoder(_Event)
_counts = msgspec.json.Decoder(_Counts | None)
_figures = msgspec.json.Decoder(dict[str, object])


class ChatReader:
    """Reads the events of one response; see `thinkaloud.providers.dialects.framing.Reader`."""

    __slots__ = ("_draft", "_origin", "_part", "_shown", "_usage")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._draft = Draft()
        self._part = -1
        self._shown = False
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """The final usage. Input includes cached tokens, output includes reasoning."""
        return self._usage

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one event, or the single object of a response that was not streamed."""
        event = _event.decode(payload)
        delta = event.delta
        message = None if delta is None else delta.message
        kind = event.type
        if kind is None and name and event.finish_reason is None:
            kind = name.decode(errors="replace")
        match kind:
            case "content-delta" | "content-start":
                if message is not None and isinstance(message.content, _Content):
                    begins = kind == "content-start"
                    self._content(event.index, message.content, out, begins=begins)
            case "tool-call-start" | "tool-call-delta":
                if message is not None and isinstance(message.tool_calls, _Call):
                    self._call(event.index, message.tool_calls, out)
            case "tool-call-end":
                self._draft.end_call(event.index, out)
            case "message-end":
                return self._end_message(delta or _Delta(), out)
            case None:
                return self._whole_message(event, payload, out)
            case _:
                return self._rare_event(kind, event, name, out)
        return False

    def _rare_event(self, kind: str, event: _Event, name: bytes, out: list[ModelEvent]) -> bool:
        if kind == "tool-plan-delta" and event.delta is not None:
            message = event.delta.message or _Message()
            self._draft.plan(message.tool_plan or "")
            return False
        if event.error is not None or names_error(kind) or names_error(name):
            raise msgspec.ValidationError("the event reports an error")
        words = event.message
        if isinstance(words, str):
            self._fail("provider_stream_cut", words, out)
        return isinstance(words, str)

    def flush(self, out: list[ModelEvent]) -> None:
        """Do nothing, as no text is buffered."""

    def finish(self, out: list[ModelEvent]) -> bool:
        """Return False: `read` ends the response at `message-end`."""
        return False

    def _whole_message(self, event: _Event, payload: bytes, out: list[ModelEvent]) -> bool:
        message = event.message
        failure = reported(payload, b"error" if isinstance(message, str) else b"", self._usage)
        if failure is not None:
            out.append(failure)
            return True
        if isinstance(message, str):
            return False
        if message is None or event.finish_reason is None:
            return False
        if isinstance(message.content, list):
            for index, content in enumerate(message.content):
                self._content(index, content, out, begins=True)
        self._draft.plan(message.tool_plan or "")
        if isinstance(message.tool_calls, list):
            for index, call in enumerate(message.tool_calls):
                self._call(index, call, out)
        return self._end_message(_Delta(finish_reason=event.finish_reason, usage=event.usage), out)

    def _content(
        self, index: int, content: _Content, out: list[ModelEvent], *, begins: bool
    ) -> None:
        if begins:
            self._draft.begin()
            self._part += content.type == "thinking"
        if content.thinking:
            self._shown = True
            self._draft.text(index, "thinking", content.thinking)
            out.append(ReasoningText(text=content.thinking, part=max(self._part, 0)))
        elif content.text:
            self._draft.text(index, "text", content.text)
            out.append(AnswerText(text=content.text))

    def _call(self, index: int, call: _Call, out: list[ModelEvent]) -> None:
        function = call.function or _Function()
        self._draft.call(index, Call(call.id, function.name), function.arguments or "", out)

    def _end_message(self, delta: _Delta, out: list[ModelEvent]) -> bool:
        raw = ending(delta.finish_reason) or None
        if has_value(delta.usage):
            self._usage = _usage_of(delta.usage)
        if raw is None and delta.error is None:
            return False
        if malformed(raw or ""):
            self._fail("provider_stream_cut", f"{MALFORMED} ({raw}).", out)
            return True
        if delta.error is not None or raw in _FAILURES:
            words = delta.error or f"The provider ended the response with {raw}."
            self._fail(_FAILURES.get(raw or "", "provider_overloaded"), words, out)
            return True
        self._draft.end_calls(out)
        out.append(
            ModelFinished(
                finish_reason=self._finish_reason(raw or ""),
                raw_finish_reason=raw or "",
                reasoning_status=self._status(),
                usage=self._usage,
                native=ProviderPayload(origin=self._origin, payload=self._draft.payload()),
            )
        )
        return True

    def _fail(self, code: ProviderCode, words: str, out: list[ModelEvent]) -> None:
        out.append(
            ModelFailed(
                code=code,
                message=displayable(words),
                retryable=code != "provider_content_filter" and not spent(words),
                usage=self._usage,
            )
        )

    def _finish_reason(self, raw: str) -> FinishReason:
        if raw in {"MAX_TOKENS", "ERROR_LIMIT"}:
            return "length"
        return "tool_calls" if self._draft.calls else "stop"

    def _status(self) -> ReasoningStatus:
        if self._shown:
            return "shown"
        hidden = self._usage is not None and self._usage.reasoning_tokens
        return "hidden_by_provider" if hidden else "none"


def _usage_of(raw: msgspec.Raw) -> Usage | None:
    counts = _counts.decode(raw)
    if counts is None:
        return None
    tokens = counts.tokens or counts.billed_units or _Tokens()
    return Usage(
        input_tokens=int(tokens.input_tokens or 0),
        output_tokens=int(tokens.output_tokens or 0),
        reasoning_tokens=_whole_number(tokens.reasoning_tokens),
        cache_read_tokens=_whole_number(counts.cached_tokens),
        raw=_figures.decode(raw),
    )


def _whole_number(count: float | None) -> int | None:
    return None if count is None else int(count)
