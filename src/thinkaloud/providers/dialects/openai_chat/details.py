"""Merges `reasoning_details`, the typed list of OpenRouter and compatible hosts.

Source: OpenRouter documentation, "Reasoning tokens", "Preserving reasoning".
"""

from typing import Final

_TEXTS: Final = ("text", "summary")


class _Item:
    __slots__ = ("fields", "part", "pieces")

    def __init__(self, fields: dict[str, object], part: int) -> None:
        self.fields = fields
        self.part = part
        self.pieces: dict[str, list[str]] = {}

    def merge(self, fragment: dict[str, object]) -> None:
        """Merge a fragment: texts are joined; for other fields, the last non-empty value wins."""
        for name, value in fragment.items():
            if name in _TEXTS and isinstance(value, str):
                self.pieces.setdefault(name, []).append(value)
                self.fields.setdefault(name, "")
            elif name not in self.fields or value not in (None, ""):
                self.fields[name] = value

    def continues(self, fragment: dict[str, object]) -> bool:
        """Return whether a fragment of the same type and index belongs to this item."""
        ours, theirs = self.fields.get("id"), fragment.get("id")
        if ours and theirs and ours != theirs:
            return False
        if fragment.get("index") is None and "data" in fragment:
            return bool(ours) and ours == theirs
        signed = self.fields.get("signature")
        return not (signed and fragment.get("text") and fragment.get("signature") != signed)


class ReasoningDetails:
    """Collects fragments by (type, index), in order. Neither key identifies an item alone."""

    __slots__ = ("_items", "_open", "_parts")

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._open: dict[tuple[str, str], _Item] = {}
        self._parts = -1

    def add(self, fragments: list[dict[str, object]]) -> list[tuple[str, int]]:
        """Add the fragments of one delta; return their non-empty texts with the part number."""
        texts: list[tuple[str, int]] = []
        for fragment in fragments:
            key = (str(fragment.get("type")), str(fragment.get("index")))
            item = self._open.get(key)
            if item is None or not item.continues(fragment):
                item = self._open[key] = _Item({}, -1)
                self._items.append(item)
            item.merge(fragment)
            text = fragment.get("text") or fragment.get("summary")
            if isinstance(text, str) and text:
                if item.part < 0:
                    self._parts += 1
                    item.part = self._parts
                texts.append((text, item.part))
        return texts

    def coalesced(self) -> list[dict[str, object]]:
        """Return the complete items, as the provider expects them back."""
        return [
            {**item.fields, **{name: "".join(pieces) for name, pieces in item.pieces.items()}}
            for item in self._items
        ]

    def __bool__(self) -> bool:
        return bool(self._items)
