"""Find the tags with which models mark reasoning in plain text, in a stream. Pure."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

Tags = Sequence[tuple[str, str]]
"""Pairs of an opening and a closing tag. An opening tag may be in several pairs."""

BRACKETED: Final[tuple[tuple[str, str], ...]] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|channel>thought", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<unused94>thought", "<unused95>"),
)
"""The usual spelling of every known tag. DeepSeek R1, Qwen, MiniMax M2 and many others
(`<think>`); Nova (`<thinking>`); Gemini (`<thought>`); gpt-oss on Bedrock (`<reasoning>`);
Seed-OSS; MiniMax M3; Magistral; Kimi; Gemma 4; Command A; OpenThinker; Apertus; MedGemma.
`TagFinder` recognizes more: any case, attributes, any namespace."""

GRANITE: Final[tuple[tuple[str, str], ...]] = (
    ("Here's my thought process:", "Here's my response:"),
    ("Here's my thought process:", "Here is my response:"),
    ("Here is my thought process:", "Here is my response:"),
    ("Here is my thought process:", "Here's my response:"),
)
"""IBM Granite's phrases. For other models they are normal text, so only Granite models use them."""


class MarkerMatch(NamedTuple):
    """A match of `MarkerFinder.find`: the marker spans `start` to `end`."""

    start: int
    end: int
    marker: str


class MarkerFinder:
    """Finds a fixed set of strings in a text that arrives in chunks."""

    __slots__ = ("_firsts", "_longest", "_pattern", "_prefixes")

    def __init__(self, markers: Sequence[str]) -> None:
        longest_first = sorted(set(markers), key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(marker) for marker in longest_first))
        self._prefixes = frozenset(
            marker[:length] for marker in longest_first for length in range(1, len(marker))
        )
        self._firsts = frozenset(marker[0] for marker in longest_first)
        self._longest = len(longest_first[0])

    def find(self, text: str, start: int = 0) -> MarkerMatch | None:
        """Return the first marker from `start` on; the longest of those at one position."""
        match = self._pattern.search(text, start)
        return MarkerMatch(match.start(), match.end(), match.group()) if match else None

    def unfinished(self, text: str, start: int = 0) -> int:
        """Return the start of the longest suffix that may continue as a marker.

        Returns `len(text)` if there is none.
        """
        end = len(text)
        for place in range(max(start, end - self._longest + 1), end):
            if text[place] in self._firsts and text[place:] in self._prefixes:
                return place
        return end


MarkKind = Literal["open", "close", "empty", "wrapper", "final", "end"]
"""`empty` is a self-closing tag, `wrapper` a tag around the answer, `final` a harmony header of the
answer, and `end` the end of a harmony message. All are removed from the text."""


class Tag(NamedTuple):
    """A tag in a text. A closing tag belongs to an opening tag of the same `name`."""

    start: int
    end: int
    kind: MarkKind
    name: str


_STEMS: Final = ("thinking", "thoughts", "reasoning")
_NAME: Final = r"(?:[a-z]{1,12}[:_])?(?:think(?:ing)?|thoughts?|reasoning)"
_STEM_PREFIXES: Final = "|".join(
    sorted({stem[:length] for stem in _STEMS for length in range(len(stem) + 1)}, reverse=True)
)
_PIPE_NAME: Final = r"/?[a-z_▁]{0,24}(?:think|thought|reason)[a-z_▁]{0,12}"
_HEADER: Final = r"(?:<\|start\|>assistant)?<\|channel\|>"
_WRAPPERS: Final = ("start_response", "end_response", "begin_of_solution", "end_of_solution")
_LITERAL: Final[dict[str, tuple[MarkKind, str]]] = {
    "[think]": ("open", "[think]"),
    "[/think]": ("close", "[think]"),
    "◁think▷": ("open", "◁think▷"),
    "◁/think▷": ("close", "◁think▷"),
    "<|channel>": ("open", "channel"),
    "<|channel>thought": ("open", "channel"),
    "<channel|>": ("close", "channel"),
    "<unused94>": ("open", "unused"),
    "<unused94>thought": ("open", "unused"),
    "<unused95>": ("close", "unused"),
    "<|inner_prefix|>": ("open", "inner"),
    "<|inner_suffix|>": ("close", "inner"),
    **{f"<|{name}|>": ("wrapper", name) for name in _WRAPPERS},
    "<|end|>": ("end", "harmony"),
    "<|return|>": ("end", "harmony"),
}
_PATTERNS: Final = (
    rf"<(?P<open>{_NAME})(?:\s[^<>]{{0,200}})?/?>",
    rf"</\s?(?P<close>{_NAME})\s{{0,8}}>",
    rf"<[|｜](?P<pipe>{_PIPE_NAME})[|｜]>",
    rf"{_HEADER}(?P<analysis>analysis)[^<]{{0,80}}<\|message\|>",
    rf"{_HEADER}(?P<final>final|commentary)[^<]{{0,80}}<\|message\|>",
)
_UNFINISHED: Final = re.compile(
    "|".join(
        (
            rf"</?\s?(?:[a-z]{{0,12}}|(?:[a-z]{{1,12}}[:_])?(?:{_STEM_PREFIXES}))",
            rf"<{_NAME}(?:\s[^<>]{{0,200}})?/?",
            rf"</\s?{_NAME}\s{{0,8}}",
            r"<[|｜]/?[a-z_▁]{0,48}[|｜]?",
            rf"{_HEADER}(?:analysis|final|commentary)[^<]{{0,80}}(?:<\|?[mesag]{{0,7}}\|?)?",
        )
    ),
    re.IGNORECASE,
)
_LONGEST: Final = 260
_MAX_RUN: Final = 256
_CODE: Final = rf"(?P<code>\n|`{{1,{_MAX_RUN}}}|~{{3,{_MAX_RUN}}})"


class TagFinder:
    """Finds all known tags, and those of the given pairs, in a text that arrives in chunks.

    Tags may be in any case and have attributes and a namespace (`<mm:think>`). Whether an opening
    and a closing tag match is up to the caller.
    """

    __slots__ = ("_active", "_firsts", "_literals", "_pattern", "_prefixes", "_with_code")

    def __init__(self, pairs: Tags) -> None:
        literals = dict(_LITERAL)
        known = {tag.lower() for pair in BRACKETED for tag in pair}
        for opening, closing in pairs:
            if opening.lower() not in known:
                literals.setdefault(opening.lower(), ("open", "pair"))
            if closing.lower() not in known:
                literals.setdefault(closing.lower(), ("close", "pair"))
        self._literals = literals
        headers = [f"<|start|>assistant<|channel|>{name}" for name in ("analysis", "final")]
        headers.append("<|start|>assistant<|channel|>commentary")
        headers.extend([header.removeprefix("<|start|>assistant") for header in headers])
        self._prefixes = _prefixes_of([*literals, *headers])
        longest_first = sorted(literals, key=len, reverse=True)
        marks = "|".join([*_PATTERNS, *(re.escape(each) for each in longest_first)])
        self._pattern = re.compile(marks, re.IGNORECASE)
        self._with_code = re.compile(f"{_CODE}|{marks}", re.IGNORECASE)
        firsts = sorted({each[0] for each in literals})
        # Without letters there is no case to ignore, and the search is twice as fast.
        case = re.IGNORECASE if any(each.upper() != each.lower() for each in firsts) else 0
        first = "".join(re.escape(each) for each in firsts)
        self._firsts = re.compile(f"[{first}]", case)
        self._active = re.compile(f"[{first}`~]", case)

    def plain(self, text: str) -> bool:
        """Whether the text has no character that can start a tag or code."""
        return self._active.search(text) is None

    def find(self, text: str, start: int, end: int) -> Tag | None:
        """Return the first tag between `start` and `end`; the longest of those at one position."""
        match = self._pattern.search(text, start, end)
        return None if match is None else self._mark(match)

    def find_or_code(self, text: str, start: int, end: int) -> Tag | re.Match[str] | None:
        """Return the first tag, or the match of a line break or a run of backticks or tildes."""
        match = self._with_code.search(text, start, end)
        if match is None or match["code"] is not None:
            return match
        return self._mark(match)

    def unfinished(self, text: str) -> int:
        """Return the start of the longest suffix that may continue as a tag or a run."""
        length = len(text)
        for found in self._firsts.finditer(text, max(0, length - _LONGEST)):
            tail = text[found.start() :]
            if tail.lower() in self._prefixes or _UNFINISHED.fullmatch(tail):
                return found.start()
        if text and text[-1] in "`~":
            return length - (length - len(text.rstrip(text[-1]))) % _MAX_RUN
        return length

    def _mark(self, match: re.Match[str]) -> Tag:
        start, end = match.span()
        groups = match.groupdict()
        if groups["open"]:
            kind: MarkKind = "empty" if match.group().endswith("/>") else "open"
            return Tag(start, end, kind, groups["open"].lower())
        if groups["close"]:
            return Tag(start, end, "close", groups["close"].lower())
        if groups["pipe"]:
            name = groups["pipe"].lower()
            closes = name.startswith("/") or "end" in name or "close" in name
            return Tag(start, end, "close" if closes else "open", "pipe")
        if groups["analysis"]:
            return Tag(start, end, "open", "harmony")
        if groups["final"]:
            return Tag(start, end, "final", "harmony")
        kind, name = self._literals[match.group().lower()]
        return Tag(start, end, kind, name)


def _prefixes_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word[:length] for word in words for length in range(1, len(word)))


@lru_cache(maxsize=32)
def tag_finder(pairs: tuple[tuple[str, str], ...]) -> TagFinder:
    """Return the compiled spellings for these pairs, cached."""
    return TagFinder(pairs)
