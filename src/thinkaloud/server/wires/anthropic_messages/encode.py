"""Streamed messages: the events of a run as content blocks, in order and one at a time.

Source: Claude API reference, "Streaming messages".
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.errors import NotFound
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    LoggedEvent,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunError,
    RunStarted,
    ToolEnded,
    ToolRequested,
    ToolStarted,
)
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.server.wires.anthropic_messages.blocks import (
    Block,
    Message,
    Shown,
    Text,
    Thinking,
    message_id,
    server_tool_result,
    server_tool_use,
    stop_reason,
    tool_use,
    usage_of,
)
from thinkaloud.server.wires.anthropic_messages.errors import error_event
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.wire import RunLookup

_encode: Final = msgspec.json.Encoder().encode
_GAP: Final = RunError("interrupted", "Some events of the response were lost.", retryable=True)
_PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class MessageWire:
    """The wire of one streamed message."""

    def __init__(self, shown: Shown) -> None:
        # Its frames are not shared: indexes and signatures are those of one stream.
        self.name = f"anthropic.messages.{'plain' if shown.sign is None else 'reasoning'}"
        self._shown = shown

    def encoder(self) -> "MessageEncoder":
        """Return an encoder for a new stream."""
        return MessageEncoder(self._shown)


class MessageEncoder:
    """Encodes the events of a run as Server-Sent Events."""

    def __init__(self, shown: Shown) -> None:
        self._sign = shown.sign
        self._server_tools = shown.server_tools
        self._model = ""
        self._index = 0
        """The index of the open block, or of the next one."""
        self._open: str | None = None
        """The segment of the open block."""
        self._head = b""
        """The start of a delta of the open block, up to the text."""
        self._thoughts: list[str] = []
        """The deltas of the open block, if it is reasoning: they will be signed."""
        self._called = False

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the frames of an event; None if this protocol has none for it."""
        event = entry.logged.event
        if isinstance(event, AnswerDelta):
            return self._text(event)
        if isinstance(event, ReasoningDelta):
            return None if self._sign is None else self._thinking(event)
        if isinstance(event, AnswerEnded | ReasoningEnded):
            return self._close() if event.segment_id == self._open else None
        if isinstance(event, ToolRequested):
            return self._close() + self._request(event)
        if isinstance(event, ToolStarted | ToolEnded):
            return self._server_tool(event) if self._server_tools else None
        return None

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the first frames of the run or the last ones."""
        del runs
        event = entry.logged.event
        if isinstance(event, RunStarted):
            return [self._start(entry.logged, event), _PING]
        return [self._end(event)] if isinstance(event, RunEnded) else ()

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return an error: blocks can only be appended to."""
        del snapshot, run_id
        return _event(b"error", error_event(_GAP))

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the error that ends the stream of a deleted conversation."""
        del conversation_id, run_id
        deleted = RunError(NotFound.code, "The conversation was deleted.")
        return _event(b"error", error_event(deleted))

    def _start(self, logged: LoggedEvent, event: RunStarted) -> bytes:
        self._model = event.model
        message = Message(
            id=message_id(logged.run_id),
            model=event.model,
            content=(),
            stop_reason=None,
            usage=usage_of(None),
        )
        data = _encode({"type": "message_start", "message": message})
        return _event(b"message_start", data)

    def _text(self, event: AnswerDelta) -> bytes:
        if event.segment_id == self._open:
            return self._delta(event.text)
        started = self._begin(event.segment_id, Text(""), b'"text_delta","text":')
        return started + self._delta(event.text)

    def _thinking(self, event: ReasoningDelta) -> bytes:
        if event.segment_id == self._open:
            self._thoughts.append(event.text)
            return self._delta(event.text)
        started = self._begin(event.segment_id, Thinking("", ""), b'"thinking_delta","thinking":')
        self._thoughts = [event.text]
        return started + self._delta(event.text)

    def _begin(self, segment_id: str, block: Block, delta: bytes) -> bytes:
        frames = self._close() + _block_start(self._index, block)
        self._open = segment_id
        self._head = (
            b"event: content_block_delta\n"
            b'data: {"type":"content_block_delta","index":%d,"delta":{"type":%b'
            % (self._index, delta)
        )
        return frames

    def _delta(self, text: str) -> bytes:
        data = _encode(text)
        if not data.isascii():
            data = on_one_line(data)
        return b"%b%b}}\n\n" % (self._head, data)

    def _close(self) -> bytes:
        """End the open block, if any, with its signature if it is reasoning."""
        if self._open is None:
            return b""
        frames = b""
        if self._thoughts and self._sign is not None:
            signature = self._sign(self._model, "".join(self._thoughts))
            frames = _block_delta(self._index, {"type": "signature_delta", "signature": signature})
        self._open, self._thoughts = None, []
        return frames + self._stop_block()

    def _stop_block(self) -> bytes:
        self._index += 1
        return _block_stop(self._index - 1)

    def _server_tool(self, event: ToolStarted | ToolEnded) -> bytes:
        if isinstance(event, ToolStarted):
            block = server_tool_use(event.tool_call_id, event.name, event.arguments)
        else:
            block = server_tool_result(event.tool_call_id, event.status, event.result)
        # In this order: closing a block changes the index.
        closed = self._close()
        return closed + _block_start(self._index, block) + self._stop_block()

    def _request(self, event: ToolRequested) -> bytes:
        self._called = True
        call = tool_use(event.tool_call_id, event.name, event.arguments)
        text = _encode(call.input).decode()
        begun = _block_start(self._index, msgspec.structs.replace(call, input={}))
        delta = _block_delta(self._index, {"type": "input_json_delta", "partial_json": text})
        return begun + delta + self._stop_block()

    def _end(self, event: RunEnded) -> bytes:
        """Return the stop reason and the usage; or an error, after which no block is ended."""
        if event.error is not None:
            return _event(b"error", error_event(event.error))
        reason = stop_reason(event, called=self._called)
        data = {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": usage_of(event.usage),
        }
        return b"".join((self._close(), _event(b"message_delta", _encode(data)), _STOP))


def _block_start(index: int, block: Block) -> bytes:
    data = {"type": "content_block_start", "index": index, "content_block": block}
    return _event(b"content_block_start", _encode(data))


def _block_delta(index: int, delta: object) -> bytes:
    data = {"type": "content_block_delta", "index": index, "delta": delta}
    return _event(b"content_block_delta", _encode(data))


def _block_stop(index: int) -> bytes:
    return _event(b"content_block_stop", _encode({"type": "content_block_stop", "index": index}))


def _event(name: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, on_one_line(data))
