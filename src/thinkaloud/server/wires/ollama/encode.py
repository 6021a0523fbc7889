"""Responses of Ollama's chat and generate endpoints: complete, or as the lines of a stream.

Source: https://github.com/ollama/ollama/blob/main/docs/api.md. The lines are ASCII: Ollama's Python
library splits them at every line separator of Unicode.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, cast

import msgspec

from thinkaloud.core.approvals.shown import parsed_arguments
from thinkaloud.events.event import (
    AnswerDelta,
    LoggedEvent,
    ReasoningDelta,
    RunEnded,
    RunStarted,
    ToolRequested,
)
from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import ToolBlock
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.server.wires.wire import RunLookup

Endpoint = Literal["chat", "generate"]

_encode: Final = msgspec.json.Encoder().encode
_UNSET: Final = msgspec.UNSET
_LOST: Final = "Some events of the response were lost."
_DELETED: Final = "The conversation was deleted."
_NS: Final = 1_000_000
"""Nanoseconds in a millisecond."""


class CalledFunction(msgspec.Struct, frozen=True):
    """The function of a tool call."""

    index: int
    name: str
    arguments: object


class Call(msgspec.Struct, frozen=True):
    """A call of the client's tool."""

    id: str
    function: CalledFunction


class Message(msgspec.Struct, frozen=True):
    """The response of the chat endpoint, or a part of it."""

    role: Literal["assistant"]
    content: str
    thinking: str | msgspec.UnsetType = _UNSET
    tool_calls: tuple[Call, ...] | msgspec.UnsetType = _UNSET


class End(msgspec.Struct, frozen=True):
    """What the last line has in addition. Durations are in nanoseconds."""

    done_reason: Literal["stop", "length", "load"]
    total_duration: int
    load_duration: int
    prompt_eval_count: int
    prompt_eval_duration: int
    eval_count: int
    eval_duration: int


def timestamp(unix_ms: int) -> str:
    """Return a time as Ollama writes it."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


def end_of(event: RunEnded) -> End:
    """Return the end of a run. It has no count of reasoning tokens: they are part of the output."""
    timing, usage = event.timing, event.usage
    limits = {"output_limit", "output_limit_in_reasoning"}
    cut = event.status == "max_iterations" or (
        event.outcome is not None and event.outcome.code in limits
    )
    first = min(
        (
            time
            for time in (timing.time_to_first_reasoning_ms, timing.time_to_first_answer_ms)
            if time is not None
        ),
        default=timing.total_ms,
    )
    return End(
        "length" if cut else "stop",
        timing.total_ms * _NS,
        0,
        usage.input_tokens if usage else 0,
        first * _NS,
        usage.output_tokens if usage else 0,
        (timing.total_ms - first) * _NS,
    )


def complete(run: RunFold, model: str, endpoint: Endpoint, *, reasoning: bool) -> bytes:
    """Return the complete response of a run that has ended, as one object."""
    view = run.view()
    calls = [
        _call(number, block.tool_call_id, block.name, block.arguments)
        for number, block in enumerate(
            [
                block
                for block in view.blocks
                if isinstance(block, ToolBlock) and block.status == "requested"
            ]
        )
    ]
    thinking = (view.reasoning or _UNSET) if reasoning else _UNSET
    end = None if run.ended is None else end_of(run.ended)
    return line(
        model,
        view.ended_at_ms or view.started_at_ms,
        _content(endpoint, view.response, thinking, tuple(calls) or _UNSET),
        end,
    ).rstrip(b"\n")


def loaded(model: str, unix_ms: int, endpoint: Endpoint) -> bytes:
    """Return the response to a request without a message, which only loads the model."""
    end = End("load", 0, 0, 0, 0, 0, 0)
    return line(model, unix_ms, _content(endpoint, "", _UNSET, _UNSET), end).rstrip(b"\n")


def heartbeat(model: str, unix_ms: int, endpoint: Endpoint) -> bytes:
    """Return an empty line of a response, which keeps the connection open.

    A blank one would do for NDJSON, but Ollama's Python library fails at it.
    """
    return line(model, unix_ms, _content(endpoint, "", _UNSET, _UNSET), None)


def line(model: str, unix_ms: int, content: Mapping[str, object], end: End | None) -> bytes:
    """Return a line. `end` is None if others follow."""
    body = {"model": model, "created_at": timestamp(unix_ms), **content, "done": end is not None}
    rest = {} if end is None else msgspec.structs.asdict(end)
    return _ascii(_encode({**body, **rest})) + b"\n"


def error_line(message: str) -> bytes:
    """Return the line that reports an error in the middle of a stream, or the body of one before."""
    return _ascii(_encode({"error": message})) + b"\n"


class OllamaWire:
    """The lines of one streamed response. `model` is its name in the request."""

    def __init__(self, model: str, endpoint: Endpoint, *, reasoning: bool) -> None:
        self.name = f"ollama.{endpoint}.{'reasoning' if reasoning else 'plain'}"
        self._model = model
        self._endpoint: Endpoint = endpoint
        self._reasoning = reasoning

    def encoder(self) -> "OllamaEncoder":
        """Return an encoder for a new stream."""
        return OllamaEncoder(self._model, self._endpoint, reasoning=self._reasoning)


class OllamaEncoder:
    """Encodes the events of a run as lines."""

    def __init__(self, model: str, endpoint: Endpoint, *, reasoning: bool) -> None:
        self._model = model
        self._endpoint: Endpoint = endpoint
        self._reasoning = reasoning
        self._calls = 0
        self._answer = self._thought = b""
        """The start of a line, up to the text."""
        self._rest = b'},"done":false}\n' if endpoint == "chat" else b',"done":false}\n'

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the line of an event; None if this protocol has none for it."""
        event = entry.logged.event
        if isinstance(event, AnswerDelta):
            return self._answer + _ascii(_encode(event.text)) + self._rest
        if isinstance(event, ReasoningDelta):
            if not self._reasoning:
                return None
            return self._thought + _ascii(_encode(event.text)) + self._rest
        if isinstance(event, ToolRequested) and self._endpoint == "chat":
            call = _call(self._calls, event.tool_call_id, event.name, event.arguments)
            self._calls += 1
            content = _content("chat", "", _UNSET, (call,))
            return line(self._model, entry.logged.at_ms, content, None)
        return None

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Remember the first event of the run; return the last line for its last one."""
        del runs
        logged, event = entry.logged, entry.logged.event
        if isinstance(event, RunStarted):
            self._start(logged)
            return ()
        if not isinstance(event, RunEnded):
            return ()
        if event.error is not None:
            return [error_line(event.error.message)]
        content = _content(self._endpoint, "", _UNSET, _UNSET)
        return [line(self._model, logged.at_ms, content, end_of(event))]

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return an error: lines can only be appended to."""
        del snapshot, run_id
        return error_line(_LOST)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends the stream of a deleted conversation."""
        del conversation_id, run_id
        return error_line(_DELETED)

    def _start(self, logged: LoggedEvent) -> None:
        # All deltas have the time of the start: formatting it for each token would be wasted.
        head = {"model": self._model, "created_at": timestamp(logged.at_ms)}
        opening = _ascii(_encode(head))[:-1]
        if self._endpoint == "chat":
            self._answer = opening + b',"message":{"role":"assistant","content":'
            self._thought = opening + b',"message":{"role":"assistant","content":"","thinking":'
        else:
            self._answer = opening + b',"response":'
            self._thought = opening + b',"response":"","thinking":'


def _content(
    endpoint: Endpoint,
    text: str,
    thinking: str | msgspec.UnsetType,
    calls: tuple[Call, ...] | msgspec.UnsetType,
) -> Mapping[str, object]:
    if endpoint == "chat":
        return {"message": Message("assistant", text, thinking, calls)}
    found: dict[str, object] = {"response": text}
    return found if thinking is _UNSET else {**found, "thinking": thinking}


def _call(index: int, tool_call_id: str, name: str, arguments: str) -> Call:
    parsed = parsed_arguments(arguments)
    # Clients expect an object.
    given = cast("dict[str, object]", parsed) if isinstance(parsed, dict) else {}
    return Call(tool_call_id, CalledFunction(index, name, given))


def _ascii(data: bytes) -> bytes:
    """Escape everything but ASCII in a JSON text."""
    return data if data.isascii() else json.dumps(json.loads(data)).encode()
