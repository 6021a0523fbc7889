"""What Discord checks in the body of a message."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Json = dict[str, Any]

SUPPRESS_EMBEDS: Final = 1 << 2
EPHEMERAL: Final = 1 << 6
SILENT: Final = 1 << 12
COMPONENTS_V2: Final = 1 << 15
CONTENT_CHARS: Final = 2_000
COMPONENTS_CHARS: Final = 4_000
MAX_COMPONENTS: Final = 40
MAX_ROWS: Final = 5
NONCE_CHARS: Final = 25

ROW, BUTTON, TEXT, CONTAINER = 1, 2, 10, 17
_LEGACY: Final = ("content", "embeds", "poll", "sticker_ids")


class Refused(Exception):
    """A refusal: the HTTP status, Discord's code and its message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def check_message(body: Mapping[str, Any], flags: int) -> None:
    """Refuse a message that Discord refuses."""
    components = body.get("components") or []
    if flags & COMPONENTS_V2:
        _check_v2(body, components)
    else:
        _check_legacy(body, components)
    ids = [each["custom_id"] for each in walk(components) if "custom_id" in each]
    if len(set(ids)) != len(ids):
        raise _invalid("components: custom ids are not unique")
    if any(not 1 <= len(each) <= 100 for each in ids):
        raise _invalid("components: a custom id has 1 to 100 characters")
    nonce = body.get("nonce")
    if nonce is not None and len(str(nonce)) > NONCE_CHARS:
        raise _invalid("nonce: at most 25 characters")
    _check_mentions(body.get("allowed_mentions") or {})


def walk(components: list[Json]) -> Iterator[Json]:
    """All components, outside in."""
    for each in components:
        yield each
        yield from walk(each.get("components") or [])


def _check_v2(body: Mapping[str, Any], components: list[Json]) -> None:
    if any(body.get(key) for key in _LEGACY):
        raise _invalid("MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2")
    if not components:
        raise Refused(400, 50006, "Cannot send an empty message")
    found = list(walk(components))
    if len(found) > MAX_COMPONENTS:
        raise _invalid("components: at most 40")
    texts = [each.get("content") for each in found if each["type"] == TEXT]
    if not all(isinstance(text, str) and text for text in texts):
        raise _invalid("content: required")
    if sum(units(str(text)) for text in texts) > COMPONENTS_CHARS:
        raise _invalid("components: at most 4000 characters in total")
    for each in components:
        if each["type"] not in {ROW, TEXT, CONTAINER}:
            raise _invalid(f"components: type {each['type']} at the top")
    for each in found:
        _check_children(each)


def _check_legacy(body: Mapping[str, Any], components: list[Json]) -> None:
    content = body.get("content") or ""
    if units(content) > CONTENT_CHARS:
        raise _invalid("content: Must be 2000 or fewer in length.")
    if not content.strip() and not body.get("attachments"):
        raise Refused(400, 50006, "Cannot send an empty message")
    if len(components) > MAX_ROWS or any(each["type"] != ROW for each in components):
        raise _invalid("components: at most five rows, and nothing else, without COMPONENTS_V2")
    for each in walk(components):
        _check_children(each)


def _check_children(component: Json) -> None:
    inner = component.get("components") or []
    match component["type"]:
        case 1:
            if not 1 <= len(inner) <= 5 or any(each["type"] != BUTTON for each in inner):
                raise _invalid("components: a row has one to five buttons")
        case 17:
            if not inner or any(each["type"] not in {ROW, TEXT} for each in inner):
                raise _invalid("components: a container has rows and texts")
        case 2:
            if not 1 <= len(component.get("label", "")) <= 80:
                raise _invalid("label: 1 to 80 characters")
            if component.get("style") not in {1, 2, 3, 4}:
                raise _invalid("style: 1 to 4 with a custom id")
        case _:
            if inner:
                raise _invalid("components: these have no children")


def _check_mentions(allowed: Mapping[str, Any]) -> None:
    unknown = set(allowed.get("parse") or []) - {"roles", "users", "everyone"}
    if unknown:
        raise _invalid("allowed_mentions: parse")
    for kind in ("users", "roles"):
        if kind in (allowed.get("parse") or []) and allowed.get(kind):
            raise _invalid(f"allowed_mentions: parse and {kind} are mutually exclusive")


def units(text: str) -> int:
    """UTF-16 units, the strictest way to count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _invalid(message: str) -> Refused:
    return Refused(400, 50035, f"Invalid Form Body: {message}")
