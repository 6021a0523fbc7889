"""Decodes Ollama's chat responses: one JSON object per line.

Source: https://docs.ollama.com/api/chat
"""

import msgspec

from thinkaloud.core.parsers.inline import split
from thinkaloud.core.parsers.inline_state import Inline
from thinkaloud.events.model import (
    AnswerText,
    FinishReason,
    ModelEvent,
    ModelFailed,
    ModelFinished,
    Origin,
    ProviderPayload,
    ReasoningText,
    ToolCall,
    ToolCallOpened,
    Usage,
)
from thinkaloud.providers.dialects.faults import names_error
from thinkaloud.providers.dialects.http_errors import Refusal
from thinkaloud.providers.dialects.ollama_chat.errors import in_stream
from thinkaloud.providers.dialects.outcomes import MALFORMED, malformed
from thinkaloud.providers.dialects.raw_json import arguments_object, text_or_compact
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
        "_inline",
        "_origin",
        "_reasoning",
        "_usage",
    )

    def __init__(self, origin: Origin, inline: Inline) -> None:
        self._origin = origin
        self._inline = inline
        self._reasoning: list[str] = []
        self._answer: list[str] = []
        self._budget = CallBudget()
        self._ids = CallIds()
        self._calls: list[dict[str, object]] = []
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """The usage of the last line. Ollama counts thinking only as part of the output."""
        return self._usage

    def read(self, payload: bytes, out: list[ModelEvent], name: bytes = b"") -> bool:
        """Read one line, or the single object of a response that was not streamed."""
        if name and names_error(name):
            raise msgspec.ValidationError("the line reports an error")
        line = _line.decode(payload)
        if line.error is not None:
            out.append(in_stream(line.error, self._usage))
            return True
        message = line.message
        if message is not None:
            if message.thinking:
                thinking = "".join(message.thinking)
                self._reasoning.append(thinking)
                out.append(ReasoningText(thinking))
            if message.content:
                self._answer.append(message.content)
                out.append(AnswerText(message.content))
            for call in message.tool_calls or ():
                self._call(call, out)
        if line.done:
            self._usage = _usage(_counts.decode(payload))
            out.append(self._end(line.done_reason or ""))
        return line.done

    def flush(self, out: list[ModelEvent]) -> None:
        """Do nothing, as no text is buffered here."""

    def finish(self, out: list[ModelEvent]) -> bool:
        """Return False: `read` ends the response at the line with `done`."""
        return False

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
            reason = MALFORMED if malformed(raw) else "The provider cut the answer off"
            return ModelFailed(
                "provider_stream_cut", f"{reason} ({raw}).", retryable=True, usage=self._usage
            )
        return self._finished(raw)

    def _finished(self, raw: str) -> ModelFinished:
        reasoning, answer = "".join(self._reasoning), "".join(self._answer)
        if not reasoning:
            reasoning, answer = split(answer, self._inline)
        message: dict[str, object] = {"role": "assistant", "content": answer}
        if reasoning:
            message["thinking"] = reasoning
        if self._calls:
            message["tool_calls"] = self._calls
        reason: FinishReason = "tool_calls" if self._calls else "stop"
        return ModelFinished(
            finish_reason="length" if raw == "length" else reason,
            raw_finish_reason=raw,
            reasoning_status="shown" if self._reasoning else "none",
            usage=self._usage,
            native=ProviderPayload(
                origin=self._origin, payload=msgspec.Raw(msgspec.json.encode(message))
            ),
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
