"""CardKit: cards with an id, which only accept what Feishu accepts.

https://open.feishu.cn/document/feishu-cards/card-json-v2-structure and the pages of cardkit-v1.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.channels.feishu.fake.refusals import Refused

MAX_BYTES: Final = 30 * 1024
MAX_ELEMENTS: Final = 200
MAX_TABLES: Final = 5
STREAMING_SECONDS: Final = 600.0
LIFE_SECONDS: Final = 14 * 86_400.0
_ELEMENT_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}\Z")
_TABLE: Final = re.compile(r"^ *\|.*\|\n *\| *:?-+", re.MULTILINE)
_CODE: Final = re.compile(r"(`{3,})[^`\n]*\n.*?\n\1", re.DOTALL)
_CONFIG: Final = {
    *("streaming_mode", "streaming_config", "summary", "update_multi", "enable_forward", "style"),
    *("enable_forward_interaction", "width_mode", "locales", "use_custom_translation"),
}
_PROPERTIES: Final[Mapping[str, set[str]]] = {
    "markdown": {"content", "text_size", "text_align", "icon", "margin"},
    "div": {"text", "icon", "width", "margin"},
    "hr": {"margin"},
    "button": {
        *("text", "type", "size", "width", "icon", "behaviors", "disabled", "confirm", "margin"),
        *("hover_tips", "name", "required", "form_action_type"),
    },
    "collapsible_panel": {
        *("expanded", "header", "border", "elements", "background_color", "padding", "margin"),
        *("direction", "vertical_spacing", "horizontal_spacing", "vertical_align"),
    },
}
_HEADER: Final = {
    *("title", "background_color", "vertical_align", "padding", "position", "width", "icon"),
    *("icon_position", "icon_expanded_angle"),
}


@dataclass
class Entity:
    """A card."""

    card_id: str
    card: dict[str, Any]
    created: float
    sequence: int = 0
    streaming_since: float | None = None
    sent_as: str | None = None
    versions: list[dict[str, Any]] = field(default_factory=list)


class Cards:
    """All cards of an app."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.entities: dict[str, Entity] = {}

    def create(self, body: Mapping[str, Any]) -> str:
        card = checked_card(body)
        card_id = str(7_355_372_766_134_157_000 + len(self.entities))
        entity = Entity(card_id, {}, self._now())
        self.entities[card_id] = entity
        self._show(entity, card)
        return card_id

    def entity(self, card_id: str) -> Entity:
        entity = self.entities.get(card_id)
        if entity is None:
            raise Refused(300301, "card not exist")
        if self._now() - entity.created > LIFE_SECONDS:
            raise Refused(200750, "card expired")
        return entity

    def update(self, card_id: str, body: Mapping[str, Any]) -> None:
        entity = self.entity(card_id)
        card = checked_card(body.get("card") or {})
        _rises(entity, body)
        self._show(entity, card)

    def settings(self, card_id: str, body: Mapping[str, Any]) -> None:
        entity = self.entity(card_id)
        config = json.loads(str(body.get("settings")))["config"]
        _known(config, _CONFIG, "config")
        _rises(entity, body)
        self._show(entity, {**entity.card, "config": {**entity.card["config"], **config}})

    def content(self, card_id: str, element_id: str, body: Mapping[str, Any]) -> None:
        entity = self.entity(card_id)
        text = body.get("content")
        if not isinstance(text, str) or not text:
            raise Refused(300302, "content is required")
        if not self.is_streaming(entity):
            closed = entity.streaming_since is None
            raise Refused(*((300309, "closed") if closed else (200850, "card streaming timeout")))
        card = json.loads(json.dumps(entity.card))
        found = [each for each in elements_of(card) if each.get("element_id") == element_id]
        if not found:
            raise Refused(300313, "element not exist")
        if found[0]["tag"] not in {"markdown", "plain_text"}:
            raise Refused(300310, "not a text element")
        found[0]["content"] = text
        check_card(card)
        _rises(entity, body)
        entity.card = card
        entity.versions.append(card)

    def is_streaming(self, entity: Entity) -> bool:
        since = entity.streaming_since
        return since is not None and self._now() - since < STREAMING_SECONDS

    def _show(self, entity: Entity, card: dict[str, Any]) -> None:
        entity.card = card
        entity.versions.append(card)
        entity.streaming_since = self._now() if card["config"].get("streaming_mode") else None


def checked_card(body: Mapping[str, Any]) -> dict[str, Any]:
    """The card in the body of a call."""
    if body.get("type") != "card_json" or not isinstance(body.get("data"), str):
        raise Refused(10002, "type and data are required")
    if len(body["data"].encode()) > MAX_BYTES:
        raise Refused(200860, "card content exceeds limit")
    card = json.loads(body["data"])
    check_card(card)
    return card


def check_card(card: Mapping[str, Any]) -> None:
    """Refuse what Feishu refuses."""
    if len(json.dumps(card, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
        raise Refused(200860, "card content exceeds limit")
    _known(card, {"schema", "config", "header", "body", "card_link"}, "card")
    if card.get("schema") != "2.0":
        raise Refused(300304, "schema 2.0 is required")
    _known(card.get("config", {}), _CONFIG, "config")
    if card.get("config", {}).get("update_multi", True) is not True:
        raise Refused(300303, "update_multi must be true")
    found = list(elements_of(card))
    if len(found) > MAX_ELEMENTS:
        raise Refused(300305, "more than 200 elements")
    names = [each["element_id"] for each in found if "element_id" in each]
    if len(set(names)) < len(names) or not all(_ELEMENT_ID.match(name) for name in names):
        raise Refused(300306, f"element ids: {names}")
    tables = 0
    for each in found:
        _check_element(each)
        if each["tag"] == "markdown":
            tables += len(_TABLE.findall(_CODE.sub("", each["content"])))
    if tables > MAX_TABLES:
        raise Refused(230099, "ErrCode: 11310; ErrMsg: card table number over limit")


def elements_of(card: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All elements, also those in panels."""
    waiting = list(card.get("body", {}).get("elements", []))
    depth = 0
    while waiting:
        depth += 1
        if depth > 5:
            raise Refused(300307, "nested too deep")
        yield from waiting
        waiting = [inner for each in waiting for inner in each.get("elements", [])]


def _check_element(element: Mapping[str, Any]) -> None:
    tag = element.get("tag")
    if tag not in _PROPERTIES:
        raise Refused(300308, f"unknown element {tag}")
    _known(element, {"tag", "element_id", *_PROPERTIES[tag]}, str(tag))
    if tag == "markdown":
        content = element.get("content")
        if not isinstance(content, str) or not content or "\x00" in content:
            raise Refused(99992402, "markdown needs content")
    if tag == "collapsible_panel":
        _known(element["header"], _HEADER, "header")
    for behavior in element.get("behaviors", []):
        _known(behavior, {"type", "value", "default_url"}, "behavior")


def _known(table: Mapping[str, Any], names: set[str], where: str) -> None:
    if unknown := set(table) - names:
        raise Refused(200621, f"unknown property in {where}: {sorted(unknown)}")


def _rises(entity: Entity, body: Mapping[str, Any]) -> None:
    sequence = body.get("sequence")
    if not isinstance(sequence, int) or not 0 < sequence < 2**31:
        raise Refused(10002, "sequence is not valid")
    if sequence <= entity.sequence:
        raise Refused(300317, "sequence number compare failed")
    entity.sequence = sequence
