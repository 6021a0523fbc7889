"""Redacts secrets in a text that arrives in pieces. Pure.

The result does not depend on how the text is cut: it is defined by its characters. At each one from
which a rule could match, the automaton reads on. As soon as a rule has matched, its marker replaces
the text, and what continues the match is dropped. If no rule has matched after `MAX_HELD`
characters, or none can any more, the character is ordinary text.
"""

import re
from collections.abc import Sequence
from typing import Final

from thinkaloud.core.redaction.ambiguity import can_be_exponential
from thinkaloud.core.redaction.automaton import Automaton, State
from thinkaloud.core.redaction.pattern import Pattern
from thinkaloud.core.redaction.rule import BUILT_IN_RULES, NAME, Boundary, Rule

MAX_HELD: Final = 128
"""The most characters that are held back because they could still be a secret."""
MAX_BLOCK: Final = 16 * 1024
"""The most characters of a secret that ends at `Rule.until`."""
_AFTER_MARKER: Final = "]"
_BEHIND: Final[dict[Boundary, str]] = {
    "any": "",
    "no_letter": "(?<![A-Za-z0-9])",
    "no_word": r"(?<![A-Za-z0-9_\x80-\U0010ffff])",
}

Piece = tuple[int, int, str]
"""Text, and the offsets of the original from which to which it is; a marker has twice where its
secret began."""


class Redactor:
    """Redacts what its rules match. It is shared: `stream` returns the state for one text.

    Raises `ValueError` for a rule that can't be used, naming it.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = (*BUILT_IN_RULES, *rules)
        for rule in rules:
            _check(rule)
        self.automaton = Automaton(self.rules)
        # Both patterns look at up to three characters; at the end of the text, at those there are.
        begins = "|".join(
            f"{_BEHIND[after]}(?={chars})(?:{head})"
            for after, (chars, head) in self.automaton.heads.items()
        )
        self.find_start = re.compile(begins, re.ASCII).search
        """Finds where a rule could begin, if nothing stands before the text."""
        anywhere = "|".join(head for _, head in self.automaton.heads.values())
        self.can_start = re.compile(anywhere, re.ASCII).match
        """Whether a rule could begin at an offset, whatever stands before it."""
        self.ends = {rule.until: re.compile(rule.until, re.ASCII) for rule in self.rules}

    def stream(self) -> "RedactionStream":
        """Return a stream for a new text."""
        return RedactionStream(self)

    def redact(self, text: str) -> str:
        """Redact a complete text."""
        if self.find_start(text) is None:
            return text
        stream = RedactionStream(self)
        pieces = [*stream.feed(text), *stream.end()]
        return "".join([piece for _, _, piece in pieces])


class RedactionStream:
    """Redacts one text that arrives in pieces."""

    __slots__ = (
        "_barrier",
        "_block",
        "_marked",
        "_previous",
        "_redactor",
        "_state",
        "held",
        "position",
    )

    def __init__(self, redactor: Redactor) -> None:
        self.held = ""
        """The end of the text so far, if it could belong to a secret that isn't complete."""
        self.position = 0
        """The offset of `held` in the text."""
        self._redactor = redactor
        self._previous = ""
        self._state: State | None = None
        self._marked = False
        """Whether `held` continues a secret whose marker was already returned."""
        self._block: _Block | None = None
        self._barrier: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing before the next text matters to it, except its last character."""
        return self._state is None and self._block is None

    def feed(self, text: str) -> list[Piece]:
        """Add text. Returns what is certain by now, in order."""
        return self._read(self.held + text, len(self.held), final=False)

    def end(self) -> list[Piece]:
        """End the text. Returns the rest of it."""
        return self._read(self.held, len(self.held), final=True)

    def stop_starting(self) -> None:
        """Redact from here on only what continues a secret that began before."""
        self._barrier = self.position + len(self.held)

    @property
    def has_stopped_starting(self) -> bool:
        """Whether `stop_starting` was called."""
        return self._barrier is not None

    def skip(self, text: str) -> None:
        """Add text that was checked: the stream is idle, and nothing begins in it."""
        self.position += len(text)
        self._previous = text[-1]

    def _read(self, text: str, known: int, *, final: bool) -> list[Piece]:
        """Read on in `text`, which starts with `held`; `known` characters of it were read."""
        pieces: list[Piece] = []
        base, at = self.position, 0
        while True:
            if self._block is not None:
                at, done = self._block.skip(text, at)
                if done:
                    self._block, self._previous = None, _AFTER_MARKER
                elif final:
                    self._block = None
                known = at
            if self._state is None:
                start = self._find(text, at)
                if start > at:
                    pieces.append((base + at, base + start, text[at:start]))
                    self._previous = text[start - 1]
                if start == len(text) or self._block is not None:
                    self.held, self.position = "", base + start
                    return pieces
                at = known = start
                self._state = self._redactor.automaton.start(self._previous)
                self._marked = False
            read = self._match(text, at, known, final=final)
            if read is None:
                self.held, self.position = text[at:], base + at
                return pieces
            at, known = self._resolve(read, text, at, base, pieces)

    def _resolve(
        self, read: "_Read", text: str, at: int, base: int, pieces: list[Piece]
    ) -> tuple[int, int]:
        rule, end = read
        if rule is None:
            # No secret, or no longer.
            self._state = None
            if self._marked:
                self._previous = _AFTER_MARKER
                return at, at
            pieces.append((base + at, base + at + 1, text[at]))
            self._previous = text[at]
            return at + 1, at + 1
        if not self._marked:
            pieces.append((base + at, base + at, f"[redacted:{rule.kind}]"))
            self._marked = True
            if rule.until:
                self._block = _Block(self._redactor.ends[rule.until], end - at)
        if rule.until or rule.whole:
            self._state, self._previous = None, _AFTER_MARKER
        return end, end

    def _find(self, text: str, at: int) -> int:
        """Return where a rule could begin, or the end of the text."""
        if self._block is not None:
            return at
        stop = len(text)
        if self._barrier is not None:
            stop = self._barrier - self.position
            if at >= stop:
                return len(text)
        redactor = self._redactor
        if at < len(text) and redactor.can_start(text, at):
            # What stands before it may not be in `text`, or be a marker.
            state = redactor.automaton.start(self._previous)
            if redactor.automaton.step(state, text[at]) is not None:
                return at
        found = redactor.find_start(text, at + 1) if at < len(text) else None
        return len(text) if found is None or found.start() >= stop else found.start()

    def _match(self, text: str, at: int, known: int, *, final: bool) -> "_Read | None":
        """Read on from `known` until a rule matches or none can; None: more text is needed.

        Returns the rule that matches up to an offset; no rule means that none can match.
        """
        state, step = self._state, self._redactor.automaton.step
        place = known
        while state is not None and place - at <= MAX_HELD:
            is_last = place == len(text)
            if state.conditional and (final or not is_last):
                rule = self._matched(state, text, at, place)
                if rule is not None:
                    self._state = state
                    return rule, place
            if is_last:
                self._state = state
                return (None, at) if final else None
            if place - at == MAX_HELD:
                break
            state = step(state, text[place])
            place += 1
            if state is not None and state.certain is not None:
                self._state = state
                return state.certain, place
        return None, at

    def _matched(self, state: State, text: str, at: int, place: int) -> Rule | None:
        """Return a rule that matches up to `place`, given the text and the next character."""
        following = text[place : place + 1]
        for rule in state.conditional:
            if following and following in rule.not_before:
                continue
            if self._marked:
                # It continues: what `check` would need is gone.
                if place > at and not rule.whole:
                    return rule
            elif rule.check is None or rule.check(text[at:place]):
                return rule
        return None


_Read = tuple[Rule | None, int]


class _Block:
    """The rest of a secret that ends at a pattern."""

    __slots__ = ("_end", "_length", "_tail")

    def __init__(self, end: re.Pattern[str], length: int) -> None:
        self._end = end
        self._length = length
        self._tail = ""

    def skip(self, text: str, at: int) -> tuple[int, bool]:
        """Return the offset of the first character after the secret, and whether it is complete."""
        room = MAX_BLOCK - self._length
        new = text[at : at + room]
        found = self._end.search(self._tail + new)
        if found is not None:
            return at + found.end() - len(self._tail), True
        self._length += len(new)
        self._tail = (self._tail + new)[-MAX_HELD:]
        return at + len(new), len(new) == room


def _check(rule: Rule) -> None:
    if not NAME.match(rule.kind):
        raise ValueError(f"{rule.kind!r} is not a name: use a-z, 0-9, _ and -")
    try:
        pattern = Pattern(rule.pattern)
        exponential = can_be_exponential(pattern)
    except ValueError as error:
        raise ValueError(f"{rule.kind}: the pattern {error}") from error
    if exponential:
        raise ValueError(
            f"{rule.kind}: the pattern can take exponential time: a repetition contains another"
            " one that matches the same text"
        )
