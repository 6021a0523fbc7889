"""Parses the descriptions of a function and its parameters from its docstring. Pure.

Supports the three common styles: Google ("Args:" and an indented list), NumPy ("Parameters"
underlined with dashes) and reStructuredText (":param name: text", and Epytext's "@param").
"""

import inspect
import re
from typing import Final

import msgspec

_GOOGLE_HEADINGS: Final = re.compile(
    r"(?P<own>(Keyword |Other )?(Args|Arguments|Parameters|Params))?"
    r"(?(own)|(Returns?|Raises|Yields?|Examples?|Attributes|Notes?|Warnings?|See Also|Todo)):\s*$",
    re.IGNORECASE,
)
_GOOGLE_ENTRY: Final = re.compile(r"\*{0,2}(?P<names>\w+)\s*(\([^)]*\))?\s*:\s*(?P<text>.*)$")
_NUMPY_ENTRY: Final = re.compile(r"(?P<names>\w+(\s*,\s*\w+)*)\s*(:.*)?$")
_NUMPY_RULE: Final = re.compile(r"-{3,}\s*$")
_REST_FIELD: Final = re.compile(
    r"[:@](?P<field>param|parameter|arg|argument|key|keyword|kwarg|kwparam|type|kwtype"
    r"|returns?|rtype|raises?|except|exception|yields?)\b"
    r"(?P<middle>[^:]*):\s*(?P<text>.*)$"
)
_NUMPY_OWN: Final = {"Parameters", "Other Parameters", "Keyword Arguments", "Keyword Args"}
_REST_OWN: Final = {
    *("param", "parameter", "arg", "argument"),
    *("key", "keyword", "kwarg", "kwparam"),
}


class ParsedDocstring(msgspec.Struct, frozen=True):
    """A parsed docstring: the text before the first section, and a text per parameter."""

    summary: str
    parameters: dict[str, str]


def describe(docstring: str | None) -> ParsedDocstring:
    """Parse a docstring in any of the three styles. Without one, the result is empty."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    for at, line in enumerate(lines):
        summary = "\n".join(lines[:at]).strip()
        if _GOOGLE_HEADINGS.match(line):
            return ParsedDocstring(summary, _google(lines[at:]))
        if at > 0 and _NUMPY_RULE.match(line) and lines[at - 1].strip():
            return ParsedDocstring("\n".join(lines[: at - 1]).strip(), _numpy(lines[at - 1 :]))
        if _REST_FIELD.match(line):
            return ParsedDocstring(summary, _rest(lines[at:]))
    return ParsedDocstring("\n".join(lines).strip(), {})


class _Entries:
    """Collects parameters in order, each with the lines that follow it."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._open: list[str] = []

    def begin(self, names: str, text: str) -> None:
        self._open = [name.strip() for name in names.split(",")]
        for name in self._open:
            self._texts[name] = [text]

    def more(self, text: str) -> None:
        for name in self._open:
            self._texts[name].append(text)

    def end(self) -> None:
        self._open = []

    def texts(self) -> dict[str, str]:
        joined = {name: " ".join(" ".join(text).split()) for name, text in self._texts.items()}
        return {name: text for name, text in joined.items() if text}


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _google(lines: list[str]) -> dict[str, str]:
    entries = _Entries()
    inside = False
    margin = 0
    for line in lines:
        if heading := _GOOGLE_HEADINGS.match(line):
            inside, margin = heading["own"] is not None, 0
            entries.end()
        elif inside and line.strip():
            margin = margin or _indent(line)
            entry = _GOOGLE_ENTRY.match(line.strip())
            if _indent(line) < margin:
                inside = False
            elif entry and _indent(line) == margin:
                entries.begin(entry["names"], entry["text"])
            else:
                entries.more(line)
    return entries.texts()


def _numpy(lines: list[str]) -> dict[str, str]:
    entries = _Entries()
    inside = False
    for at, line in enumerate(lines):
        if at + 1 < len(lines) and _NUMPY_RULE.match(lines[at + 1]):
            inside = line.strip() in _NUMPY_OWN
            entries.end()
        elif not inside or not line.strip() or _NUMPY_RULE.match(line):
            continue
        elif (entry := _NUMPY_ENTRY.match(line)) and _indent(line) == 0:
            entries.begin(entry["names"], "")
        else:
            entries.more(line)
    return entries.texts()


def _rest(lines: list[str]) -> dict[str, str]:
    entries = _Entries()
    for line in lines:
        field = _REST_FIELD.match(line)
        if field is None:
            entries.more(line)
        elif field["field"] in _REST_OWN and field["middle"].split():
            entries.begin(field["middle"].split()[-1], field["text"])
        else:
            entries.end()
    return entries.texts()
