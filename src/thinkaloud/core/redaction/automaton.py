"""A lazily built deterministic automaton that reads all rules at once. Pure.

A text of n characters takes n steps, each a look-up once its transition was computed.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from thinkaloud.core.redaction.charset import CharSet, as_class, union
from thinkaloud.core.redaction.pattern import Pattern
from thinkaloud.core.redaction.rule import Boundary, Rule

_MAX_STATES: Final = 4_096
"""States kept in memory. Rules that need more compute some again and again, but in linear time."""
_ASCII: Final = 128


class State:
    """A set of positions in the rules, and what has matched when it is reached."""

    __slots__ = ("certain", "conditional", "next", "positions")

    def __init__(self, positions: frozenset[int], matched: Sequence[Rule]) -> None:
        self.positions = positions
        self.next: dict[int, State | None] = {}
        """By class of character; None: no rule can match any more."""
        self.certain = next((rule for rule in matched if not _is_conditional(rule)), None)
        """A rule that has matched, whatever follows."""
        self.conditional = tuple(rule for rule in matched if _is_conditional(rule))
        """Rules that have matched, depending on the text and on the next character."""


class Automaton:
    """The automaton of some rules. Raises `ValueError` for a pattern that can't be used."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._chars: list[CharSet] = []
        self._follow: list[set[int]] = []
        self._rule_of: dict[int, Rule] = {}
        """The rule that has matched at a position, if any."""
        first: dict[Boundary, set[int]] = {"any": set(), "no_letter": set(), "no_word": set()}
        heads: dict[Boundary, list[str]] = {"any": [], "no_letter": [], "no_word": []}
        for rule in rules:
            pattern = Pattern(rule.pattern)
            after: Boundary = "no_word" if pattern.starts_word else rule.after
            offset = len(self._chars)
            self._chars += pattern.chars
            self._follow += [{each + offset for each in follow} for follow in pattern.follow]
            for position in pattern.last:
                self._rule_of[position + offset] = _ending_at_word(rule, pattern)
            first[after] |= {each + offset for each in pattern.first}
            heads[after].append(_head(pattern))
        self.heads: dict[Boundary, tuple[str, str]] = {
            after: (
                as_class(union(edge for each in first[after] for edge in self._chars[each])),
                "|".join(dict.fromkeys(found)),
            )
            for after, found in heads.items()
            if found
        }
        """Regular expressions for the first character and for the beginnings of the rules, by what
        can't stand before them."""
        cuts = {edge for chars in self._chars for low, high in chars for edge in (low, high + 1)}
        self._cuts = sorted(cuts)
        self._class_of_ascii = [bisect_right(self._cuts, code) for code in range(_ASCII)]
        self._states: dict[frozenset[int], State] = {}
        anywhere = first["any"]
        self._after_word = State(frozenset(anywhere), ())
        self._after_other_word = State(frozenset(anywhere | first["no_letter"]), ())
        self._at_start = State(frozenset(anywhere | first["no_letter"] | first["no_word"]), ())

    def start(self, previous: str) -> State:
        """Return the state before the first character, after this character or none.

        The positions of a start are those that can come next.
        """
        if not previous or not (previous.isalnum() or previous == "_" or previous >= "\x80"):
            return self._at_start
        return (
            self._after_word if previous.isascii() and previous != "_" else self._after_other_word
        )

    def step(self, state: State, char: str) -> State | None:
        """Return the state after a character; None if nothing can match any more."""
        code = ord(char)
        known = self._class_of_ascii[code] if code < _ASCII else bisect_right(self._cuts, code)
        if known in state.next:
            return state.next[known]
        is_start = state in {self._at_start, self._after_word, self._after_other_word}
        follow = self._follow
        after = (
            state.positions
            if is_start
            else set[int]().union(*[follow[position] for position in state.positions])
        )
        found = frozenset(each for each in after if _has(self._chars[each], code))
        result = state.next[known] = self._state(found) if found else None
        return result

    def _state(self, positions: frozenset[int]) -> State:
        state = self._states.get(positions)
        if state is None:
            if len(self._states) >= _MAX_STATES:
                # Streams keep the states that they are in; the start forgets its successors.
                self._states.clear()
                for start in (self._at_start, self._after_word, self._after_other_word):
                    start.next.clear()
            matched = [self._rule_of[each] for each in sorted(positions) if each in self._rule_of]
            state = self._states[positions] = State(positions, matched)
        return state


def _is_conditional(rule: Rule) -> bool:
    return rule.check is not None or bool(rule.not_before)


_WORD: Final = "".join(chr(code) for code in range(_ASCII) if chr(code).isalnum() or code == 95)


def _ending_at_word(rule: Rule, pattern: Pattern) -> Rule:
    if not pattern.ends_word:
        return rule
    return Rule(rule.kind, rule.pattern, rule.check, rule.whole, _WORD, rule.after, rule.until)


def _has(chars: CharSet, code: int) -> bool:
    return any(low <= code <= high for low, high in chars)


def _head(pattern: Pattern) -> str:
    """Return a regular expression for the first three characters, or all there are."""
    result = ""
    depths: list[set[int]] = [set(pattern.first)]
    for _ in range(2):
        depths.append(set[int]().union(*[pattern.follow[each] for each in depths[-1]]))
    can_end = [bool(positions & pattern.last) for positions in depths]
    for positions, ends in zip(reversed(depths), reversed(can_end), strict=True):
        if not positions:
            continue
        head = as_class(union(edge for each in positions for edge in pattern.chars[each]))
        result = f"{head}(?:\\Z|{result})" if result and not ends else head
    return result
