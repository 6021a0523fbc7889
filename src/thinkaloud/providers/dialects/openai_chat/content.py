"""Parses message content, which may be raw harmony."""

from typing import Literal, NamedTuple

from thinkaloud.core.parsers import harmony
from thinkaloud.providers.dialects.openai_chat.quirks import Quirks


class Piece(NamedTuple):
    """A piece of content and its kind; see `thinkaloud.core.parsers.harmony.Piece`."""

    kind: Literal["reasoning", "answer", "call", "arguments"]
    text: str
    block: int = 0


class ContentReader:
    """Splits content into pieces. The start of the message determines the format."""

    __slots__ = ("_harmony", "_held", "_undecided", "is_harmony", "plain")

    def __init__(self, quirks: Quirks) -> None:
        self._harmony: harmony.HarmonySplitter | None = None
        self._undecided = quirks.harmony
        self._held = ""
        self.is_harmony = False
        """Whether the content has been identified as harmony."""
        self.plain = not quirks.harmony
        """Whether all following text is answer text, so that it need not be parsed."""

    def feed(self, text: str) -> list[Piece]:
        """Parse the next text and return the pieces that are certain."""
        if self._undecided:
            text = self._decide(self._held + text)
        if self._harmony is not None:
            return [Piece(*piece) for piece in self._harmony.feed(text)]
        return [Piece("answer", text)] if text else []

    def close(self) -> list[Piece]:
        """Return the buffered text; any later text is answer text."""
        held, self._held = self._held, ""
        self._undecided = False
        self.plain = True
        splitter, self._harmony = self._harmony, None
        if splitter is not None:
            return [Piece(*piece) for piece in splitter.close()]
        return [Piece("answer", held)] if held else []

    def _decide(self, text: str) -> str:
        """Determine whether this is harmony; return the text that can be processed now."""
        self._held = ""
        start = text.lstrip()
        if not start:
            return text
        if any(
            len(start) < len(opening) and opening.startswith(start) for opening in harmony.OPENINGS
        ):
            self._held = start
            return text[: len(text) - len(start)]
        self._undecided = False
        if start.startswith(harmony.OPENINGS):
            self._harmony = harmony.HarmonySplitter()
            self.is_harmony = True
        self.plain = not self.is_harmony
        return text
