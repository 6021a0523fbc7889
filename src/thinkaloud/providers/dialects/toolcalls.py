"""Tool call handling for all dialects: limits, clean names, unique ids, complete arguments.

Servers send arguments in pieces. Some also send a placeholder first, a repetition at the end, or
everything from the start with each delta. Pieces are only corrected once all have arrived, and
only if joining them does not give a JSON object.
"""

import json
import re
from collections.abc import Sequence
from typing import Final, cast

import msgspec

MAX_CALLS: Final = 1_000
"""Maximum tool calls in one response; runs have their own, lower limit."""
MAX_ARGUMENT_CHARS: Final = 8_000_000
"""Maximum characters of arguments in one response, across all of its calls."""

_CONTROL: Final = "<|"
_NAME: Final = re.compile(r"(?:to=)?(?:functions\.)?([\w.:/-]+)")
_TAIL: Final = re.compile(r"<\|\w{1,30}\|>\s*(?:commentary|analysis|final)?$")
_MAX_TOKENS: Final = 8
_MAX_VALUES: Final = 1_000
_MAX_CHECKS: Final = 64
_decode = json.JSONDecoder().raw_decode


class TooManyCalls(ValueError):
    """A response contains too many tool calls, or too long arguments."""


class CallBudget:
    """Limits on the tool calls of one response."""

    __slots__ = ("_calls", "_chars")

    def __init__(self) -> None:
        self._calls = 0
        self._chars = 0

    def begin(self) -> None:
        """Count a call. Raises `TooManyCalls`."""
        self._calls += 1
        if self._calls > MAX_CALLS:
            raise TooManyCalls(f"more than {MAX_CALLS:,} tool calls in one response")

    def add(self, chars: int) -> None:
        """Count characters of arguments. Raises `TooManyCalls`."""
        self._chars += chars
        if self._chars > MAX_ARGUMENT_CHARS:
            raise TooManyCalls(
                f"tool calls with more than {MAX_ARGUMENT_CHARS:,} characters of arguments"
            )


class CallIds:
    """Unique ids for the calls of one response, so that each result can be matched to its call."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __contains__(self, tool_call_id: str) -> bool:
        return tool_call_id in self._given

    def unique(self, tool_call_id: str) -> str:
        """Return the provider's id, with a suffix if another call already has it."""
        found, number = tool_call_id, 1
        while found in self._given:
            number += 1
            found = f"{tool_call_id}_{number}"
        self._given.add(found)
        return found


def tool_name(name: str) -> str:
    """Return a tool's name without the control tokens and namespaces of gpt-oss's format.

    `calculate<|channel|>commentary`, `functions.calculate` and `<|channel|>commentary
    to=functions.calculate` are all `calculate`.
    """
    if _CONTROL in name:
        recipient = name.partition("to=")[2]
        name = recipient or name.partition(_CONTROL)[0] or name.rpartition("|>")[2]
        name = name.partition(_CONTROL)[0]
    if name.startswith((" ", "functions.", "to=")) or name.endswith(" "):
        found = _NAME.match(name.strip())
        name = found[1] if found else name.strip()
    return name


def is_object(text: str) -> bool:
    """Return whether the text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def same_arguments(one: str, other: str) -> bool:
    """Return whether two texts are the same JSON, ignoring whitespace."""
    if one == other:
        return True
    try:
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def assembled(pieces: Sequence[str]) -> str:
    """Return the arguments assembled from these pieces.

    Joined, they are nearly always a JSON object, possibly truncated. Otherwise, the known server
    variants are tried: control tokens around the text, JSON inside a JSON string, an empty object
    before the text, a full repetition at the end, or cumulative pieces. Anything else is returned
    unchanged.
    """
    text = pieces[0] if len(pieces) == 1 else "".join(pieces)
    if not text or is_object(text):
        return text
    stripped = _without_controls(text)
    if stripped != text and (not stripped or is_object(stripped)):
        return stripped
    if len(pieces) > 1 and is_object(pieces[-1]) and _cumulative(pieces):
        return pieces[-1]
    values = _values(stripped)
    return _one_of(values) or text


def _without_controls(text: str) -> str:
    """Strip control tokens from both ends of the text."""
    text = text.strip()
    for _ in range(_MAX_TOKENS):
        end = text.find("|>", 0, 40) + 2 if text.startswith(_CONTROL) else 1
        if end > 1:
            text = text[end:].lstrip().removeprefix("json").lstrip()
        start = text.rfind(_CONTROL, max(0, len(text) - 60))
        if start >= 0 and _TAIL.match(text, start):
            text = text[:start].rstrip()
    return text


def _cumulative(pieces: Sequence[str]) -> bool:
    last = pieces[-1]
    return all(last.startswith(piece) for piece in pieces[-_MAX_CHECKS:])


def _values(text: str) -> list[tuple[str, object]]:
    """Return the JSON values in a text, each with its source text; empty if it is not all JSON."""
    values: list[tuple[str, object]] = []
    at = 0
    while at < len(text):
        if len(values) == _MAX_VALUES:
            return []
        try:
            value, end = _decode(text, at)
        except (ValueError, RecursionError):
            return []
        values.append((text[at:end], value))
        while end < len(text) and text[end].isspace():
            end += 1
        at = end
    return values


def _one_of(values: list[tuple[str, object]]) -> str:
    """Return the single object that several values represent; `""` if they conflict."""
    if len(values) == 1 and isinstance(values[0][1], str):
        inner = values[0][1]
        return inner if is_object(inner) else ""
    given = [(text, value) for text, value in values if value not in (None, "", {})]
    if not given:
        return "{}" if any(value == {} for _, value in values) else ""
    text, last = given[-1]
    if not isinstance(last, dict):
        return ""
    whole = cast("dict[str, object]", last).items()
    for _, value in given:
        if not isinstance(value, dict):
            return ""
        if not all(item in whole for item in cast("dict[str, object]", value).items()):
            return ""
    return text
