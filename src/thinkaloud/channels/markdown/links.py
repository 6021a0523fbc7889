"""Makes markdown-it-py look for a link only where there may be one. Pure.

Its own rule scans the rest of the paragraph at each bracket, which costs a second for 40,000 of them.
"""

import re
from collections.abc import Callable
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline, image, link

_Rule = Callable[[StateInline, bool], bool]
_PIECE: Final = r"[^\[\]\\`]{1,1000}+|\\.|`[^`]{0,300}`|[\\`]"
_INNER: Final = rf"\[(?>{_PIECE}|\[[^\[\]]{{0,300}}\]){{0,300}}+\]"
_LABEL: Final = re.compile(rf"!?\[(?>{_PIECE}|{_INNER}){{0,300}}+\]", re.DOTALL)
"""A label with brackets nested at most twice. Atomic groups, so that its cost is linear."""


def bound_links(parser: MarkdownIt) -> MarkdownIt:
    """Replace the rules for links and images. Labels with more than about 1,000 characters are text."""
    parser.inline.ruler.at("link", _where_possible(link, "["))
    parser.inline.ruler.at("image", _where_possible(image, "!["))
    return parser


def _where_possible(rule: _Rule, start: str) -> _Rule:
    def bounded(state: StateInline, silent: bool) -> bool:
        if not state.src.startswith(start, state.pos):
            return False
        label = _LABEL.match(state.src, state.pos, state.posMax)
        if label is None:
            return False
        inline = state.src.startswith("(", label.end())
        return (inline or bool(state.env.get("references"))) and rule(state, silent)

    return bounded
