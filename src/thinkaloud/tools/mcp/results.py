"""The result of a call: cleaned before the library parses it, and converted to content blocks."""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from thinkaloud.events.content import ContentBlock, ImageContent, LinkContent, TextContent
from thinkaloud.ports.tool import ToolOutput

_KNOWN: Final = {
    "text": ("text",),
    "image": ("data", "mimeType"),
    "audio": ("data", "mimeType"),
    "resource_link": ("uri", "name"),
}
"""The required members of each type of block; all are strings."""
_MAX_BLOCKS: Final = 500
_MAX_URI: Final = 4_096
Json = Mapping[str, object]


def clean_result(result: dict[str, object]) -> None:
    """Replace what the library would reject the whole result for, in place."""
    blocks = result.get("content")
    structured = result.get("structuredContent")
    if not isinstance(blocks, list):
        blocks = [] if structured is None else [_text(_json(structured))]
    items = cast("list[object]", blocks)
    cleaned = [_clean_block(block) for block in items[:_MAX_BLOCKS]]
    if len(items) > _MAX_BLOCKS:
        cleaned.append(_text(f"[{len(items) - _MAX_BLOCKS:,} more blocks were left out]"))
    if not cleaned and structured is not None:
        cleaned = [_text(_json(structured))]
    result["content"] = cleaned
    result.pop("structuredContent", None)
    if not isinstance(result.get("isError", False), bool):
        result["isError"] = bool(result["isError"])


def output_of(result: Json) -> ToolOutput:
    """Convert a cleaned result."""
    blocks = cast("Sequence[Json]", result.get("content", ()))
    return ToolOutput(
        tuple(_converted(block) for block in blocks), is_error=result.get("isError") is True
    )


def _clean_block(block: object) -> dict[str, object]:
    if not isinstance(block, dict):
        return _text("[a block of the result is malformed]")
    found = cast("dict[str, object]", block)
    kind = found.get("type")
    members = _KNOWN.get(kind) if isinstance(kind, str) else None
    if members is not None and all(isinstance(found.get(each), str) for each in members):
        return {"type": kind, **{each: found[each] for each in members}} | _optional(found)
    if kind == "resource" and isinstance(resource := found.get("resource"), dict):
        return _text(_embedded(cast("dict[str, object]", resource)))
    shown = kind[:50] if isinstance(kind, str) else "unknown"
    return _text(f"[a block of type {shown!r} cannot be shown]")


def _optional(block: Json) -> dict[str, object]:
    kind = block.get("mimeType")
    return {"mimeType": kind} if isinstance(kind, str) else {}


def _embedded(resource: Json) -> str:
    uri, kind = resource.get("uri"), resource.get("mimeType")
    label = f"{uri if isinstance(uri, str) else 'resource'}"[:_MAX_URI]
    text = resource.get("text")
    if isinstance(text, str):
        return f"[{label}]\n{text}"
    blob = resource.get("blob")
    size = len(blob) * 3 // 4 if isinstance(blob, str) else 0
    return f"[{label}: {kind if isinstance(kind, str) else 'binary'}, {size:,} bytes]"


def _converted(block: Json) -> ContentBlock:
    def member(name: str) -> str:
        return cast("str", block.get(name) or "")

    match block["type"]:
        case "image":
            return ImageContent(member("mimeType"), member("data"))
        case "audio":
            size = len(member("data")) * 3 // 4
            return TextContent(f"[audio: {member('mimeType')}, {size:,} bytes]")
        case "resource_link":
            return LinkContent(member("uri")[:_MAX_URI], member("name")[:200], member("mimeType"))
        case _:
            return TextContent(member("text"))


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": text}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
