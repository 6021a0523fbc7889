"""Assembles one response from its output items, and emits events along the way.

Items are identified by `output_index`, because ids may change with every event (GitHub Copilot).
"""

from typing import Final

import msgspec

from thinkaloud.events.model import ModelEvent, ServerToolActivity
from thinkaloud.providers.dialects.openai_responses import native, wire
from thinkaloud.providers.dialects.openai_responses.calls import Call, Calls
from thinkaloud.providers.dialects.openai_responses.native import CALL, MESSAGE, REASONING
from thinkaloud.providers.dialects.openai_responses.texts import Carrier, ItemText, TextEmitter

_LATEST: Final = -1


class _Item:
    """An output item while it is streamed."""

    __slots__ = ("call", "done", "kind", "record", "started", "text")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.started = False
        self.done = False
        self.record: native.Record | None = None
        self.text = ItemText()
        self.call = Call()


class Assembly:
    """The items of one response. Methods append the resulting events to `out`."""

    def __init__(self) -> None:
        self.texts = TextEmitter()
        self.calls = Calls()
        self.refusal: list[str] = []
        """The model's refusal to answer."""
        self._items: dict[int, _Item] = {}
        self._order: list[tuple[int, _Item]] = []
        self._latest = _LATEST

    @property
    def all_done(self) -> bool:
        """Whether there are items and all are complete."""
        return bool(self._order) and all(item.done for _, item in self._order)

    @property
    def has_reasoning(self) -> bool:
        """Whether any item is reasoning, with or without text."""
        return any(item.kind == REASONING for _, item in self._order)

    def text(
        self, index: int, carrier: Carrier, part: int, text: str, out: list[ModelEvent]
    ) -> None:
        """Add the next piece of text."""
        item = self._item(index, MESSAGE if carrier == "answer" else REASONING, continues=True)
        self.texts.add(item.text, carrier, part, text, out)

    def whole_text(
        self, index: int, carrier: Carrier, part: int, text: str, out: list[ModelEvent]
    ) -> None:
        """Set the complete text of a part."""
        item = self._item(index, MESSAGE if carrier == "answer" else REASONING, whole=text)
        self.texts.whole(item.text, carrier, part, text, out)

    def arguments(self, index: int, text: str, *, whole: bool) -> None:
        """Add a piece of a call's arguments, or set all of them."""
        self.calls.append_arguments(self._item(index, CALL).call, text, whole=whole)

    def begin(self, index: int, raw: bytes, out: list[ModelEvent]) -> None:
        """Start an item."""
        head = wire.item_heads.decode(raw)
        self._latest = self._latest + 1 if index == _LATEST else index
        item = self._items.get(self._latest)
        if item is None or item.done:
            item = self._place(self._latest, head.type)
        self._introduce(item, head.type, out)
        if head.type == CALL:
            self.calls.name(item.call, wire.calls.decode(raw), out)

    def end(self, index: int, raw: bytes, out: list[ModelEvent]) -> None:
        """Complete an item, and emit the content that was not streamed."""
        head = wire.item_heads.decode(raw)
        if index == _LATEST:
            latest = self._items.get(self._latest)
            index = self._latest + (latest is None or latest.done)
        self._latest = index
        item = self._item(index, head.type, whole=_text_of(head.type, raw))
        item.record = native.record(raw)
        self._introduce(item, head.type, out)
        match head.type:
            case "function_call":
                item.call.cut = head.status == "incomplete"
                self.calls.end(item.call, wire.calls.decode(raw), out)
            case "message":
                self._end_message(item, raw, out)
            case "reasoning":
                self._end_reasoning(item, raw, out)
            case _:
                pass
        item.done = True

    def complete_from(self, output: list[msgspec.Raw], out: list[ModelEvent]) -> None:
        """Complete unfinished items from the final list of items."""
        heads = [wire.item_heads.decode(raw) for raw in output]
        placed = [self._items.get(index) for index in range(len(output))]
        known = [
            item if item is not None and item.done and item.kind == head.type else None
            for item, head in zip(placed, heads, strict=True)
        ]
        # Items that were streamed under a different index than their position in the list.
        others = [item for _, item in self._order if item.done and item not in known]
        for index, (raw, head) in enumerate(zip(output, heads, strict=True)):
            if known[index] is not None:
                continue
            other = next((item for item in others if item.kind == head.type), None)
            item = placed[index]
            missing = item is None and len(self._order) < len(output)
            if other is not None:
                others.remove(other)
            elif missing or (item is not None and not item.done):
                self.end(index, bytes(raw), out)

    def output(self, *, truncated: bool) -> list[native.OutputItem]:
        """Return the items in the provider's order, without calls that were cut off."""
        items: list[native.OutputItem] = []
        for _, item in sorted(self._order, key=lambda placed: placed[0]):
            if item.kind == CALL and truncated and (item.call.cut or not item.done):
                continue
            found = item.record or _rebuilt(item)
            if item.kind == CALL:
                call = item.call
                found = native.call_record(found, call.call_id, call.name, "".join(call.arguments))
            items.append(native.OutputItem(item.kind, found, item.record is not None))
        return items

    def _place(self, index: int, kind: str) -> _Item:
        item = _Item(kind)
        self._items[index] = item
        self._order.append((index, item))
        return item

    def _item(self, index: int, kind: str, *, continues: bool = False, whole: str = "") -> _Item:
        """Return the item with this index, which may be new.

        If a server increments the index with every piece, this is the open item of the same kind,
        provided that a piece `continues`, or that the `whole` text starts with that item's text.
        """
        if index == _LATEST:
            index = max(self._latest, 0)
        item = self._items.get(index)
        if item is not None:
            return item
        last = self._order[-1][1] if self._order else None
        if last is not None and last.kind == kind and not last.done and kind != CALL:
            shown = last.text.joined if whole else ""
            if continues or (shown and whole.startswith(shown)):
                self._items[index] = last
                return last
        return self._place(index, kind)

    def _introduce(self, item: _Item, kind: str, out: list[ModelEvent]) -> None:
        item.kind = kind
        if item.started:
            return
        item.started = True
        if kind == CALL:
            self.calls.begin(item.call)
        elif kind not in {"", MESSAGE, REASONING}:
            out.append(ServerToolActivity(kind))

    def _end_message(self, item: _Item, raw: bytes, out: list[ModelEvent]) -> None:
        content = wire.messages.decode(raw).content or []
        if isinstance(content, str):
            content = [wire.Part(type="output_text", text=content)]
        if not self.refusal:
            self.refusal.extend(part.refusal for part in content if part.refusal)
        texts = [part.text or "" for part in content if not part.type.startswith("reasoning")]
        self.texts.complete(item.text, "answer", texts, out)

    def _end_reasoning(self, item: _Item, raw: bytes, out: list[ModelEvent]) -> None:
        view = wire.reasonings.decode(raw)
        texts: dict[Carrier, list[str]] = {
            "raw": [part.text or "" for part in view.content or ()],
            "summary": [part.text or "" for part in view.summary or ()],
        }
        carrier = item.text.carrier or ("raw" if any(texts["raw"]) else "summary")
        self.texts.complete(item.text, carrier, texts[carrier], out)


def _text_of(kind: str, raw: bytes) -> str:
    """Return the complete text of a message or of reasoning."""
    if kind == MESSAGE:
        content = wire.messages.decode(raw).content or []
        parts = content if not isinstance(content, str) else [wire.Part(text=content)]
    elif kind == REASONING:
        view = wire.reasonings.decode(raw)
        parts = view.content or view.summary or []
    else:
        return ""
    return "".join(part.text or "" for part in parts)


def _rebuilt(item: _Item) -> native.Record:
    """Rebuild an item without an end event from its deltas."""
    fields: dict[str, object] = {"type": item.kind}
    if item.kind == CALL:
        call = item.call
        fields["call_id"] = call.call_id
        fields["name"] = call.name
        fields["arguments"] = "".join(call.arguments)
    elif item.kind == MESSAGE:
        fields["role"] = "assistant"
        fields["content"] = [{"type": "output_text", "text": item.text.joined}]
    return {name: native.raw(value) for name, value in fields.items()}
