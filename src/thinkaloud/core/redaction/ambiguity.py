"""Finds patterns for which backtracking takes exponential time. Pure.

thinkaloud's automaton reads any pattern in linear time. Such a pattern is refused all the same: it
is almost always a mistake, and it would stop any other tool that is given the same pattern.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from thinkaloud.core.redaction.charset import overlap
from thinkaloud.core.redaction.pattern import Pattern

Pair = tuple[int, int]
T = TypeVar("T")


def can_be_exponential(pattern: Pattern) -> bool:
    """Whether some text can match a loop of the pattern in exponentially many ways.

    That is so if a position can return to itself in two ways that read the same text (Weber and
    Seidl, 1991: <https://doi.org/10.1016/0304-3975(91)90381-B>).
    """
    follow = pattern.follow
    reach = [_reachable([each], lambda place: follow[place]) for each in range(len(follow))]
    loops = {
        frozenset(other for other in reach[place] if place in reach[other])
        for place in range(len(follow))
        if any(place in reach[after] for after in follow[place])
    }
    return any(_is_ambiguous(loop, pattern) for loop in loops)


def _is_ambiguous(loop: frozenset[int], pattern: Pattern) -> bool:
    if any(before in loop and after in loop for before, after in pattern.repeated):
        return True
    forward: dict[Pair, list[Pair]] = {}
    backward: dict[Pair, list[Pair]] = {}
    start = min(loop)
    pending = [(start, start)]
    while pending:
        pair = pending.pop()
        if pair in forward:
            continue
        first, second = pair
        forward[pair] = [
            (after, after2)
            for after in pattern.follow[first] & loop
            for after2 in pattern.follow[second] & loop
            if overlap(pattern.chars[after], pattern.chars[after2])
        ]
        for after in forward[pair]:
            backward.setdefault(after, []).append(pair)
        pending += forward[pair]
    back = _reachable([(start, start)], lambda pair: backward.get(pair, ()))
    return any(first != second for first, second in back)


def _reachable(start: Iterable[T], after: Callable[[T], Iterable[T]]) -> set[T]:
    found: set[T] = set()
    pending = list(start)
    while pending:
        each = pending.pop()
        if each not in found:
            found.add(each)
            pending += after(each)
    return found
