"""Segments: contiguous stretches of reasoning or answer text. Implements promise P2."""

from typing import Literal

from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    ReasoningDelta,
    ReasoningEnded,
    SegmentReclassified,
)

BLANK_LINE = "\n\n"
"""The prefix of every answer segment of a run after the first, to separate the answers."""


class Segments:
    """Opens a segment at its first text and closes it exactly once. At most one is open.

    The caller appends every returned event, in order, and calls `close` on every exit path.
    Times are milliseconds of a monotonic clock.
    """

    def __init__(self, prefix: str) -> None:
        self.reasoning_ms = 0
        self.first_reasoning_at: int | None = None
        self.first_answer_at: int | None = None
        self.answered = False
        """Whether there was any answer text other than white space."""
        self._prefix = prefix
        self._count = 0
        self._kind: Literal["reasoning", "answer"] | None = None
        self._segment_id = ""
        self._opened_at = 0
        self._first_part = 0
        self._response: list[tuple[Literal["reasoning", "answer"], str, int]] = []
        self._before: tuple[bool, int | None, int | None] = (False, None, None)

    def continue_after(self, count: int) -> None:
        """Number the next segment above `count`: those up to it exist already."""
        self._count = count

    def begin_response(self) -> None:
        """Start the next response. `reclassify` applies to its segments only."""
        self._response.clear()
        self._before = (self.answered, self.first_answer_at, self.first_reasoning_at)

    @property
    def open_kind(self) -> Literal["reasoning", "answer"] | None:
        """The kind of the open segment, or None."""
        return self._kind

    def reasoning(self, text: str, part: int, now_ms: int) -> list[Event]:
        """Append reasoning text. `part` is the provider's block number within the response."""
        if self._kind == "reasoning":
            return [ReasoningDelta(self._segment_id, text, part - self._first_part)]
        events = self.close(now_ms, resuming=True)
        if self.first_reasoning_at is None:
            self.first_reasoning_at = now_ms
        self._open("reasoning", now_ms)
        self._first_part = part
        events.append(ReasoningDelta(self._segment_id, text))
        return events

    def answer(self, text: str, now_ms: int) -> list[Event]:
        """Append answer text."""
        if self._kind == "answer":
            self.answered = self.answered or not text.isspace()
            return [AnswerDelta(self._segment_id, text)]
        events = self.close(now_ms)
        if self.first_answer_at is None:
            self.first_answer_at = now_ms
        self._open("answer", now_ms)
        if self.answered:
            text = BLANK_LINE + text
        self.answered = self.answered or not text.isspace()
        events.append(AnswerDelta(self._segment_id, text))
        return events

    def close(
        self, now_ms: int, *, interrupted: bool = False, resuming: bool = False
    ) -> list[Event]:
        """Close the open segment, if any. `resuming`: the run continues."""
        kind, self._kind = self._kind, None
        if kind is None:
            return []
        duration_ms = max(0, now_ms - self._opened_at)
        self._response.append((kind, self._segment_id, duration_ms))
        if kind == "reasoning":
            self.reasoning_ms += duration_ms
            return [ReasoningEnded(self._segment_id, duration_ms, interrupted)]
        return [AnswerEnded(self._segment_id, resuming, interrupted)]

    def reclassify(self, to: Literal["reasoning", "withdrawn"], now_ms: int) -> list[Event]:
        """Close the open segment and reclassify the segments of this response.

        `reasoning`: the answer segments. `withdrawn`: the reasoning segments.
        """
        events = self.close(now_ms, resuming=True)
        was = "answer" if to == "reasoning" else "reasoning"
        found = [(name, duration) for kind, name, duration in self._response if kind == was]
        self._response = [each for each in self._response if each[0] != was]
        total_ms = sum(duration for _, duration in found)
        if to == "reasoning":
            if self.first_reasoning_at is None:
                self.first_reasoning_at = self.first_answer_at
            self.answered, self.first_answer_at, _ = self._before
            self.reasoning_ms += total_ms
        else:
            self.reasoning_ms -= total_ms
            self.first_reasoning_at = self._before[2]
        events.extend(SegmentReclassified(name, to, duration) for name, duration in found)
        return events

    def _open(self, kind: Literal["reasoning", "answer"], now_ms: int) -> None:
        self._kind = kind
        self._count += 1
        self._segment_id = f"{self._prefix}:{kind[0]}{self._count}"
        self._opened_at = now_ms
