"""How the demo model reports tool results. Pure."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

_SHOWN_LINES: Final = 20
_SHOWN_CHARACTERS: Final = 2000
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MOMENT: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d)")


class Finding(msgspec.Struct, frozen=True):
    """The result of one tool call, with the JSON text of its arguments."""

    tool: str
    arguments: str
    content: str
    is_error: bool = False


class _Arguments(msgspec.Struct, frozen=True):
    expression: str = ""
    folder: str = "."
    name: str = ""
    text: str = ""


class _Moment(msgspec.Struct, frozen=True):
    time: str
    weekday: str
    time_zone: str


def report(finding: Finding) -> str:
    """Describe the finding in Markdown, without adding to what the tool returned."""
    if finding.is_error:
        return f"`{finding.tool}` failed: {_flat(finding.content)}"
    try:
        arguments = msgspec.json.decode(finding.arguments or "{}", type=_Arguments)
    except msgspec.DecodeError:
        arguments = _Arguments()
    return _REPORTS.get(finding.tool, _anything)(arguments, finding)


def _sum(arguments: _Arguments, finding: Finding) -> str:
    result = _flat(finding.content)
    return f"`{_flat(arguments.expression)}` = **{result}**, says the calculator."


def _time(_: _Arguments, finding: Finding) -> str:
    try:
        moment = msgspec.json.decode(finding.content, type=_Moment)
    except msgspec.DecodeError:
        return _anything(_, finding)
    match = _MOMENT.match(moment.time)
    if match is None:
        return f"It is {moment.time} ({moment.time_zone}), says the clock."
    year, month, day, clock = match.groups()
    date = f"{int(day)} {_MONTHS[int(month) - 1]} {year}"
    return f"It is **{clock}** on {moment.weekday}, {date} ({moment.time_zone})."


def _listing(arguments: _Arguments, finding: Finding) -> str:
    folder = arguments.folder
    where = "the workspace" if folder == "." else f"`{_flat(folder)}`"
    return f"This is in {where}:\n\n{_quoted(finding.content)}"


def _file(arguments: _Arguments, finding: Finding) -> str:
    text = finding.content
    lines = len(text.splitlines())
    words = len(text.split())
    size = f"{lines} line{'s' * (lines != 1)} and {words} word{'s' * (words != 1)}"
    return f"`{_flat(arguments.name)}` has {size}:\n\n{_quoted(text)}"


def _matches(arguments: _Arguments, finding: Finding) -> str:
    sought = _flat(arguments.text)
    return f"I searched the files for “{sought}”:\n\n{_quoted(finding.content)}"


def _anything(_: _Arguments, finding: Finding) -> str:
    return f"`{finding.tool}` returned:\n\n{_quoted(finding.content)}"


_REPORTS: Final[dict[str, Callable[[_Arguments, Finding], str]]] = {
    "calculate": _sum,
    "current_time": _time,
    "list_files": _listing,
    "read_file": _file,
    "search_files": _matches,
}


def _quoted(text: str) -> str:
    """Return the text in a code block with a safe fence, truncated to a readable length."""
    lines = text.rstrip("\n").split("\n")
    shown = "\n".join(lines[:_SHOWN_LINES])[:_SHOWN_CHARACTERS]
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", shown)), default=0))
    block = f"{fence}text\n{shown}\n{fence}"
    if len(shown) < len("\n".join(lines)):
        block += f"\n\nOnly the beginning is shown; there are {len(lines)} lines in total."
    return block


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
