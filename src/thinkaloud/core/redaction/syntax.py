r"""Parses the regular expressions of rules. Pure.

The syntax is that of `re`, without what a stream can't evaluate in linear time and bounded memory:
references, lookaround, atomic groups, possessive repetitions, and anchors other than `\b` at the
start or the end. `\d` and `\s` are ASCII; `\w` also includes all characters from U+0080.
"""

import re
from typing import Final

import msgspec

from thinkaloud.core.redaction.charset import CharSet, complement, either_case, union

UNBOUNDED: Final = -1

_ALL: Final[CharSet] = ((0, 0x10FFFF),)
_DIGIT: Final[CharSet] = ((48, 57),)
_SPACE: Final[CharSet] = ((9, 13), (32, 32))
_WORD: Final = union([*_DIGIT, (65, 90), (95, 95), (97, 122), (0x80, 0x10FFFF)])
_CLASSES: Final = {"d": _DIGIT, "s": _SPACE, "w": _WORD}
_CONTROLS: Final = {"n": 10, "t": 9, "r": 13, "f": 12, "v": 11, "a": 7, "0": 0}
_HEX: Final = {"x": 2, "u": 4, "U": 8}
_REFUSED: Final = {
    "(?=": "a lookaround",
    "(?!": "a lookaround",
    "(?<=": "a lookaround",
    "(?<!": "a lookaround",
    "(?>": "an atomic group",
    "(?P=": "a reference to a group",
    "(?(": "a condition on a group",
}
_COUNT: Final = re.compile(r"\{(\d+)(,?)(\d*)\}|\{,(\d+)\}")
_GROUP: Final = re.compile(r"\((?:\?(?:P<\w+>|([aimsx]*)(?:-([imsx]+))?(?=[:)])(:?)))?")


class Characters(msgspec.Struct, frozen=True):
    """One character of a set."""

    chars: CharSet


class Sequence(msgspec.Struct, frozen=True):
    """One after another."""

    items: tuple["Node", ...]


class Choice(msgspec.Struct, frozen=True):
    """One of several."""

    items: tuple["Node", ...]


class Repeat(msgspec.Struct, frozen=True):
    """Several times: at least `least`, and at most `most` unless that is `UNBOUNDED`."""

    item: "Node"
    least: int
    most: int


Node = Characters | Sequence | Choice | Repeat


class Syntax(msgspec.Struct, frozen=True):
    """A parsed pattern."""

    root: Node
    starts_word: bool
    """Whether it starts with `\\b`."""
    ends_word: bool


def parse(pattern: str) -> Syntax:
    """Parse a pattern. Raises `ValueError` with the reason why it can't be used."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    starts = pattern.startswith(r"\b")
    body = pattern[2:] if starts else pattern
    # An even number of backslashes before it would be literal ones.
    backslashes = len(body) - 1 - len(body[:-1].rstrip("\\"))
    ends = body.endswith(r"\b") and backslashes % 2 == 1
    root = _Parser(body[:-2] if ends else body).parse()
    return Syntax(root, starts, ends)


class _Parser:
    """Parses by recursive descent. The pattern is valid: `re` has compiled it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ignores_case = self._dot_is_all = False

    def parse(self) -> Node:
        root = self._choice()
        if self._at < len(self._text):
            raise ValueError("can't be split at \\b: put it into a group")
        return root

    def _peek(self, length: int = 1) -> str:
        return self._text[self._at : self._at + length]

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _choice(self) -> Node:
        flags = (self._ignores_case, self._dot_is_all)
        ways = [self._sequence()]
        while self._peek() == "|":
            self._next()
            ways.append(self._sequence())
        self._ignores_case, self._dot_is_all = flags
        return ways[0] if len(ways) == 1 else Choice(tuple(ways))

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in {"", "|", ")"}:
            item = self._item()
            if item is not None:
                items.append(self._repeated(item))
        return Sequence(tuple(items))

    def _item(self) -> Node | None:
        char = self._peek()
        if char == "(":
            return self._group()
        self._next()
        if char == "[":
            return self._characters(self._set())
        if char == ".":
            return Characters(_ALL if self._dot_is_all else complement(((10, 10),)))
        if char in "^$":
            raise ValueError("has an anchor: only \\b is supported, at the start or the end")
        if char == "\\":
            return self._characters(self._escape())
        return self._characters(((ord(char), ord(char)),))

    def _characters(self, chars: CharSet) -> Node:
        return Characters(either_case(chars) if self._ignores_case else chars)

    def _group(self) -> Node | None:
        for start, reason in _REFUSED.items():
            if self._text.startswith(start, self._at):
                raise _not_streamable(reason)
        found = _GROUP.match(self._text, self._at)
        if found is None or set((found[1] or "") + (found[2] or "")) - set("ais"):
            raise ValueError("has a group that is not supported")
        self._at = found.end()
        flags = (self._ignores_case, self._dot_is_all)
        on, off = found[1] or "", found[2] or ""
        self._ignores_case = (self._ignores_case or "i" in on) and "i" not in off
        self._dot_is_all = (self._dot_is_all or "s" in on) and "s" not in off
        if on and not found[3]:
            self._next()  # `(?i)` applies to what follows.
            return None
        inner = self._choice()
        self._next()
        self._ignores_case, self._dot_is_all = flags
        return inner

    def _repeated(self, item: Node) -> Node:
        char = self._peek()
        count = _COUNT.match(self._text, self._at)
        if count is not None:
            self._at = count.end()
            least = int(count[1] or 0)
            most = int(count[4] or count[3] or (UNBOUNDED if count[2] else least))
        elif char and char in "*+?":
            self._next()
            least, most = int(char == "+"), 1 if char == "?" else UNBOUNDED
        else:
            return item
        if self._peek() == "+":
            raise _not_streamable("a possessive repetition")
        if self._peek() == "?":
            self._next()
        return Repeat(item, least, most)

    def _escape(self, *, in_set: bool = False) -> CharSet:
        char = self._next()
        if char.lower() in _CLASSES:
            chars = _CLASSES[char.lower()]
            return chars if char.islower() else complement(chars)
        if char in _HEX:
            code = int(self._peek(_HEX[char]), 16)
            self._at += _HEX[char]
        elif char in _CONTROLS:
            code = _CONTROLS[char]
        elif char.isdigit():
            raise _not_streamable("a reference to a group")
        elif char.isalpha() and not (in_set and char == "b"):
            raise ValueError("has an anchor: only \\b is supported, at the start or the end")
        else:
            code = 8 if char == "b" else ord(char)
        return ((code, code),)

    def _set(self) -> CharSet:
        negated = self._peek() == "^"
        if negated:
            self._next()
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            low = self._set_item()
            if self._peek() == "-" and self._text[self._at + 1] != "]":
                self._next()
                low = ((low[0][0], self._set_item()[0][0]),)
            ranges += low
        self._next()
        chars = union(ranges)
        if not negated:
            return chars
        return complement(either_case(chars) if self._ignores_case else chars)

    def _set_item(self) -> CharSet:
        char = self._next()
        return self._escape(in_set=True) if char == "\\" else ((ord(char), ord(char)),)


def _not_streamable(reason: str) -> ValueError:
    return ValueError(f"has {reason}, which needs unbounded time or memory in a stream")
