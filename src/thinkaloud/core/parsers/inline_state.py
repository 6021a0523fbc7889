"""The meaning of tags in a stream of plain text, in a thought and in an answer. Pure."""

from typing import Final, Literal, NamedTuple

import msgspec

from thinkaloud.core.parsers.inline_tags import BRACKETED, Tag
from thinkaloud.core.parsers.markdown_code import CodeState

MAX_PENDING_CHARS: Final = 1_048_576
"""How much text to buffer until a tag decides whether it is answer or reasoning."""


class Inline(msgspec.Struct, frozen=True):
    """How a model marks reasoning inside plain text."""

    tags: tuple[tuple[str, str], ...] = BRACKETED
    """Pairs in addition to the known ones. Empty: look for tags only if `strict` is set."""
    preopened: bool = False
    """The prompt contains the opening tag, so the response starts with reasoning."""
    orphans: bool = True
    """Whether a closing tag without an opening tag turns the text before it into reasoning; always
    true with `strict`. False if the request turned reasoning off."""
    harmony: bool = True
    """Whether to parse harmony's control tokens (gpt-oss); always true with `strict`."""
    strict: bool = False
    """Reasoning must not leak: every tag outside code counts, and undecided text is reasoning."""


Kind = Literal["reasoning", "answer", "was_reasoning"]


class Piece(NamedTuple):
    """A piece of a response. `was_reasoning`: all answer text before it was reasoning."""

    kind: Kind
    text: str = ""


class OpenThought:
    """An open thought: the tag that opened it, the nesting depth, and the buffered text."""

    __slots__ = (
        "_chars",
        "_depth",
        "_harmony",
        "_mark",
        "_name",
        "_strict",
        "_waiting",
        "implicit",
    )

    def __init__(self, inline: Inline) -> None:
        self._strict = inline.strict
        self._harmony = inline.harmony or inline.strict
        self._waiting: list[str] | None = None
        self._chars = 0
        self._mark = ""
        self.implicit = False
        """Whether the prompt opened it, and there was no tag so far."""
        self.open("")

    @property
    def waits(self) -> bool:
        """Whether text is buffered until a tag decides what it is."""
        return self._waiting is not None

    def open(self, name: str) -> None:
        """Start a thought. An empty name means that the prompt opened it."""
        self.implicit = not name
        self._name = name
        self._depth = 1

    def counts(self, mark: Tag) -> bool:
        """Whether a tag is effective here, or just text of the thought."""
        if mark.name == "harmony" and not self._harmony:
            return False
        if mark.kind in {"close", "open"}:
            return mark.name != "pair" or self.implicit or self._name == "pair"
        return mark.kind in {"final", "end"} and self._name == mark.name

    def emit(self, text: str, pieces: list[Piece]) -> None:
        """Emit reasoning, or buffer it."""
        if not text:
            return
        if self._waiting is None:
            pieces.append(Piece("reasoning", text))
            return
        self._waiting.append(text)
        self._chars += len(text)
        if self._chars > MAX_PENDING_CHARS:
            pieces.append(Piece("reasoning", self._mark + "".join(self._waiting)))
            self._wait("")

    def nest(self, mark: Tag, text: str, pieces: list[Piece], *, fresh: bool) -> None:
        """Process an opening tag inside the thought."""
        if self.implicit and fresh:
            self.open(mark.name)
            return
        self._flush_waiting(pieces)
        if not mark.name == self._name == "harmony":
            self.emit(text, pieces)
            self._depth += self._strict

    def ends(self, mark: Tag, text: str, pieces: list[Piece]) -> bool:
        """Whether a closing tag certainly ends the thought. Otherwise, buffer what follows."""
        self._flush_waiting(pieces)
        matches = self.implicit or mark.name == self._name
        if not self._strict or (self._depth <= 1 and matches):
            return True
        self._depth = max(1, self._depth - 1)
        self._wait(text)
        return False

    def take_waiting(self) -> str | None:
        """Return the buffered text, which is answer as no tag followed; None if there is none."""
        waiting, self._waiting = self._waiting, None
        return None if waiting is None else "".join(waiting)

    def _wait(self, mark: str) -> None:
        self._waiting, self._chars, self._mark = [], 0, mark

    def _flush_waiting(self, pieces: list[Piece]) -> None:
        """Emit the buffered text as reasoning."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.emit(self._mark + "".join(waiting), pieces)


class Answer:
    """The state of the answer, which decides whether a tag is effective in it."""

    __slots__ = (
        "_harmony",
        "_orphans",
        "_prose",
        "_strict",
        "answered",
        "code",
        "fresh",
        "separate",
        "thought",
    )

    def __init__(self, inline: Inline) -> None:
        self._strict = inline.strict
        self._orphans = inline.orphans or inline.strict
        self._harmony = inline.harmony or inline.strict
        self._prose = 0
        self.code = CodeState()
        self.fresh = True
        """Whether there was only white space since the start of the response or the answer."""
        self.answered = False
        """Whether there was any answer text other than white space."""
        self.separate = False
        """Whether the provider sends reasoning separately, so that tags are text."""
        self.thought = False
        """Whether the response has had a tagged thought."""

    def resume(self) -> None:
        """Continue after a thought."""
        self.thought = self.fresh = True
        self._prose = 0
        self.code.reset()

    def note_answer(self, text: str) -> None:
        """Process answer text."""
        if (self.fresh or not self.answered) and text and not text.isspace():
            self.fresh, self.answered = False, True

    def reclassify(self, pieces: list[Piece]) -> None:
        """Reclassify the answer text so far as reasoning."""
        if self.answered:
            pieces.append(Piece("was_reasoning"))
        self.answered = False

    def counts(self, mark: Tag, text: str) -> bool:
        """Whether a tag is effective here, after `text`, which was not passed to `note_answer` yet."""
        if mark.name == "harmony" and (self.separate or not self._harmony):
            return False
        blank = not text or text.isspace()
        fresh = self.fresh and blank
        match mark.kind:
            case "open":
                if self._is_opening(fresh=fresh):
                    return True
                self._prose += 1
                return False
            case "close":
                return self._closes(mark, answered=self.answered or not blank)
            case "empty":
                return fresh or self._strict
            case "wrapper" | "end" | "final":
                return self.thought or (mark.kind == "final" and fresh)

    def _is_opening(self, *, fresh: bool) -> bool:
        if self._strict:
            return True
        if self.separate:
            return False
        return fresh or (self.thought and self.code.line_is_empty)

    def _closes(self, mark: Tag, *, answered: bool) -> bool:
        """Whether a closing tag without an opening tag is effective."""
        if mark.name == "pair" or (answered and (self.separate or not self._orphans)):
            return False
        if self._prose and not self._strict:
            self._prose -= 1
            return False
        return True
