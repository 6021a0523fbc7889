"""Splits answers into messages, also while they grow. Pure."""

from collections.abc import Sequence
from typing import Final

from thinkaloud.channels.discord.text import discord_markdown, measure
from thinkaloud.channels.markdown.split import split_markdown

CONTENT_CHARS: Final = 2_000
"""Discord's limit for the content of a message."""
_SURELY_MORE: Final = 3 * CONTENT_CHARS
"""Markdown of this length isn't rendered to find out that it is too long for a message."""


def said_parts(markdown: str) -> Sequence[str]:
    """Return Markdown in Discord's markup, split into messages."""
    return _rendered(_split(markdown))


class GrowingAnswer:
    """An answer that streams in. Parts before the last one are final, so they aren't split again."""

    def __init__(self) -> None:
        self._markdown = ""
        self._done: list[str] = []
        self._tail = ""

    def parts(self, markdown: str) -> Sequence[str]:
        """Return the answer so far, in Discord's markup, split into messages."""
        if not markdown.startswith(self._markdown):
            self._markdown, self._done, self._tail = "", [], ""
        sources = _split(self._tail + markdown[len(self._markdown) :])
        self._markdown = markdown
        self._done += _rendered(sources[:-1])
        self._tail = sources[-1] if sources else ""
        return [*self._done, *_rendered([self._tail])]


def _split(markdown: str) -> Sequence[str]:
    return split_markdown(markdown, CONTENT_CHARS, _measured)


def _measured(markdown: str) -> int:
    if len(markdown) > _SURELY_MORE:
        return len(markdown)
    return measure(discord_markdown(markdown))


def _rendered(sources: Sequence[str]) -> Sequence[str]:
    rendered = [discord_markdown(each).strip() for each in sources]
    return [each for each in rendered if each]
