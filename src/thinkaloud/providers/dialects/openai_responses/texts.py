"""Text as it streams, and as it is repeated whole at the end: shown once, and lost never."""

from typing import Literal

from thinkaloud.events.model import AnswerText, ModelEvent, ReasoningText

Carrier = Literal["answer", "summary", "raw"]
"""Where text stands: in a message, in a summary of reasoning, or in the reasoning itself."""


class _Shown:
    """What one part has shown."""

    __slots__ = ("length", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0


class ItemText:
    """What one item has shown."""

    __slots__ = ("carrier", "parts")

    def __init__(self) -> None:
        self.carrier: Carrier | None = None
        """Where its reasoning is read from, so that none is shown twice."""
        self.parts: dict[tuple[Carrier, int], _Shown] = {}

    @property
    def joined(self) -> str:
        """All of it."""
        return "".join(piece for part in self.parts.values() for piece in part.pieces)


class Texts:
    """The texts of one response. Every method adds the events that it makes to `out`."""

    __slots__ = ("_block", "_part")

    def __init__(self) -> None:
        self._part = -1
        self._block: tuple[ItemText, Carrier, int] | None = None

    @property
    def reasoned(self) -> bool:
        """Whether any reasoning was shown."""
        return self._part >= 0

    def add(
        self, item: ItemText, carrier: Carrier, part: int, text: str, out: list[ModelEvent]
    ) -> None:
        """Take the next piece of a part."""
        if not text:
            return
        if carrier != "answer":
            if item.carrier is None:
                item.carrier = carrier
            elif item.carrier != carrier:
                return
        shown = item.parts.get((carrier, part))
        if shown is None:
            shown = item.parts[carrier, part] = _Shown()
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
        """Take the whole text of a part, of which nothing, some or all has streamed."""
        shown = item.parts.get((carrier, part))
        self.add(item, carrier, part, _rest([shown], text) if shown else text, out)

    def complete(
        self, item: ItemText, carrier: Carrier, texts: list[str], out: list[ModelEvent]
    ) -> None:
        """Take the texts of all parts of an item.

        Compared as one text: Bedrock Mantle's `content_index` is not the place in the list.
        """
        keys = [key for key in item.parts if key[0] == carrier]
        if not keys:
            for part, text in enumerate(texts):
                self.add(item, carrier, part, text, out)
            return
        rest = _rest([item.parts[key] for key in keys], "".join(texts))
        self.add(item, carrier, keys[-1][1], rest, out)


def _rest(parts: list[_Shown], whole: str) -> str:
    """Return what `whole` has beyond what was shown, if it goes on where that ends."""
    length = sum(part.length for part in parts)
    if len(whole) <= length:
        return ""
    goes_on = whole.startswith("".join(piece for part in parts for piece in part.pieces))
    return whole[length:] if goes_on else ""
