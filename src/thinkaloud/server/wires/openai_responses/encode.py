"""The stream of a response: the events of a run as OpenAI's stream events."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final

import msgspec

from thinkaloud.core.delta_offsets import unpack
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    LoggedEvent,
    ReasoningDelta,
    ReasoningEnded,
    RunEnded,
    RunStarted,
    ToolEnded,
    ToolRequested,
    ToolStarted,
)
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.openai_responses.objects import (
    Echo,
    Item,
    MessageItem,
    ResponseError,
    ResponseObject,
    Shown,
    TextPart,
    function_call,
    item_id,
    queued_response,
    reasoning_item,
    response_of,
    server_call,
)
from thinkaloud.server.wires.openai_responses.parts import OpenPart, part_of
from thinkaloud.server.wires.wire import RunLookup

_encode: Final = msgspec.json.Encoder().encode
_GAP: Final = "Some events of the response were lost."
_DELETED: Final = "The response was deleted."
_FINAL: Final = {"completed": "completed", "failed": "failed"}
"""The last event, by the status of the response; `incomplete` for the others."""


class ResponsesWire:
    """The wire of one streamed response.

    `starting_after` is the last `sequence_number` that the client has.
    """

    name = "openai.responses"

    def __init__(self, echo: Echo, shown: Shown, starting_after: int = -1) -> None:
        self._echo = echo
        self._shown = shown
        self._after = starting_after

    def encoder(self) -> "ResponsesEncoder":
        """Return an encoder for a new stream."""
        return ResponsesEncoder(self._echo, self._shown, self._after)


class ResponsesEncoder:
    """Encodes the events of a run, from its start, as Server-Sent Events.

    A delta has the same `sequence_number` in each stream of the run, although the log coalesces
    deltas: coalesced ones are split again.
    """

    def __init__(self, echo: Echo, shown: Shown, starting_after: int) -> None:
        self._echo = echo
        self._shown = shown
        self._after = starting_after
        self._number = 0
        """The `sequence_number` of the next event."""
        self._output_index = 0
        """The index of the open item, or of the next one."""
        self._run_id = ""
        self._begun: ResponseObject | None = None
        self._open: OpenPart | None = None
        self._calls = 0
        self._running: dict[str, tuple[int, int, ToolStarted]] = {}
        """The output index and the number of the server's calls that are running."""

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the events of a logged event; None if this protocol has none for it."""
        event = entry.logged.event
        frame = b""
        if isinstance(event, AnswerDelta):
            frame = self._delta(entry, event, 0)
        elif isinstance(event, ReasoningDelta):
            if self._shown.items:
                frame = self._delta(entry, event, event.part)
        elif isinstance(event, AnswerEnded | ReasoningEnded):
            frame = self._close(interrupted=event.interrupted)
        elif isinstance(event, ToolRequested):
            frame = self._close() + self._requested(event)
        elif isinstance(event, ToolStarted):
            frame = self._close() + self._started(event)
        elif isinstance(event, ToolEnded):
            frame = self._ended(event)
        return frame or None

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the first or the last events of the run."""
        event = entry.logged.event
        if isinstance(event, RunStarted):
            return [self._start(entry.logged, event)]
        if not isinstance(event, RunEnded):
            return ()
        run = await runs.fold(entry.logged.run_id)
        if run is None:
            return [self._failed(_DELETED)]
        response = response_of(run, self._echo, self._shown)
        last = _FINAL.get(response.status, "incomplete")
        interrupted = event.status in {"failed", "stopped"}
        return [
            self._close(interrupted=interrupted)
            + self._event(f"response.{last}", {"response": response})
        ]

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return a failure: events can only be appended to."""
        del snapshot, run_id
        return self._failed(_GAP)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the failure that ends the stream of a deleted response."""
        del conversation_id, run_id
        return self._failed(_DELETED)

    def _start(self, logged: LoggedEvent, event: RunStarted) -> bytes:
        self._run_id = logged.run_id
        queued = queued_response(logged.run_id, event.model, logged.at_ms, self._echo)
        self._begun = active = msgspec.structs.replace(queued, status="in_progress")
        first = b""
        if self._echo.background:
            first = self._event("response.created", {"response": queued})
            first += self._event("response.queued", {"response": queued})
        else:
            first = self._event("response.created", {"response": active})
        return first + self._event("response.in_progress", {"response": active})

    def _delta(self, entry: Entry, event: AnswerDelta | ReasoningDelta, part: int) -> bytes:
        before = b""
        now = self._open
        if now is None or now.segment_id != event.segment_id:
            before = self._close() + self._open_item(event)
            now = self._open
        assert now is not None
        if not now.shows_text:
            return before
        if now.part != part or not now.in_part:
            if now.in_part:
                before += b"".join(self._event(*each) for each in now.end())
            now.begin(part)
            before += self._event(f"response.{now.part_name}.added", now.added())
        now.pieces.append(event.text)
        frames = [before]
        for text, numbers in _pieces(entry, event.text):
            self._number += numbers - 1
            if self._number > self._after:
                data = _encode(text)
                data = data if data.isascii() else on_one_line(data)
                frames.append(b"%b%d,%b%b}\n\n" % (now.head, self._number, now.key, data))
            self._number += 1
        return b"".join(frames)

    def _open_item(self, event: AnswerDelta | ReasoningDelta) -> bytes:
        answer = isinstance(event, AnswerDelta)
        name = item_id("msg" if answer else "rs", self._run_id, event.segment_id)
        kind = "text" if answer else self._shown.reasoning
        self._open = part_of(kind, name, event.segment_id, self._output_index, answer=answer)
        item: Item = (
            MessageItem(id=name, status="in_progress")
            if answer
            else reasoning_item(name, (), self._shown, "in_progress")
        )
        return self._item("added", self._output_index, item)

    def _close(self, *, interrupted: bool = False) -> bytes:
        now = self._open
        if now is None:
            return b""
        self._open = None
        before = b"".join(self._event(*each) for each in now.end()) if now.in_part else b""
        status = "incomplete" if interrupted else "completed"
        item: Item
        if now.answer:
            content = (TextPart("".join(now.texts)),)
            item = MessageItem(id=now.item_id, status=status, content=content)
        else:
            item = reasoning_item(now.item_id, now.texts, self._shown, status)
        self._output_index += 1
        return before + self._item("done", self._output_index - 1, item)

    def _requested(self, event: ToolRequested) -> bytes:
        self._calls += 1
        index = self._output_index
        self._output_index += 1
        call = function_call(
            self._run_id, self._calls, event.tool_call_id, event.name, event.arguments
        )
        begun = msgspec.structs.replace(call, arguments="", status="in_progress")
        place = {"item_id": call.id, "output_index": index}
        kind = "response.function_call_arguments"
        done = {**place, "name": call.name, "arguments": call.arguments}
        return (
            self._item("added", index, begun)
            + self._event(f"{kind}.delta", {**place, "delta": call.arguments})
            + self._event(f"{kind}.done", done)
            + self._item("done", index, call)
        )

    def _started(self, event: ToolStarted) -> bytes:
        self._calls += 1
        index = self._output_index
        self._output_index += 1
        self._running[event.tool_call_id] = (index, self._calls, event)
        call = server_call(self._run_id, self._calls, event.name, event.arguments, None)
        place = {"item_id": call.id, "output_index": index}
        return (
            self._item("added", index, msgspec.structs.replace(call, arguments=""))
            + self._event("response.mcp_call.in_progress", place)
            + self._event(
                "response.mcp_call_arguments.done", {**place, "arguments": call.arguments}
            )
        )

    def _ended(self, event: ToolEnded) -> bytes:
        found = self._running.pop(event.tool_call_id, None)
        if found is None:
            return b""
        index, number, begun = found
        ended = (event.status == "ok", event.result)
        call = server_call(self._run_id, number, begun.name, begun.arguments, ended)
        place = {"item_id": call.id, "output_index": index}
        return self._event(f"response.mcp_call.{call.status}", place) + self._item(
            "done", index, call
        )

    def _failed(self, message: str) -> bytes:
        if self._begun is None:
            error = {"code": "server_error", "message": message, "param": None}
            return self._event("error", error)
        error = ResponseError("server_error", message)
        response = msgspec.structs.replace(self._begun, status="failed", error=error)
        return self._event("response.failed", {"response": response})

    def _item(self, change: str, index: int, item: Item) -> bytes:
        return self._event(f"response.output_item.{change}", {"output_index": index, "item": item})

    def _event(self, kind: str, members: Mapping[str, object]) -> bytes:
        """Return the next event; nothing if the client has it."""
        number = self._number
        self._number += 1
        if number <= self._after:
            return b""
        data = _encode({"type": kind, "sequence_number": number, **members})
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), on_one_line(data))


def _pieces(entry: Entry, text: str) -> Sequence[tuple[str, int]]:
    """Return the texts of the deltas that were coalesced, each with how many numbers it takes.

    A delta whose lengths are unknown is one piece, with the numbers of all its deltas.
    """
    count = entry.logged.seq - entry.first_seq + 1
    if count == 1:
        return ((text, 1),)
    ends = [0, *accumulate(unpack(entry.lengths))]
    if len(ends) != count + 1 or ends[-1] != len(text):
        return ((text, count),)
    return [(text[start:end], 1) for start, end in pairwise(ends)]
