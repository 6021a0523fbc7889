"""What a person sees of a message."""

import re

_MENTION = re.compile(r"<@([^>\s]+)>")


def visible(content: str) -> tuple[str, str]:
    """The visible and the folded text. As in WeCom, the first closing tag ends the think block."""
    folded = ""
    if content.startswith("<think>"):
        folded, _, content = content.removeprefix("<think>").partition("</think>")
    return plain(content).strip(), plain(folded).strip()


def plain(text: str) -> str:
    """Text without escapes and invisible characters."""
    return re.sub(r"\\([^\w\s])", r"\1", text.replace("\u200b", ""))


def mentions(content: str) -> list[str]:
    """Who is notified."""
    return _MENTION.findall(content)
