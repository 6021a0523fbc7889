"""What tags in a stream of plain text mean, in a thought and in an answer. Pure."""

from typing import Final, Literal, NamedTuple

import msgspec

from thinkaloud.core.parsers.inline_tags import BRACKETED, Mark
from thinkaloud.core.parsers.markdown_code import CodeState

MAX_PENDING_CHARS: Final = 1_048_576
"""How much text may wait for the tag that says whether it is answer or still reasoning."""


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


class Thought:
    """A thought that is open: which tag opened it, how deep tags are nested, and what waits."""

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
        """Whether the prompt opened it, and no tag has come so far."""
        self.open("")

    @property
    def waits(self) -> bool:
        """Whether text waits for the tag that says what it is."""
        return self._waiting is not None

    def open(self, name: str) -> None:
        """Begin a thought. Without a name the prompt has begun it."""
        self.implicit = not name
        self._name = name
        self._depth = 1

    def counts(self, mark: Mark) -> bool:
        """Whether a tag means something here, rather than being a word of the thought."""
        if mark.name == "harmony" and not self._harmony:
            return False
        if mark.kind in {"close", "open"}:
            return mark.name != "pair" or self.implicit or self._name == "pair"
        return mark.kind in {"final", "end"} and self._name == mark.name

    def say(self, text: str, pieces: list[Piece]) -> None:
        """Give out reasoning, or let it wait."""
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

    def nest(self, mark: Mark, said: str, pieces: list[Piece], *, fresh: bool) -> None:
        """Read an opening tag inside the thought."""
        if self.implicit and fresh:
            self.open(mark.name)
            return
        self._settle(pieces)
        if not mark.name == self._name == "harmony":
            self.say(said, pieces)
            self._depth += self._strict

    def ends(self, mark: Mark, said: str, pieces: list[Piece]) -> bool:
        """Whether a closing tag ends the thought for certain; else what follows waits."""
        self._settle(pieces)
        matches = self.implicit or mark.name == self._name
        if not self._strict or (self._depth <= 1 and matches):
            return True
        self._depth = max(1, self._depth - 1)
        self._wait(said)
        return False

    def take_waiting(self) -> str | None:
        """Return what waits, which is answer: no tag has come. None where nothing waits."""
        waiting, self._waiting = self._waiting, None
        return None if waiting is None else "".join(waiting)

    def _wait(self, mark: str) -> None:
        self._waiting, self._chars, self._mark = [], 0, mark

    def _settle(self, pieces: list[Piece]) -> None:
        """Give out what waits as reasoning."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.say(self._mark + "".join(waiting), pieces)


class Answer:
    """The answer so far: what it takes for a tag to count in it."""

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
        """Whether nothing but white space was said since the response or the answer began."""
        self.answered = False
        """Whether any answer text other than white space was said."""
        self.separate = False
        """Whether the provider sends reasoning apart, so that tags are text."""
        self.thought = False
        """Whether the response has had a thought in tags."""

    def resume(self) -> None:
        """Go on after a thought."""
        self.thought = self.fresh = True
        self._prose = 0
        self.code.reset()

    def see(self, text: str) -> None:
        """Take answer text."""
        if (self.fresh or not self.answered) and text and not text.isspace():
            self.fresh, self.answered = False, True

    def reclassify(self, pieces: list[Piece]) -> None:
        """Take back the answer text so far: it was reasoning."""
        if self.answered:
            pieces.append(Piece("was_reasoning"))
        self.answered = False

    def counts(self, mark: Mark, said: str) -> bool:
        """Whether a tag counts here, after `said`, which has not been seen yet."""
        if mark.name == "harmony" and (self.separate or not self._harmony):
            return False
        blank = not said or said.isspace()
        fresh = self.fresh and blank
        match mark.kind:
            case "open":
                if self._opens(fresh=fresh):
                    return True
                self._prose += 1
                return False
            case "close":
                return self._closes(mark, answered=self.answered or not blank)
            case "empty":
                return fresh or self._strict
            case "wrapper" | "end" | "final":
                return self.thought or (mark.kind == "final" and fresh)

    def _opens(self, *, fresh: bool) -> bool:
        if self._strict:
            return True
        if self.separate:
            return False
        return fresh or (self.thought and self.code.line_is_empty)

    def _closes(self, mark: Mark, *, answered: bool) -> bool:
        """Whether a closing tag counts that no tag has opened."""
        if mark.name == "pair" or (answered and (self.separate or not self._orphans)):
            return False
        if self._prose and not self._strict:
            self._prose -= 1
            return False
        return True
