"""Merges streamed text with its repetition at the end, so that it is emitted exactly once."""

from typing import Literal

from thinkaloud.events.model import AnswerText, ModelEvent, ReasoningText

Carrier = Literal["answer", "summary", "raw"]
"""Where text appears: in a message, in a reasoning summary, or in the reasoning itself."""


class _PartText:
    """The text of one part emitted so far."""

    __slots__ = ("done", "length", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.done = False
        """Whether its complete text has arrived, so that another index is another part."""


class ItemText:
    """The text of one item emitted so far."""

    __slots__ = ("_counted", "carrier", "parts")

    def __init__(self) -> None:
        self.carrier: Carrier | None = None
        """The source of its reasoning, so that none is emitted twice."""
        self.parts: dict[tuple[Carrier, int], _PartText] = {}
        self._counted: dict[Carrier, tuple[int, int, int]] = {}

    def part(self, carrier: Carrier, index: int) -> int:
        """Return the part to which this index belongs.

        vLLM increments the index with every token. This is assumed if consecutive parts each have a
        single piece and none is ended; the pieces are then one part. Two such parts of a summary
        are accepted as real parts, three are not.
        """
        last, part, run = self._counted.get(carrier, (-2, 0, 0))
        shown = self.parts.get((carrier, part))
        counted = index == last + 1 and shown is not None and not shown.done
        if counted and shown is not None and (part != last or len(shown.pieces) == 1):
            run += 1
            if run > (carrier == "summary"):
                self._counted[carrier] = (index, part, run)
                return part
        self._counted[carrier] = (index, index, run if counted else 0)
        return index

    @property
    def joined(self) -> str:
        """The concatenated text."""
        return "".join(piece for part in self.parts.values() for piece in part.pieces)


class TextEmitter:
    """The texts of one response. Methods append the resulting events to `out`."""

    __slots__ = ("_block", "_part")

    def __init__(self) -> None:
        self._part = -1
        self._block: tuple[ItemText, Carrier, int] | None = None

    @property
    def has_reasoning(self) -> bool:
        """Whether any reasoning was emitted."""
        return self._part >= 0

    def add(
        self, item: ItemText, carrier: Carrier, part: int, text: str, out: list[ModelEvent]
    ) -> None:
        """Add the next piece of a part."""
        if not text:
            return
        if carrier != "answer":
            if item.carrier is None:
                item.carrier = carrier
            elif item.carrier != carrier:
                return
        shown = item.parts.get((carrier, part))
        if shown is None:
            part = item.part(carrier, part)
            shown = item.parts.get((carrier, part))
            if shown is None:
                shown = item.parts[carrier, part] = _PartText()
        shown.pieces.append(text)
        shown.length += len(text)
        if carrier == "answer":
            out.append(AnswerText(text))
            return
        block = (item, carrier, part)
        if block != self._block:
            self._block = block
            self._part += 1
        out.append(ReasoningText(text, self._part))

    def whole(
        self, item: ItemText, carrier: Carrier, part: int, text: str, out: list[ModelEvent]
    ) -> None:
        """Set the complete text of a part, of which none, some or all was streamed."""
        shown = item.parts.get((carrier, part))
        if shown is None:
            earlier = [known for key, known in item.parts.items() if key[0] == carrier]
            if earlier and text.startswith(_joined(earlier)):
                # The index of vLLM's end event does not match that of any piece.
                part, shown = next(key for key in item.parts if key[0] == carrier)[1], earlier[0]
                self.add(item, carrier, part, _remainder(earlier, text), out)
                shown.done = True
                return
        self.add(item, carrier, part, _remainder([shown], text) if shown else text, out)
        if shown is not None:
            shown.done = True

    def complete(
        self, item: ItemText, carrier: Carrier, texts: list[str], out: list[ModelEvent]
    ) -> None:
        """Set the texts of all parts of an item.

        They are compared as one text: Bedrock Mantle's `content_index` is not the list position.
        """
        keys = [key for key in item.parts if key[0] == carrier]
        if not keys:
            for part, text in enumerate(texts):
                self.add(item, carrier, part, text, out)
                if text and (carrier, part) in item.parts:
                    item.parts[carrier, part].done = True
            return
        rest = _remainder([item.parts[key] for key in keys], "".join(texts))
        self.add(item, carrier, keys[-1][1], rest, out)


def _remainder(parts: list[_PartText], whole: str) -> str:
    """Return the rest of `whole` after the emitted text, or `""` if it does not start with it."""
    length = sum(part.length for part in parts)
    if len(whole) <= length:
        return ""
    return whole[length:] if whole.startswith(_joined(parts)) else ""


def _joined(parts: list[_PartText]) -> str:
    return "".join(piece for part in parts for piece in part.pieces)
