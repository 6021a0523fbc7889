"""What people see of a card: text, folded text, buttons and mentions."""

import html
import re
from collections.abc import Mapping
from typing import Any

_FENCED = re.compile(r"(`{3,})[^`\n]*\n(.*?)\n\1", re.DOTALL)
_SPAN = re.compile(r"(`+)(.+?)\1")
_MENTION = re.compile(r"<(?:at|person)\s[^>]*>")
_TAG = re.compile(r"</?(?:font|at|person|link|a|text_tag|number_tag|local_datetime|raw)\b[^>]*>")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARK = re.compile(r"\*\*|\*|~~|(?<!\w)_|_(?!\w)")
_LINE_MARK = re.compile(r"^(#{1,6} |> )", re.MULTILINE)


def text_of(markdown: str) -> str:
    """The text that a card's Markdown shows."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found.group(2))
        return f"\x00{len(kept) - 1}\x00"

    text = _SPAN.sub(keep, _FENCED.sub(keep, markdown))
    for pattern, with_ in ((_TAG, ""), (_LINK, r"\1"), (_MARK, ""), (_LINE_MARK, "")):
        text = pattern.sub(with_, text)
    text = html.unescape(text)
    text = re.sub(r"\x00(\d+)\x00", lambda found: kept[int(found.group(1))], text)
    return text.replace("\u200b", "").replace("\N{NO-BREAK SPACE}", " ")


def mentions_of(card: Mapping[str, Any]) -> list[str]:
    """The tags that mention somebody."""
    return [found for each in _markdown(elements(card)) for found in _MENTION.findall(each)]


def visible(card: Mapping[str, Any]) -> tuple[str, str]:
    """What is shown, and what is behind a fold."""
    shown: list[str] = []
    folded: list[str] = []
    for each in elements(card):
        match each["tag"]:
            case "collapsible_panel":
                shown.append(each["header"]["title"]["content"])
                inner = "\n".join(text_of(text) for text in _markdown(each["elements"]))
                (shown if each.get("expanded") else folded).append(inner)
            case "button":
                shown.append(f"[{each['text']['content']}]")
            case "markdown":
                shown.append(text_of(each["content"]))
            case "div":
                shown.append(each["text"]["content"])
            case _:
                pass
    return "\n".join(shown), "\n".join(folded)


def buttons(card: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the buttons by their labels."""
    return {
        each["text"]["content"]: each["behaviors"][0]["value"]
        for each in elements(card)
        if each["tag"] == "button"
    }


def elements(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = card.get("body", {}).get("elements")
    return list(card.get("elements", []) if found is None else found)


def _markdown(elements: list[dict[str, Any]]) -> list[str]:
    texts: list[str] = []
    for each in elements:
        if each["tag"] == "markdown":
            texts.append(each["content"])
        texts += _markdown(each.get("elements", []))
    return texts
