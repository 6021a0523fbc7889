"""Cards of JSON 2.0: https://open.feishu.cn/document/feishu-cards/card-json-v2-structure. Pure."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

Element = Mapping[str, Any]

MAX_BYTES: Final = 28_000
"""The most of a card's JSON, with a margin: Feishu refuses more than 30 KB."""
MAX_ELEMENTS: Final = 180
"""The most elements, with a margin: Feishu refuses more than 200."""
_STREAMING: Final[Element] = {
    "print_frequency_ms": {"default": 40},
    "print_step": {"default": 4},
    "print_strategy": "fast",
}


class Card(msgspec.Struct, frozen=True):
    """A card, and what is compared with the one that was sent."""

    data: str
    """The JSON."""
    frame: str
    """A digest of everything but the texts of the elements that can be streamed."""
    texts: Mapping[str, str]
    """Those texts, by element."""

    @property
    def digest(self) -> str:
        """A short hash, to tell whether a card was sent before."""
        return sha256(self.data.encode()).hexdigest()[:16]


def make_card(elements: Sequence[Element], *, summary: str, streaming: bool = False) -> Card:
    """Return a card. `summary` is what notifications and the list of chats show of it."""
    config: dict[str, Any] = {
        "update_multi": True,
        "streaming_mode": streaming,
        "summary": {"content": summary},
    }
    if streaming:
        config["streaming_config"] = _STREAMING
    texts: dict[str, str] = {}
    frame = {"config": config, "elements": [_without_texts(each, texts) for each in elements]}
    card = {"schema": "2.0", "config": config, "body": {"elements": elements}}
    return Card(_json(card), sha256(_json(frame).encode()).hexdigest()[:16], texts)


def markdown(name: str, text: str, *, small: bool = False) -> Element:
    """Return an element with card Markdown."""
    made = {"tag": "markdown", "element_id": name, "content": text}
    return {**made, "text_size": "notation"} if small else made


def panel(name: str, title: str, inner: Element, *, expanded: bool) -> Element:
    """Return a panel that people can fold."""
    return {
        "tag": "collapsible_panel",
        "element_id": name,
        "expanded": expanded,
        "header": {
            "title": {"tag": "plain_text", "content": title},
            "vertical_align": "center",
            "icon": {"tag": "standard_icon", "token": "down-small-ccm_outlined"},
            "icon_position": "follow_text",
            "icon_expanded_angle": -180,
        },
        "border": {"color": "grey", "corner_radius": "5px"},
        "elements": [inner],
    }


def button(name: str, label: str, value: Mapping[str, Any]) -> Element:
    """Return a button. Its value comes back with the event."""
    return {
        "tag": "button",
        "element_id": name,
        "text": {"tag": "plain_text", "content": label},
        "size": "small",
        "behaviors": [{"type": "callback", "value": value}],
    }


def private_card(text: str) -> Element:
    """Return a card for one member of a group; such cards are of JSON 1.0."""
    return {
        "config": {"wide_screen_mode": True},
        "elements": [{"tag": "markdown", "content": text}],
    }


def size(text: str) -> int:
    """Return the bytes that a text takes in a card."""
    return len(_json(text).encode()) - 2


def _without_texts(element: Element, texts: dict[str, str]) -> Element:
    if element["tag"] == "markdown":
        texts[element["element_id"]] = element["content"]
        return {key: value for key, value in element.items() if key != "content"}
    if element["tag"] == "collapsible_panel":
        return {
            **element,
            "elements": [_without_texts(each, texts) for each in element["elements"]],
        }
    return element


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
