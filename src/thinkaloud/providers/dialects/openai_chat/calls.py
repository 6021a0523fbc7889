"""Assembles tool calls from their fragments."""

import msgspec

from thinkaloud.events.model import ToolCall, ToolCallOpened
from thinkaloud.providers.dialects.toolcalls import (
    CallBudget,
    CallIds,
    assembled,
    is_object,
    same_arguments,
    tool_name,
)

_OWN = frozenset({"id", "index", "function"})
_MAX_CHECKS = 64
"""How often a call's arguments are parsed to check whether they are complete."""


class _Slot:
    __slots__ = (
        "arguments",
        "checks",
        "extra",
        "function_extra",
        "given_id",
        "id",
        "in_place",
        "name",
        "named",
        "opened",
        "text",
        "twin",
    )

    def __init__(self, tool_call_id: str, given_id: str, twin: "_Slot | None") -> None:
        self.id = tool_call_id
        self.given_id = given_id
        """The provider's id, which several calls may share."""
        self.named = bool(given_id)
        self.name = ""
        self.arguments: list[str] = []
        self.text = ""
        """The final arguments."""
        self.extra: dict[str, object] = {}
        self.function_extra: dict[str, object] = {}
        self.opened = False
        self.twin = twin
        """The call that this one may repeat; None if it is certainly a different one."""
        self.in_place = False
        """Whether it also has the same index as its twin."""
        self.checks = 0

    def complete(self, *, empty: bool) -> bool:
        """Return whether the arguments so far are an object. `empty`: whether `{}` counts."""
        last = self.arguments[-1].rstrip() if self.arguments else ""
        if not last.endswith("}") or self.checks == _MAX_CHECKS:
            return False
        self.checks += 1
        text = assembled(self.arguments)
        return (empty or text != "{}") and is_object(text)


class ToolCalls:
    """Assembles fragments into calls, in the order of their first appearance.

    A call is identified by its index; without one, by its id; otherwise a name starts the next
    call. Under a known index, a different id with a name, or a different name, starts a new call
    (Gemini numbers all calls 0). The same name after complete arguments, or another call's id, may
    be a new call or a repetition; the arguments decide this at the end. A call without an id gets
    `call_0`, `call_1`, … by its position.

    Raises `TooManyCalls` if the limits are exceeded.
    """

    __slots__ = ("_budget", "_by_id", "_by_index", "_ids", "_slots")

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}
        self._by_id: dict[str, _Slot] = {}
        self._ids = CallIds()
        self._budget = CallBudget()

    def __bool__(self) -> bool:
        return bool(self._slots)

    def add(self, fragment: dict[str, object]) -> ToolCallOpened | None:
        """Add a fragment; return the opening event if it completes a call's name."""
        function = fragment.get("function")
        members = msgspec.convert(function, dict[str, object]) if function else {}
        name = tool_name(_text(members.get("name")))
        slot = self._slot(fragment, name)
        if not slot.name:
            slot.name = name
        if not slot.named and not slot.opened and (tool_call_id := _text(fragment.get("id"))):
            self._identify(slot, tool_call_id)
        self._append(slot, members.get("arguments"))
        _keep(slot.extra, fragment, _OWN)
        _keep(slot.function_extra, members, frozenset({"name", "arguments"}))
        if slot.opened or not slot.name or slot.twin is not None:
            return None
        return self._open(slot)

    def open(self, name: str) -> ToolCallOpened:
        """Start a call without an index (harmony)."""
        slot = self._new("")
        slot.name = tool_name(name)
        return self._open(slot)

    def append_arguments(self, text: str) -> None:
        """Append to the arguments of the most recently started call."""
        self._append(self._slots[-1], text)

    def finish(self) -> list[ToolCallOpened | ToolCall]:
        """Return the complete calls, each preceded by its opening if not yet emitted."""
        events: list[ToolCallOpened | ToolCall] = []
        for slot in self._slots:
            slot.text = assembled(slot.arguments)
        self._slots = [slot for slot in self._slots if slot.twin is None or not _merged(slot)]
        for slot in self._slots:
            if not slot.opened:
                events.append(self._open(slot))
            events.append(ToolCall(slot.id, slot.name, slot.text))
        return events

    @property
    def extended(self) -> bool:
        """Whether a call has more than the standard fields, such as a signature."""
        return any(slot.function_extra or slot.extra.keys() - {"type"} for slot in self._slots)

    def wire(self) -> list[dict[str, object]]:
        """Return the calls as in the assistant message, including all additional fields."""
        return [
            {
                "id": slot.id,
                "type": "function",
                **slot.extra,
                "function": {
                    "name": slot.name,
                    "arguments": slot.text,
                    **slot.function_extra,
                },
            }
            for slot in self._slots
        ]

    def _open(self, slot: _Slot) -> ToolCallOpened:
        slot.opened = True
        return ToolCallOpened(slot.id, slot.name)

    def _slot(self, fragment: dict[str, object], name: str) -> _Slot:
        index, tool_call_id = fragment.get("index"), _text(fragment.get("id"))
        if isinstance(index, int):
            slot = self._by_index.get(index)
            if slot is None and not name and not tool_call_id and self._slots:
                # Some servers number the fragments instead of the calls.
                return self._slots[-1]
            if slot is None:
                slot = self._by_index[index] = self._new(tool_call_id)
            elif self._is_other(slot, tool_call_id, name):
                twin = slot if tool_call_id in ("", slot.given_id) and name == slot.name else None
                slot = self._by_index[index] = self._new(tool_call_id, twin)
            return slot
        if tool_call_id:
            slot = self._by_id.get(tool_call_id)
            if slot is None:
                return self._new(tool_call_id)
            return self._new(tool_call_id) if self._is_other(slot, tool_call_id, name) else slot
        if not self._slots:
            return self._new("")
        last = self._slots[-1]
        continues = not name or (
            name == last.name and last.arguments and not last.complete(empty=True)
        )
        return last if continues else self._new("")

    def _is_other(self, slot: _Slot, tool_call_id: str, name: str) -> bool:
        """Return whether a fragment with this name, under a known index or id, is a new call."""
        if not name or not slot.name:
            return False
        if tool_call_id not in ("", slot.given_id) or name != slot.name:
            return True
        return slot.complete(empty=False)

    def _new(self, tool_call_id: str, twin: _Slot | None = None) -> _Slot:
        self._budget.begin()
        in_place = twin is not None
        if twin is None and tool_call_id:
            twin = self._by_id.get(tool_call_id)
        unique = self._ids.unique(tool_call_id or f"call_{len(self._slots)}")
        slot = _Slot(unique, tool_call_id, twin)
        slot.in_place = in_place
        self._slots.append(slot)
        self._by_id[tool_call_id or unique] = slot
        return slot

    def _identify(self, slot: _Slot, tool_call_id: str) -> None:
        slot.id = self._ids.unique(tool_call_id)
        slot.given_id = tool_call_id
        slot.named = True
        self._by_id[tool_call_id] = slot

    def _append(self, slot: _Slot, value: object) -> None:
        if value is None:
            return
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        self._budget.add(len(text))
        slot.arguments.append(text)


def _merged(slot: _Slot) -> bool:
    """Merge a call into its twin if it only repeats or continues it."""
    twin = slot.twin
    if twin is None or (slot.name and slot.name != twin.name):
        return False
    if slot.text not in ("", "{}") and not same_arguments(slot.text, twin.text):
        # With the same index and id, each piece may repeat all arguments so far.
        text = assembled([twin.text, slot.text]) if slot.in_place and slot.named else ""
        if not is_object(text):
            return False
        twin.text = text
    _keep(twin.extra, slot.extra, frozenset())
    _keep(twin.function_extra, slot.function_extra, frozenset())
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _keep(into: dict[str, object], members: dict[str, object], but: frozenset[str]) -> None:
    into.update(
        (name, value)
        for name, value in members.items()
        if name not in but and value not in (None, "")
    )
