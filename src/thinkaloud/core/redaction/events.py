"""Redacts the reasoning in the events of a run, and in its view. Pure.

The text of adjacent segments is one text: a secret may begin in the reasoning and continue in the
answer. Any event but a delta and the end of a segment ends it.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec

from thinkaloud.core.redaction.redactor import Piece, Redactor
from thinkaloud.events.event import (
    AnswerDelta,
    AnswerEnded,
    Event,
    ReasoningDelta,
    ReasoningEnded,
)

Numbered = tuple[Event, int]
"""An event and its number in the log."""


class _Item:
    """An event that waits: a delta whose text is not certain, or what follows one."""

    __slots__ = ("end", "event", "seq", "start", "text")

    def __init__(
        self,
        event: ReasoningDelta | AnswerDelta | ReasoningEnded | AnswerEnded,
        seq: int,
        start: int,
    ) -> None:
        self.event = event
        self.seq = seq
        self.start = start
        """The offset of its text in the text of adjacent segments."""
        self.end = start
        if isinstance(event, ReasoningDelta | AnswerDelta):
            self.end += len(event.text)
        self.text = ""
        """What is certain of its text, redacted, and not returned yet."""


class RunRedactor:
    """Redacts the events of one run, in order.

    With `answers`, secrets in answers are redacted too; otherwise only the part of a secret that
    began in the reasoning.

    With `whole`, an event is held back until all of its text is certain, and keeps its number, so
    that a reader which has got it can resume after it. Otherwise text is returned as soon as it is
    certain, and a delta may become several.
    """

    def __init__(self, redactor: Redactor, *, answers: bool, whole: bool = False) -> None:
        self.redacted = 0
        """How many secrets were redacted so far."""
        self._redactor = redactor
        self._answers = answers
        self._whole = whole
        self._stream = redactor.stream()
        self._waiting: deque[_Item] = deque()
        self._segment_id = ""
        self._calm_segment = self._calm_answer = ""
        """The segment of reasoning, or of an answer that is not redacted, while nothing is pending."""
        self._shown_segment = ""
        """The last segment of which a delta was returned."""

    @property
    def is_waiting(self) -> bool:
        """Whether an event, or part of its text, is held back."""
        return bool(self._waiting)

    def apply(self, events: Iterable[Event]) -> list[Event]:
        """Return the events with what was held back before, redacted, without what is held back."""
        result: list[Event] = []
        for event in events:
            if self._passes(event):
                result.append(event)
            else:
                result += [each for each, _ in self._take(event, 0)]
        return result

    def take(self, events: Iterable[Numbered]) -> list[Numbered]:
        """Like `apply`, for numbered events. A delta without text is left out."""
        result: list[Numbered] = []
        for event, seq in events:
            if self._passes(event):
                result.append((event, seq))
            else:
                result += self._take(event, seq)
        return result

    def _passes(self, event: Event) -> bool:
        """Whether an event is a delta in which nothing can begin, while nothing is pending.

        That is how most deltas end: with one scan of their text.
        """
        if type(event) is ReasoningDelta:
            if self._calm_segment != event.segment_id or self._redactor.find_start(event.text):
                return False
            self._stream.skip(event.text)
            return True
        return type(event) is AnswerDelta and self._calm_answer == event.segment_id

    def _take(self, event: Event, seq: int) -> list[Numbered]:
        result: list[Numbered] = []
        if isinstance(event, ReasoningDelta | AnswerDelta):
            self._delta(event, seq, result)
        elif isinstance(event, ReasoningEnded | AnswerEnded):
            stream = self._stream
            if isinstance(event, ReasoningEnded) and not self._answers:
                stream.stop_starting()
            self._waiting.append(_Item(event, seq, stream.position + len(stream.held)))
            self._release(result)
        else:
            result += self.finish()
            result.append((event, seq))
        calm = isinstance(event, ReasoningDelta | AnswerDelta) and not self._waiting
        calm = calm and self._stream.is_idle
        self._calm_segment = self._segment_id if calm and isinstance(event, ReasoningDelta) else ""
        is_plain = calm and isinstance(event, AnswerDelta) and not self._answers
        self._calm_answer = self._segment_id if is_plain else ""
        return result

    def finish(self) -> list[Numbered]:
        """Return what was held back: the text ends here."""
        result: list[Numbered] = []
        if self._waiting or not self._stream.is_idle:
            self._distribute(self._stream.end())
            self._release(result)
        self._segment_id = ""
        return result

    def _delta(self, event: ReasoningDelta | AnswerDelta, seq: int, result: list[Numbered]) -> None:
        stream = self._stream
        is_reasoning = isinstance(event, ReasoningDelta)
        if not self._waiting and stream.is_idle:
            if event.segment_id != self._segment_id:
                stream = self._stream = self._redactor.stream()
                self._segment_id = event.segment_id
            # Most deltas: nothing is pending, and nothing can begin in it.
            if not (is_reasoning or self._answers) or not self._redactor.find_start(event.text):
                stream.skip(event.text)
                self._shown_segment = event.segment_id
                result.append((event, seq))
                return
        elif is_reasoning and stream.has_stopped_starting:
            result += self.finish()
            self._delta(event, seq, result)
            return
        self._segment_id = event.segment_id
        self._waiting.append(_Item(event, seq, stream.position + len(stream.held)))
        self._distribute(stream.feed(event.text))
        self._release(result)

    def _distribute(self, pieces: Sequence[Piece]) -> None:
        """Assign redacted text to the events that it is from."""
        if not pieces:
            return
        items = iter(self._waiting)
        item = next(items)
        for start, end, text in pieces:
            while item.end <= start:
                item = next(items)
            if start == end:
                self.redacted += 1
                item.text += text
                continue
            at = start
            while at < end:
                while item.end <= at:
                    item = next(items)
                stop = min(end, item.end)
                item.text += text[at - start : stop - start]
                at = stop

    def _release(self, result: list[Numbered]) -> None:
        """Return what is certain by now."""
        waiting, certain = self._waiting, self._stream.position
        while waiting:
            item = waiting[0]
            is_certain = item.end <= certain
            if item.text and (is_certain or not self._whole):
                text, item.text = item.text, ""
                event = msgspec.structs.replace(item.event, text=text)
                self._shown_segment = event.segment_id
                result.append((event, item.seq))
            if not is_certain:
                return
            waiting.popleft()
            # A segment that consists of the rest of a secret is left out.
            if item.start == item.end and item.event.segment_id == self._shown_segment:
                result.append((item.event, item.seq))
