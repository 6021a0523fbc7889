"""Tool calls, put together from their fragments."""

import msgspec

from thinkaloud.events.model import ToolCall, ToolCallOpened

_OWN = frozenset({"id", "index", "function"})


class _Slot:
    __slots__ = ("arguments", "extra", "function_extra", "id", "name", "named", "opened")

    def __init__(self, tool_call_id: str, *, named: bool) -> None:
        self.id = tool_call_id
        self.named = named
        self.name = ""
        self.arguments: list[str] = []
        self.extra: dict[str, object] = {}
        self.function_extra: dict[str, object] = {}
        self.opened = False


class ToolCalls:
    """Fragments in, calls out, in the order of their first appearance.

    A call is known by its index; where the wire has none, by its id, else a name opens the
    next. A second id with a name under a known index is a new call (Gemini numbers all 0). A
    call without an id gets `call_0`, `call_1`, … by its place.
    """

    __slots__ = ("_by_id", "_by_index", "_slots")

    def __init__(self) -> None:
        self._slots: list[_Slot] = []
        self._by_index: dict[int, _Slot] = {}
        self._by_id: dict[str, _Slot] = {}

    def __bool__(self) -> bool:
        return bool(self._slots)

    def add(self, fragment: dict[str, object]) -> ToolCallOpened | None:
        """Take a fragment; return the opening where it makes a call's name known."""
        function = fragment.get("function")
        members = msgspec.convert(function, dict[str, object]) if function else {}
        name = _text(members.get("name"))
        slot = self._slot(fragment, name)
        if not slot.name:
            slot.name = name
        if not slot.named and not slot.opened and (tool_call_id := _text(fragment.get("id"))):
            self._identify(slot, tool_call_id)
        _append(slot.arguments, members.get("arguments"))
        _keep(slot.extra, fragment, _OWN)
        _keep(slot.function_extra, members, frozenset({"name", "arguments"}))
        if slot.opened or not slot.name:
            return None
        return self._open(slot)

    def open(self, name: str) -> ToolCallOpened:
        """Begin a call that the wire did not number (harmony)."""
        slot = self._new("")
        slot.name = name
        return self._open(slot)

    def argue(self, text: str) -> None:
        """Add to the arguments of the call that was begun last."""
        self._slots[-1].arguments.append(text)

    def finish(self) -> list[ToolCallOpened | ToolCall]:
        """Return the whole calls, and before it the opening of one that never got a name."""
        events: list[ToolCallOpened | ToolCall] = []
        for slot in self._slots:
            if not slot.opened:
                events.append(self._open(slot))
            events.append(ToolCall(slot.id, slot.name, "".join(slot.arguments)))
        return events

    @property
    def extended(self) -> bool:
        """Whether a call carries more than the plain members, such as a signature."""
        return any(slot.function_extra or slot.extra.keys() - {"type"} for slot in self._slots)

    def wire(self) -> list[dict[str, object]]:
        """Return the calls as the assistant message holds them, with all that came along."""
        return [
            {
                "id": slot.id,
                "type": "function",
                **slot.extra,
                "function": {
                    "name": slot.name,
                    "arguments": "".join(slot.arguments),
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
            if slot is None or (name and slot.name and tool_call_id not in ("", slot.id)):
                slot = self._by_index[index] = self._new(tool_call_id)
            return slot
        if tool_call_id:
            return self._by_id.get(tool_call_id) or self._new(tool_call_id)
        return self._new("") if name or not self._slots else self._slots[-1]

    def _new(self, tool_call_id: str) -> _Slot:
        slot = _Slot(tool_call_id or f"call_{len(self._slots)}", named=bool(tool_call_id))
        self._slots.append(slot)
        self._by_id[slot.id] = slot
        return slot

    def _identify(self, slot: _Slot, tool_call_id: str) -> None:
        slot.id = tool_call_id
        slot.named = True
        self._by_id[tool_call_id] = slot


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _append(arguments: list[str], value: object) -> None:
    if isinstance(value, str):
        arguments.append(value)
    elif value is not None:
        arguments.append(msgspec.json.encode(value).decode())


def _keep(into: dict[str, object], members: dict[str, object], but: frozenset[str]) -> None:
    into.update(
        (name, value)
        for name, value in members.items()
        if name not in but and value not in (None, "")
    )
