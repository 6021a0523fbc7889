"""Compiles a regular expression to an automaton that can read a stream. Pure.

`re` and the regular expression libraries answer whether a text matches. A stream needs a third
answer, whether it could still match once more text arrives, and always in linear time. So a
pattern is converted to a Glushkov automaton, which has one position for each character of the
pattern and no empty transitions: <https://en.wikipedia.org/wiki/Glushkov%27s_construction_algorithm>.
"""

from typing import Final

import msgspec

from thinkaloud.core.redaction.charset import CharSet
from thinkaloud.core.redaction.syntax import (
    UNBOUNDED,
    Characters,
    Choice,
    Node,
    Repeat,
    Sequence,
    parse,
)

MAX_POSITIONS: Final = 512
"""The maximum size of a pattern, with its counted repetitions written out."""


class _Part(msgspec.Struct, frozen=True):
    """A part of the pattern: whether it matches the empty text, and where it begins and ends."""

    nullable: bool
    first: frozenset[int]
    last: frozenset[int]


_EMPTY: Final = _Part(True, frozenset(), frozenset())


class Pattern:
    """The automaton of a pattern. Raises `ValueError` with the reason why it can't be used."""

    def __init__(self, text: str) -> None:
        syntax = parse(text)
        self.starts_word = syntax.starts_word
        """Whether it starts with `\\b`."""
        self.ends_word = syntax.ends_word
        """Whether it ends with `\\b`."""
        self.chars: list[CharSet] = []
        """The characters that each position accepts."""
        self.follow: list[set[int]] = []
        """The positions that can follow each position."""
        self.repeated: set[tuple[int, int]] = set()
        """Transitions that exist for two reasons, so that a text matches in two ways."""
        whole = self._part(syntax.root)
        if whole.nullable:
            raise ValueError("matches the empty text")
        self.first = whole.first
        """The positions of the first character."""
        self.last = whole.last
        """The positions of the last character."""

    def _part(self, node: Node) -> _Part:
        match node:
            case Characters(chars=chars):
                return self._position(chars)
            case Sequence(items=items):
                part = _EMPTY
                for item in items:
                    part = self._joined(part, self._part(item))
                return part
            case Choice(items=items):
                parts = [self._part(item) for item in items]
                return _Part(
                    any(part.nullable for part in parts),
                    frozenset[int]().union(*[part.first for part in parts]),
                    frozenset[int]().union(*[part.last for part in parts]),
                )
            case Repeat():
                return self._repeat(node)

    def _position(self, chars: CharSet) -> _Part:
        if len(self.chars) >= MAX_POSITIONS:
            raise ValueError(f"is too long: it has more than {MAX_POSITIONS} characters")
        place = frozenset({len(self.chars)})
        self.chars.append(chars)
        self.follow.append(set())
        return _Part(False, place, place)

    def _joined(self, left: _Part, right: _Part) -> _Part:
        self._connect(left.last, right.first)
        return _Part(
            left.nullable and right.nullable,
            left.first | right.first if left.nullable else left.first,
            left.last | right.last if right.nullable else right.last,
        )

    def _repeat(self, node: Repeat) -> _Part:
        # Copies after the first `least` are nested, as in (x(x)?)?: fewer transitions.
        copies = max(node.least, 1) if node.most == UNBOUNDED else node.most
        whole, before = _EMPTY, _EMPTY
        for number in range(copies):
            part = self._part(node.item)
            self._connect(before.last, part.first)
            if node.most == UNBOUNDED and number == copies - 1:
                self._connect(part.last, part.first)
            optional = part.nullable or number >= node.least
            whole = _Part(
                whole.nullable and optional,
                whole.first or part.first,
                whole.last | part.last if optional else part.last,
            )
            before = part
        return whole

    def _connect(self, before: frozenset[int], after: frozenset[int]) -> None:
        for position in before:
            found = self.follow[position]
            self.repeated.update((position, each) for each in found & after)
            found |= after
