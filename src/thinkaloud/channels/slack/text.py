"""Text for Slack: a model's Markdown in Slack's dialect, without anything that Slack acts on. Pure.

The dialect of `markdown` blocks and streams is CommonMark without HTML, images and formulas, and tables only in some
clients: https://docs.slack.dev/reference/block-kit/blocks/markdown-block.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from thinkaloud.channels.markdown.plain import plain_text

_GAP: Final = "\u200b"
"""A zero-width space: takes a control sequence apart and can't be seen."""
_CONTROL: Final = re.compile(
    r"(<|&lt;|&#0*60;|&#x0*3c;)"
    r"(?=[@#][A-Z0-9]{2}|!(?:here|channel|everyone|subteam|date)"
    r"|[a-z][a-z0-9+.-]{0,40}:[^\s>]{0,2000}\|)",
    re.IGNORECASE,
)
_BROADCAST: Final = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_FENCE: Final = re.compile(r" {0,3}(?:[-*+]\s+|\d{1,9}[.)]\s+|>\s*)*+(`{3,}|~{3,})")
_RULE_ROW: Final = re.compile(r"\s*+\|\s*+:?-++:?\s*+(?:\|\s*+:?-++:?\s*+)*+\|?\s*+$")
_TICKS: Final = re.compile("`+")
_FORMULA: Final = re.compile(
    r"\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]|\$\$(.{1,2000}?)\$\$"  # bounded, to be linear
)
_IMAGE: Final = re.compile(r"!\[(?=[^\]]{0,1000}\]\()")
_SCHEME: Final = re.compile(
    r"\]\((?=\s*+<?(?!https?:|mailto:)[a-z][a-z0-9+.-]{0,40}:)", re.IGNORECASE
)
_CLOSED: Final = re.compile(
    r"!?\[[^\[\]$\\]*\]\([^()\s$\\]*\)|!?\[[^\[\]$\\]*\](?=[^(])"
    r"|<[^<>$\\]*>|[<&](?=\s)|&\w+(?=[^\w;])|@\w*(?=\W)"
    r"|\](?=[^(])|\]\([^()\s$\\]*\)"
)
_OPEN: Final = re.compile(r"`|\\\(|\\\[|\$\$|!?\[|\]|<|&|@")
_SIMPLE: Final = re.compile(r"[^`\[\]<&@!]*\Z")
"""A formula that contains the start of nothing else."""
_HELD: Final = ("", "|", "`", "~", "$")
"""How a line begins that may become something else."""
_TAIL: Final = "!\\$~"
"""What may begin something with the next character."""
_ROW: Final = re.compile(r"\s*\|")


class Fence(msgspec.Struct, frozen=True):
    """The line that opens a code block."""

    line: str
    marks: str
    """What closes it."""


def units(text: str) -> int:
    """Return a length as Slack counts it at most: in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clipped(text: str, most: int) -> str:
    """Return the start of a text, of at most so many units."""
    text = text[:most]
    while (excess := units(text) - most) > 0:
        text = text[: -((excess + 1) // 2)]
    return text


def fence_of(line: str) -> Fence | None:
    """Return the fence that a line opens."""
    found = _FENCE.match(line)
    return Fence(line.rstrip("\n"), found[1]) if found else None


def inert(text: str) -> str:
    """Take apart what Slack acts on: mentions, broadcasts, links with other labels than their address."""
    return _BROADCAST.sub("@" + _GAP, _CONTROL.sub(r"\1" + _GAP, text))


def escaped(text: str) -> str:
    """Return text for a `mrkdwn` field, where it is literal but for `*`, `_`, `~` and backticks."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return inert(text)


def slack_markdown(markdown: str) -> str:
    """Convert a model's Markdown to Slack's dialect.

    Tables and display formulas become code blocks, inline formulas code, and images links. All other Markdown stays as
    it is, so that what is streamed can grow at its end.
    """
    return "".join([_converted(kind, text) for kind, text in regions(markdown)])


def settled(markdown: str) -> str:
    """Return the start of unfinished Markdown whose conversion can only grow at its end.

    It ends before an unfinished table, formula, link, code span or word.
    """
    kept: list[str] = []
    found = list(regions(markdown))
    for index, (kind, text) in enumerate(found):
        if index < len(found) - 1:
            kept.append(text)
        elif kind == "code":
            kept.append(text[: text.rfind("\n") + 1])
        elif kind == "line":
            kept.append(text if text.endswith("\n") and not _ROW.match(text) else _finished(text))
    return "".join(kept)


def _finished(line: str) -> str:
    """Return the part of an unfinished line that no later character can change."""
    start = line.lstrip()
    if start[:1] in _HELD or _FENCE.match(line) or start.startswith("\\["):
        return ""
    closed = _without_code(line)
    closed = _FORMULA.sub(
        lambda found: _hidden(found) if _SIMPLE.match(found[0]) else found[0], closed
    )
    closed = _CLOSED.sub(_hidden, closed)
    opened = _OPEN.search(closed)
    kept = line[: len(closed[: opened.start() if opened else None].rstrip(_TAIL))]
    return kept if kept.strip() else ""


def _without_code(line: str) -> str:
    """Replace code as `_hidden` does."""
    parts: list[str] = []
    end = 0
    for start, stop in _code_spans(line):
        parts += [line[end:start], "\n" * (stop - start)]
        end = stop
    return "".join([*parts, line[end:]])


def _hidden(found: re.Match[str]) -> str:
    """A replacement of the same length that no pattern matches, or matches across."""
    return "\n" * len(found[0])


def regions(markdown: str) -> Iterator[tuple[str, str]]:
    """Divide Markdown into lines of text, code blocks, tables and display formulas.

    Yields `line`, `code`, `table`, `formula` or `held` (two lines that may become a table), and the
    text.
    """
    lines = markdown.splitlines(keepends=True)
    index = 0
    while index < len(lines):
        kind, end = _region(lines, index)
        yield kind, "".join(lines[index:end])
        index = end


def _region(lines: list[str], start: int) -> tuple[str, int]:
    line = lines[start]
    if fence := _FENCE.match(line):
        return "code", _until(lines, start + 1, _closing(fence[1]))
    for opening, closing in (("$$", "$$"), ("\\[", "\\]")):
        text = line.strip()
        if text.startswith(opening):
            if closing in text[2:]:
                return "formula", start + 1
            return "formula", _until(lines, start + 1, re.compile(f".*{re.escape(closing)}"))
    if _ROW.match(line) and start + 1 < len(lines):
        if _RULE_ROW.match(lines[start + 1]):
            end = start + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            return "table", end
        if start + 2 == len(lines) and not lines[start + 1].strip(" |:-"):
            return "held", start + 2  # the second line may become the rule of a table
    return "line", start + 1


def _closing(fence: str) -> re.Pattern[str]:
    return re.compile(rf"[ >]*{re.escape(fence[0])}{{{len(fence)},}}\s*$")


def _until(lines: list[str], start: int, closing: re.Pattern[str]) -> int:
    for index in range(start, len(lines)):
        if closing.match(lines[index].rstrip("\n")):
            return index + 1
    return len(lines)


def _converted(kind: str, text: str) -> str:
    match kind:
        case "table":
            return _code_block(plain_text(text))
        case "formula":
            tex = text.strip()
            return _code_block(re.sub(r"^(\$\$|\\\[)|(\$\$|\\\])$", "", tex).strip())
        case "code":
            return inert(text)
        case _:
            return _inline(text)


def _code_block(text: str) -> str:
    """Return a code block that its text can't close."""
    return f"```\n{inert(text.strip(chr(10))).replace('```', f'`{_GAP}`{_GAP}`')}\n```\n"


def _inline(line: str) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in _code_spans(line):
        parts += [_prose(line[end:start]), line[start:stop]]
        end = stop
    return inert("".join([*parts, _prose(line[end:])]))


def _code_spans(line: str) -> Iterator[tuple[int, int]]:
    """Yield where code spans begin and end: a run of backticks is closed by the next of its length."""
    runs = [found.span() for found in _TICKS.finditer(line)]
    closing: list[int | None] = [None] * len(runs)
    latest: dict[int, int] = {}
    for index in range(len(runs) - 1, -1, -1):
        size = runs[index][1] - runs[index][0]
        closing[index], latest[size] = latest.get(size), index
    index = 0
    while index < len(runs):
        last = closing[index]
        if last is not None:
            yield runs[index][0], runs[last][1]
            index = last
        index += 1


def _prose(text: str) -> str:
    text = _FORMULA.sub(lambda found: f"`{(found[1] or found[2] or found[3]).strip()}`", text)
    return _SCHEME.sub("] (", _IMAGE.sub("[", text))
