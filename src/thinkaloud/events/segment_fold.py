"""Mutable segments of a run, for its fold. Their text is kept in pieces and joined for a view."""

from typing import Final

from thinkaloud.events.view import AnswerBlock, BlockStatus, ReasoningBlock

_SHORT: Final = 512
"""Pieces of text with fewer characters are joined with the next ones."""


class OpenReasoning:
    """A mutable reasoning segment. Its text is kept in pieces and joined only for a view."""

    __slots__ = ("duration_ms", "iteration", "parts", "segment_id", "started_at_ms", "status")

    def __init__(self, segment_id: str, iteration: int, started_at_ms: int) -> None:
        self.segment_id = segment_id
        self.iteration = iteration
        self.started_at_ms = started_at_ms
        self.parts: list[list[str]] = [[]]
        self.status: BlockStatus = "open"
        self.duration_ms: int | None = None

    def add(self, text: str, part: int) -> None:
        """Add a delta."""
        while len(self.parts) <= part:
            self.parts.append([])
        self.parts[part].append(text)

    def characters(self) -> int:
        """Return the length of its text."""
        return sum(sum(map(len, part)) for part in self.parts)

    def texts(self) -> list[str]:
        """Return the pieces of its text."""
        return [text for part in self.parts for text in part]

    def join(self) -> None:
        """Join short pieces of its text."""
        for part in self.parts:
            _join(part)

    def view(self) -> ReasoningBlock:
        """Return its current state."""
        return ReasoningBlock(
            self.segment_id,
            self.iteration,
            tuple(["".join(part) for part in self.parts]),
            self.status,
            self.started_at_ms,
            self.duration_ms,
        )


class OpenAnswer:
    """A mutable answer segment."""

    __slots__ = ("iteration", "pieces", "segment_id", "status")

    def __init__(self, segment_id: str, iteration: int) -> None:
        self.segment_id = segment_id
        self.iteration = iteration
        self.pieces: list[str] = []
        self.status: BlockStatus = "open"

    def characters(self) -> int:
        """Return the length of its text."""
        return sum(map(len, self.pieces))

    def texts(self) -> list[str]:
        """Return the pieces of its text."""
        return self.pieces

    def join(self) -> None:
        """Join short pieces of its text."""
        _join(self.pieces)

    def view(self) -> AnswerBlock:
        """Return its current state."""
        return AnswerBlock(self.segment_id, self.iteration, "".join(self.pieces), self.status)


def _join(pieces: list[str]) -> None:
    """Join the pieces at the end, from the last long one on."""
    start = len(pieces)
    while start and len(pieces[start - 1]) < _SHORT:
        start -= 1
    if len(pieces) - start > 1:
        pieces[start:] = ["".join(pieces[start:])]
