"""Track Markdown code in a text that arrives in chunks. Pure."""

import re
from typing import Final

_LEAD: Final = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*[ \t>]*")
_LEAD_CHARS: Final = frozenset(" \t>-*+.)0123456789")
_MAX_LEAD: Final = 64


class CodeState:
    """Tracks fenced code blocks and inline code, as defined by CommonMark.

    Whether an open run of backticks is inline code depends on what follows: `span` is the length
    of the run, and `in_span` looks for the closing run.
    """

    __slots__ = ("_closing", "_fence", "_fence_line", "_lead", "span")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Reset to the start of a line, outside code."""
        self.span = 0
        self._fence = ""
        self._fence_line = False
        self._closing = False
        self._lead: str | None = ""

    @property
    def fenced(self) -> bool:
        """Whether the text is inside a fenced block."""
        return bool(self._fence)

    @property
    def line_is_empty(self) -> bool:
        """Whether the line is empty so far."""
        return self._lead == ""

    def plain(self, text: str) -> None:
        """Process text without line breaks, backticks and runs of tildes."""
        if self._closing and not text.isspace():
            self._closing = False
        if self._lead is not None:
            lead = self._lead + text[: _MAX_LEAD + 1]
            self._lead = lead if len(lead) <= _MAX_LEAD and _LEAD_CHARS.issuperset(lead) else None

    def lines(self, text: str) -> None:
        """Process text with line breaks, but without backticks and runs of tildes."""
        first, *rest = text.split("\n")
        if first:
            self.plain(first)
        for line in rest:
            self._line_break()
            if line:
                self.plain(line)

    def mark(self, run: str, *, escaped: bool = False) -> None:
        """Process a line break, or a complete run of backticks or tildes."""
        if run == "\n":
            self._line_break()
        elif self._fence:
            self._in_fence(run)
        else:
            self._outside(run, escaped=escaped)

    def in_span(self, text: str, start: int, end: int, *, limit: int) -> bool | None:
        """Whether the open run of backticks is closed after `start`; None: not known yet.

        A blank line ends the paragraph, and with it any run that is not closed.
        """
        edge = min(end, start + limit)
        pattern = rf"(?<!`)`{{{self.span}}}(?!`)|\n[ \t]*\n"
        match = re.compile(pattern).search(text, start, edge)
        if match is not None:
            return match.group()[0] == "`"
        return False if edge == start + limit else None

    def _line_break(self) -> None:
        if self._closing:
            self._fence, self._closing = "", False
        if self._lead is not None and not self._lead.strip():
            self.span = 0
        self._fence_line = False
        self._lead = ""

    def _in_fence(self, run: str) -> None:
        if self._fence_line:
            if run[0] == "`" == self._fence[0]:
                # A backtick fence cannot be followed by a backtick on its line: it is inline code.
                self.span, self._fence, self._fence_line = len(self._fence), "", False
                self._outside(run, escaped=False)
            return
        opening = self._lead is not None and not self._lead.strip(" \t>")
        self._closing = opening and run[0] == self._fence[0] and len(run) >= len(self._fence)
        self._lead = None

    def _outside(self, run: str, *, escaped: bool) -> None:
        begins = self._lead is not None and _LEAD.fullmatch(self._lead) is not None
        self._lead = None
        if len(run) >= 3 and begins:
            self._fence, self._fence_line, self.span = run, True, 0
        elif run[0] == "`":
            length = len(run) - (escaped and not self.span)
            if not self.span:
                self.span = length
            elif self.span == len(run):
                self.span = 0
