"""Separate tagged reasoning from plain text, incrementally. Pure."""

import re
from typing import Final, Literal

from thinkaloud.core.parsers.inline_state import Answer, Inline, OpenThought, Piece
from thinkaloud.core.parsers.inline_tags import tag_finder

_MAX_SPAN: Final = 2048
"""The maximum distance between a tag in inline code and the end of the code."""


class InlineSplitter:
    """Splits chunks of text into pieces, in linear time, buffering only text that is undecided.

    A tag opens reasoning at the start of the response and after a closing tag; in a response
    that already had a thought, also at the start of a line; and with `strict`, anywhere. Tags in
    code are text. Any closing tag ends a thought. With `strict`, if tags are nested or do not
    match, only the last one does: text after such a tag is buffered until the next tag or the end.
    A closing tag without an opening tag means that all answer text before it was reasoning.
    """

    __slots__ = (
        "_answer",
        "_held",
        "_last",
        "_silent",
        "_spellings",
        "_strict",
        "_thinking",
        "_thought",
    )

    def __init__(self, inline: Inline) -> None:
        self._spellings = tag_finder(inline.tags)
        self._strict = inline.strict
        self._silent = not inline.tags and not inline.strict and not inline.preopened
        self._thought = OpenThought(inline)
        self._answer = Answer(inline)
        self._thinking = inline.preopened
        self._held = ""
        self._last = ""

    @property
    def unclosed(self) -> bool:
        """Whether the response started inside a thought and has had no tag so far."""
        return self._thinking and self._thought.implicit

    @property
    def plain(self) -> bool:
        """Whether all following text is answer, so that it need not be parsed."""
        return self._silent or (self._answer.separate and self._answer.answered)

    def feed(self, text: str) -> list[Piece]:
        """Process the next chunk and return the pieces that are decided."""
        if self.plain:
            return [Piece("answer", text)]
        kind = self.feed_plain(text)
        if kind is not None:
            return [Piece(kind, text)]
        return self._take(self._held + text, last=False)

    def feed_plain(self, text: str) -> Literal["reasoning", "answer"] | None:
        """Process the next chunk if it cannot contain any part of a tag, and return its kind.

        Returns None, without processing the chunk, if it needs `feed`. Most chunks of a stream are
        plain, so this is the fast path.
        """
        if not text or self._held or self._thought.waits or not self._spellings.plain(text):
            return None
        self._last = text[-1]
        answer = self._answer
        if self._thinking:
            answer.fresh = answer.fresh and text.isspace()
            return "reasoning"
        if "\n" in text:
            answer.code.lines(text)
        else:
            answer.code.plain(text)
        if answer.fresh or not answer.answered:
            answer.note_answer(text)
        return "answer"

    def separate(self) -> list[Piece]:
        """Treat tags as text from now on, because the provider sends reasoning separately.

        Has no such effect with `strict`. A closing tag at the start of the text is still dropped.
        """
        pieces = self.interrupt()
        if self.unclosed:
            self._end_thought()
        self._answer.separate = not self._strict
        return pieces

    def interrupt(self) -> list[Piece]:
        """Return the buffered text, because something other than text follows. Ends a thought.

        With `strict`, a thought continues until its closing tag.
        """
        pieces = self._release()
        if self._thinking and not self._strict and not (self.unclosed and self._answer.fresh):
            self._end_thought()
        return pieces

    def begin_block(self) -> list[Piece]:
        """Start a new block of text from the provider, where a tag can open reasoning."""
        pieces = self.interrupt()
        if not self._thinking:
            self._answer.fresh = True
            self._answer.code.reset()
        return pieces

    def close(self, *, cut: bool = False) -> list[Piece]:
        """Return the buffered text at the end of the response.

        `cut`: the response was cut off, so an incomplete tag is dropped.
        """
        if cut and self._held[:1] not in {"`", "~"} and not self._spellings.unfinished(self._held):
            self._held = ""
        return self._release()

    def _release(self) -> list[Piece]:
        held, self._held = self._held, ""
        pieces = self._take(held, last=True) if held else []
        waiting = self._thought.take_waiting()
        if waiting is not None:
            # No further tag: the last closing tag did end the thought.
            self._end_thought()
            self._emit(waiting, pieces)
        return pieces

    def _take(self, text: str, *, last: bool) -> list[Piece]:
        pieces: list[Piece] = []
        end = len(text) if last else self._spellings.unfinished(text)
        place = 0
        while place < end:
            read = self._read_thought if self._thinking else self._read_answer
            stop, blocked = read(text, place, end, last, pieces)
            if blocked:
                end = stop
            place = stop
        self._held = text[end:]
        return pieces

    def _read_thought(
        self, text: str, start: int, end: int, last: bool, pieces: list[Piece]
    ) -> tuple[int, bool]:
        """Parse reasoning up to an effective tag. Return where, and whether to wait for more."""
        thought, place = self._thought, start
        while (mark := self._spellings.find(text, place, end)) is not None:
            place = mark.end
            if (text[mark.start - 1] if mark.start else self._last) == "`":
                if place == len(text) and not last:
                    self._emit(text[start : mark.start], pieces)
                    return mark.start, True
                if text[place : place + 1] == "`":
                    continue
            if not thought.counts(mark):
                continue
            between = text[mark.start : place]
            self._emit(text[start : mark.start], pieces)
            self._last = between[-1]
            if mark.kind == "open":
                thought.nest(mark, between, pieces, fresh=self._answer.fresh)
            elif thought.ends(mark, between, pieces):
                self._end_thought()
            return place, False
        self._emit(text[start:end], pieces)
        return end, False

    def _read_answer(
        self, text: str, start: int, end: int, last: bool, pieces: list[Piece]
    ) -> tuple[int, bool]:
        """Parse the answer up to an effective tag. Return where, and whether to wait for more."""
        code, place = self._answer.code, start
        while (found := self._spellings.find_or_code(text, place, end)) is not None:
            at = found.start() if isinstance(found, re.Match) else found.start
            if at > place:
                code.plain(text[place:at])
            if isinstance(found, re.Match):
                before = text[at - 1] if at else self._last
                code.mark(found.group(), escaped=before == "\\")
                place = found.end()
                continue
            inside = code.fenced
            if code.span and not inside:
                known = code.in_span(text, found.end, end, limit=_MAX_SPAN)
                if known is None and not last:
                    self._emit(text[start:at], pieces)
                    return at, True
                inside = bool(known)
                code.span = code.span if inside else 0
            place = found.end
            if not inside and self._answer.counts(found, text[start:at]):
                self._emit(text[start:at], pieces)
                if found.kind == "open":
                    self._thinking = self._answer.fresh = True
                    self._thought.open(found.name)
                elif found.kind == "close":
                    self._answer.reclassify(pieces)
                    self._end_thought()
                self._last = text[place - 1]
                return place, False
            code.plain(text[at:place])
        if end > place:
            code.plain(text[place:end])
        self._emit(text[start:end], pieces)
        return end, False

    def _end_thought(self) -> None:
        self._thinking = False
        self._answer.resume()

    def _emit(self, text: str, pieces: list[Piece]) -> None:
        """Emit text as reasoning or answer, depending on the state."""
        if not text:
            return
        self._last = text[-1]
        if self._thinking:
            self._answer.fresh = self._answer.fresh and text.isspace()
            self._thought.emit(text, pieces)
        else:
            self._answer.note_answer(text)
            pieces.append(Piece("answer", text))


def split(text: str, inline: Inline) -> tuple[str, str]:
    """Return the reasoning and the answer of a complete response."""
    splitter = InlineSplitter(inline)
    reasoning: list[str] = []
    answer: list[str] = []
    for kind, piece in [*splitter.feed(text), *splitter.close()]:
        if kind == "was_reasoning":
            reasoning.extend(answer)
            answer.clear()
        else:
            (reasoning if kind == "reasoning" else answer).append(piece)
    return "".join(reasoning), "".join(answer)
