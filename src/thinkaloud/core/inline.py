"""Split reasoning in tags off plain text, incrementally and whatever the cuts. Pure."""

from typing import Final, Literal, NamedTuple

import msgspec

from thinkaloud.core.code_state import CodeState
from thinkaloud.core.tags import BRACKETED, Mark, spellings

MAX_PENDING_CHARS: Final = 1_048_576
"""How much text may wait for the tag that says whether it is answer or still reasoning."""
_MAX_SPAN: Final = 2048
"""How far the other end of inline code may be from a tag in it."""


class Inline(msgspec.Struct, frozen=True):
    """How a model marks reasoning inside plain text."""

    tags: tuple[tuple[str, str], ...] = BRACKETED
    """Pairs beside the known ones. Empty: only `strict` looks for tags at all."""
    preopened: bool = False
    """The prompt has opened the tag: the response begins as reasoning."""
    orphans: bool = True
    """Whether a closing tag without an opening one makes reasoning of the text before it; `strict`
    always does. False where the request has turned reasoning off."""
    harmony: bool = True
    """Whether harmony's control tokens (gpt-oss) are read; `strict` always reads them."""
    strict: bool = False
    """Reasoning is withheld: every tag outside code counts, and what is in doubt is reasoning."""


Kind = Literal["reasoning", "answer", "was_reasoning"]


class Piece(NamedTuple):
    """A piece of a response. `was_reasoning`: all answer text before it was reasoning."""

    kind: Kind
    text: str = ""


class InlineSplitter:
    """Text in, pieces out: linear, holding back no more than decides what a text is.

    A tag opens reasoning at the start of the response and after a closing tag; in a response
    that has had a thought also at the start of a line, and with `strict` anywhere. Tags in code
    are text. Any closing tag ends a thought. With `strict` that holds for the last one only
    where tags are nested or do not match: text after such a tag waits for the next tag or the end.
    A closing tag without an opening one says that all answer text before it was reasoning.
    """

    __slots__ = (
        "_answered",
        "_code",
        "_depth",
        "_fresh",
        "_harmony",
        "_held",
        "_implicit",
        "_last",
        "_name",
        "_orphans",
        "_pending",
        "_pending_chars",
        "_pending_mark",
        "_prose",
        "_separate",
        "_silent",
        "_spellings",
        "_strict",
        "_thinking",
        "_thought",
    )

    def __init__(self, inline: Inline) -> None:
        self._spellings = spellings(inline.tags)
        self._strict = inline.strict
        self._orphans = inline.orphans or inline.strict
        self._harmony = inline.harmony or inline.strict
        self._silent = not inline.tags and not inline.strict and not inline.preopened
        self._code = CodeState()
        self._held = ""
        self._last = ""
        self._thinking = self._implicit = inline.preopened
        self._thought = False
        self._name = ""
        self._depth = 1
        self._fresh = True
        self._answered = False
        self._prose = 0
        self._separate = False
        self._pending: list[str] | None = None
        self._pending_chars = 0
        self._pending_mark = ""

    @property
    def unclosed(self) -> bool:
        """Whether the response began inside a thought and no tag has come so far."""
        return self._thinking and self._implicit

    @property
    def plain(self) -> bool:
        """Whether all that follows is answer text, so that it need not be read."""
        return self._silent or (self._separate and self._answered)

    def feed(self, text: str) -> list[Piece]:
        """Take the next text and return what is certain."""
        if self.plain:
            return [Piece("answer", text)]
        if not self._held and self._pending is None and self._spellings.plain(text):
            self._last = text[-1:]
            if self._thinking:
                self._fresh = self._fresh and text.isspace()
                return [Piece("reasoning", text)]
            self._code.plain(text)
            self._answer_seen(text)
            return [Piece("answer", text)]
        return self._take(self._held + text, last=False)

    def separate(self) -> list[Piece]:
        """Say that the provider sends reasoning apart, so that tags in the text are text.

        Not with `strict`. A closing tag at the start of the text is dropped all the same.
        """
        pieces = self.interrupt()
        if self._implicit:
            self._end_thought()
        self._separate = not self._strict
        return pieces

    def interrupt(self) -> list[Piece]:
        """Return what is held back: something else than text follows. A thought is over.

        With `strict` a thought goes on behind it until its tag closes it.
        """
        pieces = self._release()
        if self._thinking and not self._strict and not (self._implicit and self._fresh):
            self._end_thought()
        return pieces

    def begin_block(self) -> list[Piece]:
        """Say that the provider begins a new block of text: a tag may open reasoning there."""
        pieces = self.interrupt()
        if not self._thinking:
            self._fresh = True
            self._code.reset()
        return pieces

    def close(self, *, cut: bool = False) -> list[Piece]:
        """Return what is held back at the end of the response.

        With `cut` without half a tag: the response broke off there, and it is no word.
        """
        if cut and self._held[:1] not in {"`", "~"} and not self._spellings.unfinished(self._held):
            self._held = ""
        return self._release()

    def _release(self) -> list[Piece]:
        held, self._held = self._held, ""
        pieces = self._take(held, last=True) if held else []
        if self._pending is not None:
            # No tag has come: the last closing one did end the thought.
            waiting = "".join(self._pending)
            self._pending = None
            self._end_thought()
            if waiting:
                self._answer_seen(waiting)
                pieces.append(Piece("answer", waiting))
        return pieces

    def _take(self, text: str, *, last: bool) -> list[Piece]:
        pieces: list[Piece] = []
        end = len(text) if last else self._spellings.unfinished(text)
        place = 0
        while place < end:
            read = self._think if self._thinking else self._say
            stop, blocked = read(text, place, end, last, pieces)
            if blocked:
                end = stop
            place = stop
        self._held = text[end:]
        return pieces

    def _think(
        self, text: str, start: int, end: int, last: bool, pieces: list[Piece]
    ) -> tuple[int, bool]:
        """Read reasoning up to a tag that counts; return where, and whether more must come."""
        place = start
        while (mark := self._spellings.find(text, place, end)) is not None:
            if (text[mark.start - 1] if mark.start else self._last) == "`":
                if mark.end == len(text) and not last:
                    self._reason(text[start : mark.start], pieces)
                    return mark.start, True
                if text[mark.end : mark.end + 1] == "`":
                    place = mark.end
                    continue
            if self._counts_in_thought(mark):
                self._reason(text[start : mark.start], pieces)
                self._mark_in_thought(mark, text[mark.start : mark.end], pieces)
                self._last = ">"
                return mark.end, False
            place = mark.end
        self._reason(text[start:end], pieces)
        return end, False

    def _counts_in_thought(self, mark: Mark) -> bool:
        if mark.name == "harmony" and not self._harmony:
            return False
        if mark.kind in {"close", "open"}:
            return mark.name != "pair" or self._implicit or self._name == "pair"
        return mark.kind in {"final", "end"} and self._name == mark.name

    def _mark_in_thought(self, mark: Mark, said: str, pieces: list[Piece]) -> None:
        if mark.kind == "open":
            if self._implicit and self._fresh:
                self._name, self._implicit = mark.name, False
                return
            self._settle_pending(pieces)
            if mark.name == self._name == "harmony":
                return
            self._reason(said, pieces)
            self._depth += self._strict
            return
        matches = self._implicit or mark.name == self._name
        if not self._strict or (self._depth <= 1 and matches):
            self._settle_pending(pieces)
            self._end_thought()
            return
        self._settle_pending(pieces)
        self._depth = max(1, self._depth - 1)
        self._pending, self._pending_chars, self._pending_mark = [], 0, said

    def _settle_pending(self, pieces: list[Piece]) -> None:
        """Say what was waiting as reasoning."""
        pending, self._pending = self._pending, None
        if pending is not None:
            self._reason(self._pending_mark + "".join(pending), pieces)

    def _end_thought(self) -> None:
        self._thinking = self._implicit = False
        self._thought = self._fresh = True
        self._depth, self._prose = 1, 0
        self._code.reset()

    def _reason(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        self._last = text[-1]
        self._fresh = self._fresh and text.isspace()
        if self._pending is None:
            pieces.append(Piece("reasoning", text))
            return
        self._pending.append(text)
        self._pending_chars += len(text)
        if self._pending_chars > MAX_PENDING_CHARS:
            pieces.append(Piece("reasoning", self._pending_mark + "".join(self._pending)))
            self._pending, self._pending_chars, self._pending_mark = [], 0, ""

    def _say(
        self, text: str, start: int, end: int, last: bool, pieces: list[Piece]
    ) -> tuple[int, bool]:
        """Read answer text up to a tag that counts; return where, and whether more must come."""
        code, place = self._code, start
        while (found := self._spellings.find_or_code(text, place, end)) is not None:
            at = found.start if isinstance(found, Mark) else found.start()
            if at > place:
                code.plain(text[place:at])
            if not isinstance(found, Mark):
                before = text[at - 1] if at else self._last
                code.mark(found.group(), escaped=before == "\\")
                place = found.end()
                continue
            inside = code.fenced
            if code.span and not inside:
                known = code.in_span(text, found.end, end, limit=_MAX_SPAN)
                if known is None and not last:
                    self._answer(text[start:at], pieces)
                    return at, True
                inside = bool(known)
                code.span = code.span if inside else 0
            said = text[start:at]
            if not inside and self._mark_in_answer(found, said, pieces):
                self._last = ">"
                return found.end, False
            code.plain(text[at : found.end])
            place = found.end
        if end > place:
            code.plain(text[place:end])
        self._answer(text[start:end], pieces)
        return end, False

    def _mark_in_answer(self, mark: Mark, said: str, pieces: list[Piece]) -> bool:
        """Whether a tag counts here; then `said`, which stands before it, is given out too."""
        if mark.name == "harmony" and (self._separate or not self._harmony):
            return False
        fresh = self._fresh and (not said or said.isspace())
        match mark.kind:
            case "open":
                if not self._opens(mark, fresh=fresh):
                    self._prose += 1
                    return False
                self._answer(said, pieces)
                self._thinking = self._fresh = True
                self._name = mark.name
            case "close":
                return self._orphan(mark, said, pieces)
            case "empty":
                if not fresh and not self._strict:
                    return False
                self._answer(said, pieces)
            case "wrapper" | "end" | "final":
                if not self._thought and not (mark.kind == "final" and fresh):
                    return False
                self._answer(said, pieces)
        return True

    def _opens(self, mark: Mark, *, fresh: bool) -> bool:
        if self._strict:
            return True
        if self._separate:
            return False
        return fresh or (self._thought and self._code.line_is_empty)

    def _orphan(self, mark: Mark, said: str, pieces: list[Piece]) -> bool:
        """Read a closing tag that no tag has opened."""
        answered = self._answered or not (not said or said.isspace())
        if mark.name == "pair" or (answered and (self._separate or not self._orphans)):
            return False
        if self._prose and not self._strict:
            self._prose -= 1
            return False
        self._answer(said, pieces)
        if answered:
            pieces.append(Piece("was_reasoning"))
        self._answered = False
        self._end_thought()
        return True

    def _answer(self, text: str, pieces: list[Piece]) -> None:
        if text:
            self._last = text[-1]
            self._answer_seen(text)
            pieces.append(Piece("answer", text))

    def _answer_seen(self, text: str) -> None:
        if (self._fresh or not self._answered) and not text.isspace():
            self._fresh, self._answered = False, True


def split(text: str, inline: Inline) -> tuple[str, str]:
    """Return the reasoning and the answer of a whole response."""
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
