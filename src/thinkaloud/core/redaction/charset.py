"""Sets of characters, as sorted ranges of code points. Pure."""

from collections.abc import Iterable
from typing import Final

CharSet = tuple[tuple[int, int], ...]
"""Sorted, disjoint and inclusive ranges of code points."""

_LAST: Final = 0x10FFFF


def union(ranges: Iterable[tuple[int, int]]) -> CharSet:
    """Return the union of ranges."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(chars: CharSet) -> CharSet:
    """Return all other characters."""
    gaps: list[tuple[int, int]] = []
    start = 0
    for low, high in chars:
        if low > start:
            gaps.append((start, low - 1))
        start = high + 1
    if start <= _LAST:
        gaps.append((start, _LAST))
    return tuple(gaps)


def overlap(first: CharSet, second: CharSet) -> bool:
    """Whether two sets have a character in common."""
    return any(low <= high2 and low2 <= high for low, high in first for low2, high2 in second)


def either_case(chars: CharSet) -> CharSet:
    """Return the set with its ASCII letters in both cases."""
    more = list(chars)
    for low, high in chars:
        for start, shift in ((ord("a"), -32), (ord("A"), 32)):
            first, last = max(low, start), min(high, start + 25)
            if first <= last:
                more.append((first + shift, last + shift))
    return union(more)


def as_class(chars: CharSet) -> str:
    """Return the set as a class of a regular expression."""
    return "[" + "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in chars) + "]"
