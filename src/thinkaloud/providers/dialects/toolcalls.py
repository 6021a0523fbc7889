"""What every wire owes to tool calls: bounds, clean names, unique ids, whole arguments.

Servers send arguments in pieces, and some of them also as a placeholder before, as a repetition
after, or repeated from the start with every delta. The pieces are only judged once they are all
there, and only where they are no JSON object when joined.
"""

import json
import re
from collections.abc import Sequence
from typing import Final, cast

import msgspec

MAX_CALLS: Final = 1_000
"""Tool calls in one response; the run has a lower limit of its own."""
MAX_ARGUMENT_CHARS: Final = 8_000_000
"""Characters of arguments in one response, all of its calls together."""

_CONTROL: Final = "<|"
_NAME: Final = re.compile(r"(?:to=)?(?:functions\.)?([\w.:/-]+)")
_TAIL: Final = re.compile(r"<\|\w{1,30}\|>\s*(?:commentary|analysis|final)?$")
_MAX_TOKENS: Final = 8
_MAX_VALUES: Final = 1_000
_MAX_CHECKS: Final = 64
_decode = json.JSONDecoder().raw_decode


class TooManyCalls(ValueError):
    """A response holds more tool calls, or longer arguments, than are taken."""


class CallBudget:
    """Bounds on the tool calls of one response."""

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
        """Count so many characters of arguments. Raises `TooManyCalls`."""
        self._chars += chars
        if self._chars > MAX_ARGUMENT_CHARS:
            raise TooManyCalls(
                f"tool calls with more than {MAX_ARGUMENT_CHARS:,} characters of arguments"
            )


class CallIds:
    """Ids of the calls of one response, each given once: a result must find its call."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: set[str] = set()

    def __contains__(self, tool_call_id: str) -> bool:
        return tool_call_id in self._given

    def unique(self, tool_call_id: str) -> str:
        """Return the provider's id, or one made from it where another call has that id."""
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
    """Tell whether this text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def same_arguments(one: str, other: str) -> bool:
    """Tell whether two texts are the same JSON, however they are spaced."""
    if one == other:
        return True
    try:
        return bool(msgspec.json.decode(one) == msgspec.json.decode(other))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def assembled(pieces: Sequence[str]) -> str:
    """Return the arguments that these pieces are.

    Joined, they are nearly always a JSON object, or an object that was cut off. Where they are
    neither, they are read as what servers are known to send: text with control tokens around
    it, JSON inside a JSON string, an empty object before the text, everything once more at the
    end, or each piece with all that came before it. What is none of this stays as it is.
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
    """Return the text without control tokens before and after it."""
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
    """Return the JSON values of which a text consists, each as it is written; none if it is not so."""
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
    """Return the one object that is meant by several values; `""` where they differ."""
    if len(values) == 1 and isinstance(values[0][1], str):
        inner = values[0][1]
        return inner if is_object(inner) else ""
    said = [(text, value) for text, value in values if value not in (None, "", {})]
    if not said:
        return "{}" if any(value == {} for _, value in values) else ""
    text, last = said[-1]
    if not isinstance(last, dict):
        return ""
    whole = cast("dict[str, object]", last).items()
    for _, value in said:
        if not isinstance(value, dict):
            return ""
        if not all(item in whole for item in cast("dict[str, object]", value).items()):
            return ""
    return text
