"""Encodes log events for clients, lossless except for fields that must not be sent."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.errors import NotFound
from thinkaloud.events import codec
from thinkaloud.events.event import (
    AnswerDelta,
    Attachment,
    LoggedEvent,
    ModelResponded,
    RunCheckpoint,
    RunStarted,
    ToolEnded,
)
from thinkaloud.runtime.log.entry import Entry
from thinkaloud.runtime.log.follower import Snapshot
from thinkaloud.runtime.run_stream import view_of
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.log.lines import LogError, LogFailure, LogSnapshot
from thinkaloud.server.wires.policy import view_without_reasoning, without_reasoning
from thinkaloud.server.wires.wire import RunLookup

LogForm = Literal["ndjson", "sse"]
_replace: Final = msgspec.structs.replace


class LogWire:
    """The log as NDJSON or Server-Sent Events, with or without reasoning (P7).

    Omits the provider's own payload (`native`), the content of attachments and images of tools. It is stateless, so
    it is its own encoder.
    """

    __slots__ = ("_frame", "_reasoning", "_sse", "name")

    def __init__(self, form: LogForm, *, reasoning: bool) -> None:
        self.name = f"log.{form}.{'reasoning' if reasoning else 'plain'}"
        self._sse = form == "sse"
        self._reasoning = reasoning
        self._frame: Callable[[LoggedEvent], bytes | None] = self._event

    def encoder(self) -> "LogWire":
        """Return an encoder for a new stream."""
        return self

    def encode(self, entry: Entry, /) -> bytes | None:
        """Return the line of an event; None if it is reasoning and this stream excludes it."""
        return entry.frame(self.name, self._frame)

    async def boundary(self, entry: Entry, runs: RunLookup, /) -> Sequence[bytes]:
        """Return the line of a run's first or last event, encoded like any other."""
        frame = entry.frame(self.name, self._frame)
        return () if frame is None else (frame,)

    def snapshot(self, snapshot: Snapshot, run_id: str | None, /) -> bytes | None:
        """Return a line that replaces missed events; None if the client has missed none."""
        view = None if snapshot.exact else view_of(snapshot, run_id)
        if view is None:
            return None
        if not self._reasoning:
            view = view_without_reasoning(view)
        line = LogSnapshot(snapshot.seq, view.conversation_id, view)
        return self._line(msgspec.json.encode(line), snapshot.seq)

    def deleted(self, conversation_id: str, run_id: str | None, /) -> bytes | None:
        """Return the line that ends a stream whose conversation was deleted."""
        error = LogError(NotFound.code, "The conversation was deleted.")
        line = LogFailure(conversation_id, error, run_id or "")
        return self._line(msgspec.json.encode(line), None)

    def _event(self, logged: LoggedEvent) -> bytes | None:
        shown = shown_event(logged, reasoning=self._reasoning)
        return None if shown is None else self._line(codec.encode(shown), shown.seq)

    def _line(self, data: bytes, seq: int | None) -> bytes:
        data = on_one_line(data)
        if not self._sse:
            return data + b"\n"
        return b"data: %s\n\n" % data if seq is None else b"id: %d\ndata: %s\n\n" % (seq, data)


def shown_event(logged: LoggedEvent, *, reasoning: bool) -> LoggedEvent | None:
    """Return an event without the fields withheld from clients; None to omit it."""
    event = logged.event
    if type(event) is AnswerDelta:
        return logged
    found = event if reasoning else without_reasoning(event)
    if found is None:
        return None
    if isinstance(found, ModelResponded):
        found = _replace(found, native=None)
    elif isinstance(found, RunCheckpoint):
        found = _replace(found, spec="")
    elif isinstance(found, ToolEnded) and found.images:
        found = _replace(found, images=())
    elif isinstance(found, RunStarted) and found.attachments:
        found = _replace(found, attachments=tuple(map(_label, found.attachments)))
    return logged if found is event else _replace(logged, event=found)


def _label(attachment: Attachment) -> Attachment:
    """Return an attachment without its content: name, type and size only."""
    return _replace(attachment, text="", base64="")


_WIRES: Final[dict[tuple[LogForm, bool], LogWire]] = {
    (form, reasoning): LogWire(form, reasoning=reasoning)
    for form in ("ndjson", "sse")
    for reasoning in (False, True)
}


def log_wire(form: LogForm, *, reasoning: bool) -> LogWire:
    """Return the shared wire for this form and policy."""
    return _WIRES[form, reasoning]
