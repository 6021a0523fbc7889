"""Reasoning in tags inside plain text (`<think>…</think>`), split off incrementally.

Only a tag at the start of a message opens reasoning; tags later, in an answer or in code, are
text. Nothing but the two tags themselves is taken out of the text.
"""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

Tags = Sequence[tuple[str, str]]
"""Pairs of an opening and a closing tag. An opening tag may stand in several pairs."""

BRACKETED: Final[tuple[tuple[str, str], ...]] = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)
"""Every known spelling that cannot be taken for prose. DeepSeek R1, Qwen, MiniMax and others
(`<think>`); Nova (`<thinking>`); Gemma and Gemini (`<thought>`); gpt-oss on Bedrock
(`<reasoning>`); Seed-OSS; Magistral; Kimi."""

GRANITE: Final[tuple[tuple[str, str], ...]] = (
    ("Here's my thought process:", "Here's my response:"),
    ("Here's my thought process:", "Here is my response:"),
    ("Here is my thought process:", "Here is my response:"),
    ("Here is my thought process:", "Here's my response:"),
)
"""IBM Granite's phrases. They are prose elsewhere, so only a Granite model gets them."""


class Found(NamedTuple):
    """What `Markers.find` saw: text before the marker ends at `start`, after it begins at `end`."""

    start: int
    end: int
    marker: str


class Markers:
    """A fixed set of strings to look for in a text that arrives in pieces."""

    __slots__ = ("_firsts", "_longest", "_pattern", "_prefixes")

    def __init__(self, markers: Sequence[str]) -> None:
        longest_first = sorted(set(markers), key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(marker) for marker in longest_first))
        self._prefixes = frozenset(
            marker[:length] for marker in longest_first for length in range(1, len(marker))
        )
        self._firsts = frozenset(marker[0] for marker in longest_first)
        self._longest = len(longest_first[0])

    def find(self, text: str, start: int = 0) -> Found | None:
        """Return the first marker from `start` on; of two at one place, the longer."""
        match = self._pattern.search(text, start)
        return Found(match.start(), match.end(), match.group()) if match else None

    def unfinished(self, text: str, start: int = 0) -> int:
        """Return where the longest end of `text` begins that may grow into a marker.

        That is `len(text)` where no end of it may.
        """
        end = len(text)
        for place in range(max(start, end - self._longest + 1), end):
            if text[place] in self._firsts and text[place:] in self._prefixes:
                return place
        return end


class _State(Enum):
    START = 0
    REASONING = 1
    TEXT = 2


class TagSplitter:
    """Text in, pieces of reasoning and of text out: incremental, linear, whatever the cuts.

    At most one tag's length is held back. With `preopened` the prompt has already opened the
    tag: the message begins as reasoning, an opening tag at its start is allowed, and the first
    closing tag of any pair ends it. Otherwise a closing tag without an opening one is text.
    """

    __slots__ = ("_closing", "_held", "_opening", "_preopened", "_state", "_tags")

    def __init__(self, tags: Tags, *, preopened: bool = False) -> None:
        self._tags = tuple(tags)
        self._preopened = preopened
        self._held = ""
        self._opening = tuple(dict.fromkeys(opening for opening, _ in self._tags))
        self._closing: Markers | None = None
        self._state = _State.START if self._tags else _State.TEXT

    def feed(self, text: str) -> list[tuple[bool, str]]:
        """Take the next text and return what is certain: (is reasoning, text that is not empty)."""
        if self._state is _State.TEXT:
            return [(False, text)] if text else []
        return self._take(self._held + text, last=False)

    def close(self) -> list[tuple[bool, str]]:
        """Return what was held back. Reasoning that was never closed is all reasoning."""
        held, self._held = self._held, ""
        pieces = self._take(held, last=True) if held else []
        self._state = _State.TEXT
        return pieces

    def _take(self, text: str, *, last: bool) -> list[tuple[bool, str]]:
        pieces: list[tuple[bool, str]] = []
        self._held = ""
        if self._state is _State.START:
            text = self._open(text, pieces, last=last)
        if self._state is _State.REASONING:
            text = self._reason(text, pieces, last=last)
        if text and self._state is _State.TEXT:
            pieces.append((False, text))
        return pieces

    def _open(self, text: str, pieces: list[tuple[bool, str]], *, last: bool) -> str:
        """Decide what the message begins with; return the text that is not yet dealt with."""
        rest = text.lstrip()
        if len(rest) < len(text):
            pieces.append((self._preopened, text[: len(text) - len(rest)]))
        if not rest:
            return ""
        if not last and any(len(tag) > len(rest) and tag.startswith(rest) for tag in self._opening):
            self._held = rest
            return ""
        opened = max((tag for tag in self._opening if rest.startswith(tag)), key=len, default=None)
        if opened is None and not self._preopened:
            self._state = _State.TEXT
            return rest
        self._state = _State.REASONING
        self._closing = Markers(
            [closing for opening, closing in self._tags if opened in (None, opening)]
        )
        return rest if opened is None else rest[len(opened) :]

    def _reason(self, text: str, pieces: list[tuple[bool, str]], *, last: bool) -> str:
        """Give out reasoning up to the closing tag; return the text after it."""
        assert self._closing is not None
        found = self._closing.find(text)
        certain = len(text) if last else self._closing.unfinished(text)
        if found is None or certain <= found.start:
            if certain:
                pieces.append((True, text[:certain]))
            self._held = text[certain:]
            return ""
        if found.start:
            pieces.append((True, text[: found.start]))
        self._state = _State.TEXT
        return text[found.end :]
