"""Responses of Chat Completions: complete, or as the chunks of a stream."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.errors import NotFound
from thinkaloud.events.event import (
    AnswerDelta,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunError,
    RunStarted,
    ToolRequested,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import Usage
from thinkaloud.events.view import ToolBlock
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.openai_chat.errors import error_event
from thinkaloud.server.wires.wire import RunLookup

ReasoningField = Literal["reasoning_content", "reasoning"]
FinishReason = Literal["stop", "length", "tool_calls"]

_encode: Final = msgspec.json.Encoder().encode
_UNSET: Final = msgspec.UNSET
_DONE: Final = b"data: [DONE]\n\n"
_GAP: Final = RunError("interrupted", "Some events of the response were lost.", retryable=True)


class CalledFunction(msgspec.Struct, frozen=True):
    """The function of a tool call; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the client's tool. Only chunks have an `index`."""

    index: int | msgspec.UnsetType = _UNSET
    id: str
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The response. At most one of the fields for reasoning is present, and never empty."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    reasoning_content: str | msgspec.UnsetType = _UNSET
    reasoning: str | msgspec.UnsetType = _UNSET
    tool_calls: tuple[ToolCall, ...] | msgspec.UnsetType = _UNSET


class Choice(msgspec.Struct, frozen=True):
    """The only choice."""

    index: int
    message: Message
    finish_reason: FinishReason
    logprobs: None = None


class PromptDetails(msgspec.Struct, frozen=True):
    """Parts of the prompt's tokens."""

    cached_tokens: int


class CompletionDetails(msgspec.Struct, frozen=True):
    """Parts of the completion's tokens."""

    reasoning_tokens: int


class CompletionUsage(msgspec.Struct, frozen=True):
    """Token counts of all model calls of the run. Reasoning is part of the completion."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails


class ChatCompletion(msgspec.Struct, frozen=True):
    """A complete response."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    usage: CompletionUsage | msgspec.UnsetType
    object: Literal["chat.completion"] = "chat.completion"


def completion(run: RunFold, field: ReasoningField | None) -> ChatCompletion:
    """Return the response of a run. `field` is where its reasoning goes; None: nowhere."""
    view = run.view()
    calls = tuple(
        ToolCall(id=block.tool_call_id, function=_function(block.name, block.arguments))
        for block in view.blocks
        if isinstance(block, ToolBlock) and block.status == "requested"
    )
    reasoning = view.reasoning if field is not None else ""
    message = Message(
        content=view.response or (None if calls else ""),
        reasoning_content=reasoning if reasoning and field == "reasoning_content" else _UNSET,
        reasoning=reasoning if reasoning and field == "reasoning" else _UNSET,
        tool_calls=calls or _UNSET,
    )
    return ChatCompletion(
        _id(view.run_id),
        view.started_at_ms // 1000,
        view.model,
        (Choice(0, message, finish_reason(run.ended, called=bool(calls))),),
        usage_of(view.usage),
    )


def finish_reason(ended: RunEnded | None, *, called: bool) -> FinishReason:
    """Return why a run ended. `called`: it returned calls of the client's tools."""
    if ended is not None and ended.outcome is not None:
        cut = ended.outcome.code in {"output_limit", "output_limit_in_reasoning"}
        return "length" if cut else "stop"
    if ended is not None and ended.status == "max_iterations":
        return "length"
    return "tool_calls" if called else "stop"


def usage_of(usage: Usage | None) -> CompletionUsage | msgspec.UnsetType:
    """Return the token counts; UNSET if the provider gave none."""
    if usage is None:
        return _UNSET
    return CompletionUsage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        PromptDetails(usage.cache_read_tokens or 0),
        CompletionDetails(usage.reasoning_tokens or 0),
    )


class ChunkWire:
    """The wire of one streamed response."""

    def __init__(self, field: ReasoningField | None, *, include_usage: bool) -> None:
        self._field: ReasoningField | None = field
        self._usage = include_usage

    @property
    def name(self) -> str:
        """A name for the wire. Its frames are not shared: each has the id of its run."""
        return f"openai.chat.{self._field or 'plain'}"

    def encoder(self) -> "ChunkEncoder":
        """Return an encoder for a new stream."""
        return ChunkEncoder(self._field, include_usage=self._usage)


class ChunkEncoder:
    """Encodes the events of a run as chunks, each a Server-Sent Event."""

    def __init__(self, field: ReasoningField | None, *, include_usage: bool) -> None:
        self._field = field
        self._include_usage = include_usage
        self._calls = 0
        self._head = b""
        self._begun = False
        self._answer = self._reasoning = b""
        """The start of a chunk, up to the text."""

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the chunk of an event; None if this protocol has none for it."""
        event = entry.logged.event
        if isinstance(event, AnswerDelta):
            chunk = self._text(self._answer, event.text)
        elif isinstance(event, ReasoningDelta):
            if self._field is None:
                return None
            chunk = self._text(self._reasoning, event.text)
        elif isinstance(event, ToolRequested):
            chunk = self._call(event)
        else:
            return None
        if self._begun:
            return chunk
        self._begun = True
        return self._role() + chunk

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Remember the first event of the run; return the last chunks for its last one."""
        del runs
        event = entry.logged.event
        if isinstance(event, RunStarted):
            self._start(entry.logged, event)
            return ()
        return [self._end(event)] if isinstance(event, RunEnded) else ()

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return an error: chunks can only be appended to."""
        del snapshot, run_id
        return _event(error_event(_GAP))

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends the stream of a deleted conversation."""
        del conversation_id, run_id
        return _event(error_event(RunError(NotFound.code, "The conversation was deleted.")))

    def _start(self, logged: LoggedEvent, event: RunStarted) -> None:
        self._head = (
            b'data: {"id":%b,"object":"chat.completion.chunk","created":%d,"model":%b,"choices":['
            % (_encode(_id(logged.run_id)), logged.at_ms // 1000, on_one_line(_encode(event.model)))
        )
        self._answer = self._head + b'{"index":0,"delta":{"content":'
        field = (self._field or "").encode()
        self._reasoning = self._head + b'{"index":0,"delta":{"%b":' % field

    def _role(self) -> bytes:
        delta = b'{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
        return self._head + delta

    def _text(self, start: bytes, text: str) -> bytes:
        data = _encode(text)
        if not data.isascii():
            data = on_one_line(data)
        return b'%b%b},"finish_reason":null}]}\n\n' % (start, data)

    def _call(self, event: ToolRequested) -> bytes:
        function = _function(event.name, event.arguments)
        call = ToolCall(index=self._calls, id=event.tool_call_id, function=function)
        self._calls += 1
        return b'%b{"index":0,"delta":{"tool_calls":[%b]},"finish_reason":null}]}\n\n' % (
            self._head,
            on_one_line(_encode(call)),
        )

    def _end(self, event: RunEnded) -> bytes:
        """Return the finish reason, the usage if requested, and the end marker; or an error."""
        if event.error is not None:
            return _event(error_event(event.error))
        reason = finish_reason(event, called=self._calls > 0)
        frames = [] if self._begun else [self._role()]
        finish = b'{"index":0,"delta":{},"finish_reason":"%b"}]}\n\n' % reason.encode()
        frames.append(self._head + finish)
        usage = usage_of(event.usage)
        if self._include_usage and usage is not _UNSET:
            frames.append(b'%b],"usage":%b}\n\n' % (self._head, _encode(usage)))
        return b"".join([*frames, _DONE])


def _function(name: str, arguments: str) -> CalledFunction:
    # Clients parse the arguments; some models write none for a tool without parameters.
    return CalledFunction(name, arguments or "{}")


def _event(data: bytes) -> bytes:
    return b"data: %b\n\n" % on_one_line(data)


def _id(run_id: str) -> str:
    return f"chatcmpl-{run_id.removeprefix('run_')}"
