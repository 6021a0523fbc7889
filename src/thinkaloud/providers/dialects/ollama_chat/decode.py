"""Reading a chat response of Ollama: one JSON object a line.

Source: https://docs.ollama.com/api/chat
"""

from collections.abc import Sequence

import msgspec

from thinkaloud.core.tags import TagSplitter
from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    Native,
    Origin,
    ReasoningText,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.providers.dialects.faults import names_error
from thinkaloud.providers.dialects.jsontext import arguments_object, text_or_compact
from thinkaloud.providers.dialects.ollama_chat.errors import in_stream
from thinkaloud.providers.dialects.outcomes import MALFORMED, malformed
from thinkaloud.providers.dialects.refusals import Refusal
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, assembled, tool_name


class _Function(msgspec.Struct):
    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _Call(msgspec.Struct):
    function: _Function
    id: str | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | list[str] | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    error: Refusal | str | None = None


class _Counts(msgspec.Struct):
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    total_duration: int | None = None
    load_duration: int | None = None
    prompt_eval_duration: int | None = None
    eval_duration: int | None = None


_line = msgspec.json.Decoder(_Line)
_counts = msgspec.json.Decoder(_Counts)


class ChatReader:
    """Reads the lines of one response; see `thinkaloud.providers.dialects.framing.Reader`."""

    __slots__ = (
        "_answer",
        "_budget",
        "_calls",
        "_ids",
        "_origin",
        "_reasoning",
        "_tags",
        "_usage",
    )

    def __init__(
        self, origin: Origin, tags: Sequence[tuple[str, str]], *, preopened: bool = False
    ) -> None:
        self._origin = origin
        self._tags = TagSplitter(tags, preopened=preopened) if tags else None
        self._reasoning: list[str] = []
        self._answer: list[str] = []
        self._budget = CallBudget()
        self._ids = CallIds()
        self._calls: list[dict[str, object]] = []
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """The figures of the last line; Ollama counts thinking inside its output only."""
        return self._usage

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one line, or the one object of a response that did not stream."""
        if name and names_error(name):
            raise msgspec.ValidationError("the line reports an error")
        line = _line.decode(payload)
        if line.error is not None:
            self.flush(out)
            out.append(in_stream(line.error, self._usage))
            return True
        message = line.message
        if message is not None:
            if message.thinking:
                # A server that splits off the thinking itself leaves no tags in the content.
                self.flush(out)
                self._text("".join(message.thinking), out, reasoning=True)
            if message.content:
                self._content(message.content, out)
            if message.tool_calls:
                self.flush(out)
                for call in message.tool_calls:
                    self._call(call, out)
        if line.done:
            self._usage = _usage(_counts.decode(payload))
            self.flush(out)
            out.append(self._end(line.done_reason or ""))
        return line.done

    def flush(self, out: list[ModelEvent]) -> None:
        """Give out text that was held back as the possible beginning of a tag."""
        if self._tags is not None:
            for reasoning, text in self._tags.close():
                self._text(text, out, reasoning=reasoning)
            self._tags = None

    def finish(self, out: list[ModelEvent]) -> bool:
        """Return False: the line that is `done` ends a response where it is read."""
        return False

    def _content(self, content: str, out: list[ModelEvent]) -> None:
        if self._tags is None:
            self._text(content, out, reasoning=False)
            return
        for reasoning, text in self._tags.feed(content):
            self._text(text, out, reasoning=reasoning)

    def _text(self, text: str, out: list[ModelEvent], *, reasoning: bool) -> None:
        if not text:
            return
        if reasoning:
            self._reasoning.append(text)
            out.append(ReasoningText(text=text))
        else:
            self._answer.append(text)
            out.append(AnswerText(text=text))

    def _call(self, call: _Call, out: list[ModelEvent]) -> None:
        self._budget.begin()
        name = tool_name(call.function.name)
        call_id = self._ids.unique(call.id or f"call_{len(self._calls)}")
        arguments = assembled([text_or_compact(call.function.arguments)])
        self._budget.add(len(arguments))
        kept: dict[str, object] = {
            "function": {"name": name, "arguments": arguments_object(arguments)}
        }
        if call.id:
            kept["id"] = call_id
        self._calls.append(kept)
        out.append(ToolCallOpened(tool_call_id=call_id, name=name))
        out.append(ToolCall(tool_call_id=call_id, name=name, arguments=arguments))

    def _end(self, raw: str) -> ModelFinished | ModelFailed:
        if malformed(raw) or raw == "error":
            said = MALFORMED if malformed(raw) else "The provider broke the answer off"
            return ModelFailed(
                "provider_stream_cut", f"{said} ({raw}).", retryable=True, usage=self._usage
            )
        return self._finished(raw)

    def _finished(self, raw: str) -> ModelFinished:
        message: dict[str, object] = {"role": "assistant", "content": "".join(self._answer)}
        if self._reasoning:
            message["thinking"] = "".join(self._reasoning)
        if self._calls:
            message["tool_calls"] = self._calls
        reason: FinishReason = "tool_calls" if self._calls else "stop"
        return ModelFinished(
            finish_reason="length" if raw == "length" else reason,
            raw_finish_reason=raw,
            reasoning_status="shown" if self._reasoning else "none",
            usage=self._usage,
            native=Native(origin=self._origin, payload=msgspec.Raw(msgspec.json.encode(message))),
        )


def _usage(counts: _Counts) -> Usage | None:
    raw = {
        name: value for name, value in msgspec.structs.asdict(counts).items() if value is not None
    }
    if counts.prompt_eval_count is None and counts.eval_count is None:
        return None
    return Usage(
        input_tokens=counts.prompt_eval_count or 0,
        output_tokens=counts.eval_count or 0,
        raw=raw,
    )
