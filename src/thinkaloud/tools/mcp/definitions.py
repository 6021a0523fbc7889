"""The definitions of a server's tools: checked, cleaned, named and fingerprinted.

A definition is written by the server, and read by a model and by people, so it is untrusted.
Source: https://modelcontextprotocol.io/specification, Tools.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final, cast

import msgspec

from thinkaloud.ports.tool import Approval

MAX_NAME: Final = 64
"""Maximum length of a tool's name that all providers accept."""
_MAX_REAL_NAME: Final = 200
_MAX_DESCRIPTION: Final = 4_000
_MAX_SCHEMA: Final = 64_000
_MAX_DEPTH: Final = 30
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]")
# Invisible characters, direction controls and tags can hide text from people that models read.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufe00-\ufe0f\ud800-\udfff\U000e0000-\U000e0fff]"
)


class ToolDefinition(msgspec.Struct, frozen=True):
    """A tool as its server defines it, cleaned."""

    name: str
    """The server's own name for the tool."""
    title: str
    description: str
    parameters: dict[str, object]
    """A JSON Schema of type `object`."""
    annotations: dict[str, object]
    """What the server claims about the tool."""
    fingerprint: str
    """A hash of the whole definition."""

    def approval(self, configured: Approval) -> Approval:
        """Return the approval that calls need. Annotations can tighten it, but not loosen it."""
        destructive = self.annotations.get("destructiveHint") is True
        return "ask" if destructive and configured == "never" else configured


def visible(text: str, limit: int) -> str:
    """Remove invisible and control characters, and truncate to a number of characters."""
    # Looks at no more of a huge text than is kept.
    shown = _HIDDEN.sub("", text[: limit * 2])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def offered_name(server: str, tool: str) -> str:
    """Return the name that models get: `SERVER__tool`, or a stable short form of it.

    A name that providers would reject gets other characters replaced by `_`, is truncated, and gets
    a hash of the original appended, so that two tools never share a name.
    """
    whole = f"{server}__{tool}"
    plain = _OTHER.sub("_", whole)
    if plain == whole and len(whole) <= MAX_NAME and tool:
        return whole
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[: MAX_NAME - 9]}_{digest}"


def definition(raw: Mapping[str, object]) -> ToolDefinition:
    """Clean a definition from a server. Raises `ValueError` with the reason if it is unusable."""
    name = raw.get("name")
    if not isinstance(name, str) or not name or len(name) > _MAX_REAL_NAME:
        raise ValueError("its name is missing, empty or too long")
    parameters = _schema(raw.get("inputSchema"))
    title = raw.get("title")
    text = raw.get("description")
    given = raw.get("annotations")
    annotations = cast("dict[str, object]", given) if isinstance(given, dict) else {}
    whole: list[object] = [name, title, text, raw.get("inputSchema"), annotations]
    return ToolDefinition(
        name,
        visible(title, 200) if isinstance(title, str) else "",
        visible(text, _MAX_DESCRIPTION) if isinstance(text, str) else "",
        parameters,
        annotations,
        hashlib.sha256(_canonical(whole)).hexdigest(),
    )


def changed_fields(old: ToolDefinition, new: ToolDefinition) -> list[str]:
    """Return which parts of a definition differ, for people."""
    parts = ("title", "description", "parameters", "annotations")
    return [part for part in parts if getattr(old, part) != getattr(new, part)]


def _schema(schema: object) -> dict[str, object]:
    if not isinstance(schema, dict):
        raise ValueError("its inputSchema is not an object")
    found = cast("dict[str, object]", schema)
    if found.get("type", "object") != "object":
        raise ValueError("its inputSchema is not of type object")
    properties = found.get("properties", {})
    if not isinstance(properties, dict):
        raise ValueError("the properties of its inputSchema are not an object")
    cleaned = _cleaned(found, 0)
    if len(_canonical(cleaned)) > _MAX_SCHEMA:
        raise ValueError(f"its inputSchema is larger than {_MAX_SCHEMA:,} bytes")
    result = cast("dict[str, object]", cleaned)
    result.pop("$schema", None)
    result["type"] = "object"
    result.setdefault("properties", {})
    return result


def _cleaned(value: object, depth: int) -> object:
    """Copy a JSON value with hidden characters removed from all its texts."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"its inputSchema is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return visible(value, _MAX_DESCRIPTION)
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)
        return {visible(k, 200): _cleaned(v, depth + 1) for k, v in members.items()}
    if isinstance(value, list):
        return [_cleaned(each, depth + 1) for each in cast("list[object]", value)]
    return value


def _canonical(value: object) -> bytes:
    try:
        return msgspec.json.encode(value, order="sorted")
    except (UnicodeEncodeError, RecursionError) as error:
        raise ValueError("it cannot be encoded as JSON") from error
