"""Builds the assistant message of a response, as Cohere expects it back."""

from typing import Literal

import msgspec

from thinkaloud.events.model import ModelEvent, ToolCall, ToolCallOpened
from thinkaloud.providers.dialects.toolcalls import CallBudget, CallIds, assembled, tool_name

BlockKind = Literal["thinking", "text"]


class Call:
    """A tool call while it is streamed."""

    __slots__ = ("arguments", "call_id", "ended", "name", "reported")

    def __init__(self, call_id: str | None, name: str | None) -> None:
        self.call_id = call_id
        self.name = name
        self.arguments: list[str] = []
        self.reported = False
        self.ended = False


class Draft:
    """Collects the blocks, the plan and the calls of a message, in order of arrival."""

    __slots__ = ("_begins", "_blocks", "_budget", "_ids", "_keys", "_plan", "_waiting", "calls")

    def __init__(self) -> None:
        self._budget = CallBudget()
        self._ids = CallIds()
        self._begins = False
        self._blocks: list[tuple[BlockKind, list[str]]] = []
        self._keys: list[tuple[int, BlockKind]] = []
        self._plan: list[str] = []
        self._waiting: list[Call] = []
        self.calls: dict[int, Call] = {}

    def begin(self) -> None:
        """Mark the start of a content block. A new index alone does not start one."""
        self._begins = True

    def text(self, index: int, kind: BlockKind, text: str) -> None:
        """Append to the content block with this index."""
        key = (index, kind)
        last = self._keys[-1] if self._keys else None
        if last is None or (last != key and (self._begins or last[1] != kind)):
            self._begins = False
            self._keys.append(key)
            self._blocks.append((kind, []))
        self._blocks[-1][1].append(text)

    def plan(self, text: str) -> None:
        """Append to the tool plan, which is neither reasoning nor answer."""
        self._plan.append(text)

    def call(self, index: int, piece: Call, arguments: str, out: list[ModelEvent]) -> None:
        """Start a call, or continue the one with this index."""
        call = self.calls.get(index)
        if call is None and not piece.call_id and not piece.name and self.calls:
            # The server numbers the pieces instead of the calls.
            call = next(reversed(self.calls.values()))
        if call is None:
            self._budget.begin()
            call = self.calls[index] = piece
            self._waiting.append(call)
        if not call.reported:
            call.call_id = call.call_id or piece.call_id
        call.name = call.name or piece.name
        self._budget.add(len(arguments))
        call.arguments.append(arguments)
        if call.name and not call.reported:
            call.reported = True
            call.name = tool_name(call.name)
            call.call_id = self._ids.unique(call.call_id or f"call_{len(self.calls) - 1}")
            out.append(ToolCallOpened(tool_call_id=call.call_id, name=call.name))

    def end_call(self, index: int, out: list[ModelEvent]) -> None:
        """Complete a call and emit all complete ones, in the order in which they started."""
        if index in self.calls:
            self.calls[index].ended = True
        while self._waiting and self._waiting[0].ended:
            out.append(_tool_call(self._waiting.pop(0)))

    def end_calls(self, out: list[ModelEvent]) -> None:
        """Emit the calls that had no end event."""
        out.extend(_tool_call(call) for call in self._waiting)
        self._waiting.clear()

    def payload(self) -> msgspec.Raw:
        """Return the message as JSON."""
        message: dict[str, object] = {"role": "assistant"}
        content = [{"type": kind, kind: "".join(pieces)} for kind, pieces in self._blocks]
        if content:
            message["content"] = content
        plan = "".join(self._plan)
        if plan:
            message["tool_plan"] = plan
        if self.calls:
            message["tool_calls"] = [
                {
                    "id": call.call_id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": assembled(call.arguments)},
                }
                for call in self.calls.values()
            ]
        return msgspec.Raw(msgspec.json.encode(message))


def _tool_call(call: Call) -> ToolCall:
    if not call.name or not call.call_id:
        raise msgspec.ValidationError("a tool call has no name")
    return ToolCall(tool_call_id=call.call_id, name=call.name, arguments=assembled(call.arguments))
