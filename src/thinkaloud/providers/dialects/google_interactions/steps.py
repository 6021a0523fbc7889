"""Collects the steps of an interaction while streaming, in the format to send back.

Source: https://ai.google.dev/api/interactions-api
"""

import msgspec

from thinkaloud.events.model import ModelEvent, ToolCall, ToolCallOpened
from thinkaloud.providers.dialects.raw_json import (
    ABSENT,
    arguments_object,
    array_of,
    text_or_compact,
)
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, assembled, tool_name

Fields = dict[str, msgspec.Raw]

# Before `Api-Revision: 2026-05-20` the answer's text was a separate block.
_NAMES = {"text": "model_output"}


class TextItem(msgspec.Struct, omit_defaults=True):
    """A piece of text or, depending on `type`, of other content that is kept unchanged."""

    type: str = "text"
    text: str | None = None


class StepStart(msgspec.Struct):
    """The fields of a step that are read; the others are preserved."""

    type: str
    id: str | None = None
    name: str | None = None
    signature: str | None = None
    arguments: msgspec.Raw = ABSENT
    summary: list[TextItem] | None = None
    content: list[TextItem] | None = None
    text: str | None = None


class Step:
    """One step: its start, and the content of its deltas."""

    __slots__ = (
        "_arguments",
        "_done",
        "_fields",
        "_texts",
        "announced",
        "call_id",
        "kind",
        "name",
        "stopped",
        "whole",
    )

    def __init__(self, start: StepStart, fields: Fields) -> None:
        self.kind = _NAMES.get(start.type, start.type)
        self.call_id = start.id
        self.name = tool_name(start.name) if start.name else None
        self.whole = msgspec.Raw(bytes(start.arguments))
        self.announced = False
        self.stopped = False
        # Copies, because a raw value is a view that keeps its whole event in memory.
        self._fields: Fields = {
            key: msgspec.Raw(bytes(value)) for key, value in fields.items() if bytes(value) != b'""'
        }
        self._texts: list[str] = []
        self._arguments: list[str] = []
        self._done: list[bytes] = []

    def add_text(self, text: str) -> None:
        """Append to the text or the summary."""
        self._texts.append(text)

    def add_item(self, raw: msgspec.Raw) -> None:
        """Append content other than text."""
        self._close_run()
        self._done.append(bytes(raw))

    def add_arguments(self, text: str) -> None:
        """Append to the text of a call's arguments."""
        self._arguments.append(text)

    def put(self, fields: Fields) -> None:
        """Set these fields; an empty string never replaces a value."""
        for key, value in fields.items():
            if key != "type" and bytes(value) != b'""':
                self._fields[key] = msgspec.Raw(bytes(value))

    @property
    def arguments(self) -> str:
        """The arguments as received."""
        if self._arguments:
            return assembled(self._arguments)
        return assembled([text_or_compact(self.whole)])

    def payload(self) -> bytes:
        """Return the step to send back."""
        fields: dict[str, object] = {"type": self.kind}
        fields.update((key, value) for key, value in self._fields.items() if key != "type")
        match self.kind:
            case "thought":
                self._items("summary", fields)
            case "model_output":
                fields.pop("text", None)
                self._items("content", fields)
            case "function_call":
                # A result must name its call, so a generated id is sent back too.
                fields["id"] = self.call_id
                if self.name:
                    fields["name"] = self.name
                fields["arguments"] = arguments_object(self.arguments)
            case _:
                pass
        return msgspec.json.encode(fields)

    def _items(self, key: str, fields: dict[str, object]) -> None:
        """Set the items in order, including those of the start event."""
        fields.pop(key, None)
        self._close_run()
        if self._done:
            fields[key] = array_of(self._done)

    def _close_run(self) -> None:
        text = "".join(self._texts)
        self._texts.clear()
        if text:
            self._done.append(msgspec.json.encode({"type": "text", "text": text}))


class CallQueue:
    """The tool calls of a response, emitted in the order in which they started."""

    __slots__ = ("_budget", "_ids", "_open", "count")

    def __init__(self) -> None:
        self._budget = CallBudget()
        self._ids = CallIds()
        self._open: list[Step] = []
        self.count = 0

    def begin(self, step: Step, out: list[ModelEvent]) -> None:
        """Add a call, and emit its opening once its name is known."""
        if step not in self._open:
            self._budget.begin()
            self._budget.add(len(bytes(step.whole)))
            self._open.append(step)
        if not step.name or step.announced:
            return
        step.announced = True
        step.call_id = self._ids.unique(step.call_id or f"call_{self.count}")
        self.count += 1
        out.append(ToolCallOpened(tool_call_id=step.call_id, name=step.name))

    def append_arguments(self, step: Step, text: str) -> None:
        """Append to the text of a call's arguments. Raises `TooManyCalls`."""
        self._budget.add(len(text))
        step.add_arguments(text)

    def end(self, out: list[ModelEvent], *, all_of_them: bool = False) -> None:
        """Emit the calls that are complete.

        Raises `msgspec.ValidationError` if a call has no name.
        """
        while self._open and (all_of_them or self._open[0].stopped):
            step = self._open.pop(0)
            if not step.name or not step.call_id:
                raise msgspec.ValidationError("a tool call has no name")
            out.append(
                ToolCall(tool_call_id=step.call_id, name=step.name, arguments=step.arguments)
            )
