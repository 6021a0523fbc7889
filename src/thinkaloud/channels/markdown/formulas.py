"""Formulas for markdown-it-py: `$$…$$`, `\\[…\\]` and `\\(…\\)`. A single `$` is money. Pure."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_MAX_TEX: Final = 4_000
_DELIMITERS: Final = (("$$", "$$", True), ("\\[", "\\]", True), ("\\(", "\\)", False))


def add_formulas(parser: MarkdownIt) -> MarkdownIt:
    """Add the rule before escapes, which would swallow the backslashes."""
    parser.inline.ruler.before("escape", "formula", _formula)
    return parser


def _formula(state: StateInline, silent: bool) -> bool:
    for start, end, display in _DELIMITERS:
        if not state.src.startswith(start, state.pos):
            continue
        inside = state.pos + len(start)
        stop = state.src.find(end, inside, min(state.posMax, inside + _MAX_TEX))
        tex = state.src[inside:stop].strip() if stop >= 0 else ""
        if not tex:
            continue
        if not silent:
            token = state.push("formula", "", 0)
            token.content = tex
            token.meta = {"display": display}
        state.pos = stop + len(end)
        return True
    return False
