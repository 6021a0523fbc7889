"""Tool calls of one response: told whole, in the order in which they began."""

from thinkaloud.events.model import ModelEvent, ToolCall, ToolCallOpened
from thinkaloud.providers.dialects.openai_responses import wire


class Call:
    """One call while it streams."""

    __slots__ = ("arguments", "call_id", "cut", "done", "name", "opened", "place")

    def __init__(self) -> None:
        self.place = 0
        """Its place among the calls of the response, from 0."""
        self.name = ""
        self.call_id = ""
        self.arguments: list[str] = []
        self.opened = False
        self.done = False
        self.cut = False
        """The provider says that it was cut short."""


class Calls:
    """All calls of a response. Every method adds the events that it makes to `out`."""

    __slots__ = ("_calls", "_told")

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._told = 0

    @property
    def told(self) -> bool:
        """Whether a whole call was told."""
        return self._told > 0

    def begin(self, call: Call) -> None:
        """Take the next call."""
        call.place = len(self._calls)
        self._calls.append(call)

    def name(self, call: Call, view: wire.CallItem, out: list[ModelEvent]) -> None:
        """Take what is known of a call so far, and open it once that is enough."""
        call.name = call.name or view.name or ""
        call.call_id = call.call_id or view.call_id or ""
        if call.name and call.call_id:
            self._open(call, out)

    def end(self, call: Call, view: wire.CallItem, out: list[ModelEvent]) -> None:
        """Take a call that came to its end."""
        arguments = wire.argument_text(view.arguments)
        if arguments:
            call.arguments[:] = [arguments]
        self.name(call, view, out)
        self._open(call, out)
        call.done = True
        self._tell(out)

    def settle(self, out: list[ModelEvent]) -> None:
        """End every call that is still open with what streamed: the response is complete."""
        for call in self._calls:
            self._open(call, out)
            call.done = True
            call.cut = False
        self._tell(out)

    def _open(self, call: Call, out: list[ModelEvent]) -> None:
        if not call.opened:
            call.opened = True
            call.call_id = call.call_id or f"call_{call.place}"
            out.append(ToolCallOpened(call.call_id, call.name))

    def _tell(self, out: list[ModelEvent]) -> None:
        while self._told < len(self._calls):
            call = self._calls[self._told]
            if not call.done or call.cut:
                return
            out.append(ToolCall(call.call_id, call.name, "".join(call.arguments)))
            self._told += 1
