"""Tool calls of one response, emitted when complete, in the order in which they started."""

from thinkaloud.events.model import ModelEvent, ToolCall, ToolCallOpened
from thinkaloud.providers.dialects.openai_responses import wire
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, assembled, tool_name


class Call:
    """A call while it is streamed."""

    __slots__ = ("arguments", "call_id", "cut", "done", "name", "opened", "place", "size")

    def __init__(self) -> None:
        self.place = 0
        """Its position among the calls of the response, from 0."""
        self.name = ""
        self.call_id = ""
        self.arguments: list[str] = []
        self.size = 0
        """Characters of arguments counted so far."""
        self.opened = False
        self.done = False
        self.cut = False
        """Whether the provider reports that it was cut off."""


class Calls:
    """All calls of a response. Methods append the resulting events to `out`."""

    __slots__ = ("_budget", "_calls", "_emitted", "_ids")

    def __init__(self) -> None:
        self._budget = CallBudget()
        self._calls: list[Call] = []
        self._ids = CallIds()
        self._emitted = 0

    @property
    def emitted(self) -> bool:
        """Whether a complete call was emitted."""
        return self._emitted > 0

    def begin(self, call: Call) -> None:
        """Add the next call. Raises `TooManyCalls`."""
        self._budget.begin()
        call.place = len(self._calls)
        self._calls.append(call)

    def append_arguments(self, call: Call, text: str, *, whole: bool = False) -> None:
        """Add a piece of a call's arguments, or set all of them. Raises `TooManyCalls`."""
        if not whole:
            self._budget.add(len(text))
            call.size += len(text)
            call.arguments.append(text)
        elif text:
            self._budget.add(max(0, len(text) - call.size))
            call.size = max(call.size, len(text))
            call.arguments[:] = [text]

    def name(self, call: Call, view: wire.CallItem, out: list[ModelEvent]) -> None:
        """Update a call's name and id, and open it once both are known."""
        call.name = call.name or tool_name(view.name or "")
        if not call.opened:
            call.call_id = call.call_id or view.call_id or ""
        if call.name and call.call_id:
            self._open(call, out)

    def end(self, call: Call, view: wire.CallItem, out: list[ModelEvent]) -> None:
        """Complete a call."""
        self.append_arguments(call, wire.argument_text(view.arguments), whole=True)
        self.name(call, view, out)
        self._open(call, out)
        call.done = True
        self._emit_completed(out)

    def complete_all(self, out: list[ModelEvent]) -> None:
        """Complete all open calls with their current arguments, as the response is complete."""
        for call in self._calls:
            self._open(call, out)
            call.done = True
            call.cut = False
        self._emit_completed(out)

    def _open(self, call: Call, out: list[ModelEvent]) -> None:
        if not call.opened:
            call.opened = True
            call.call_id = self._ids.unique(call.call_id or f"call_{call.place}")
            out.append(ToolCallOpened(call.call_id, call.name))

    def _emit_completed(self, out: list[ModelEvent]) -> None:
        while self._emitted < len(self._calls):
            call = self._calls[self._emitted]
            if not call.done or call.cut:
                return
            call.arguments[:] = [assembled(call.arguments)]
            out.append(ToolCall(call.call_id, call.name, call.arguments[0]))
            self._emitted += 1
