"""Parses Markdown to the tree, with markdown-it-py."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from thinkaloud.channels.markdown.formulas import add_formulas
from thinkaloud.channels.markdown.links import bound_links
from thinkaloud.channels.markdown.tree import (
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Formula,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Style,
    Styled,
    Table,
    Text,
)

MAX_DEPTH: Final = 12
"""Blocks and styles nested deeper become plain paragraphs and text."""
_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9_+#.-]{1,40}")
_STYLES: Final[Mapping[str, Style]] = {"strong": "strong", "em": "emphasis", "s": "strike"}

markdown_parser: Final = bound_links(
    add_formulas(
        MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable(
            ["table", "strikethrough"]
        )
    )
)
"""CommonMark with tables, strikethrough and formulas; HTML is text."""

block_parser: Final = MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable("table")
"""The same blocks, without what is in them."""
block_parser.core.ruler.enableOnly(["normalize", "block"])

for _parser in (markdown_parser, block_parser):
    _parser.parse(
        "a"
    )  # It prepares its rules with the first text, which is no work for two threads.


def parse_markdown(markdown: str) -> Sequence[Block]:
    """Parse Markdown (CommonMark, tables, strikethrough, `$$…$$` and `\\(…\\)` formulas).

    Text that a model hasn't finished yet parses too.
    """
    root = SyntaxTreeNode(markdown_parser.parse(markdown))
    return _blocks(root.children, 0)


def _blocks(nodes: Sequence[SyntaxTreeNode], depth: int) -> list[Block]:
    found: list[Block] = []
    for node in nodes:
        make = _BLOCKS.get(node.type)
        if depth >= MAX_DEPTH or make is None:
            if text := _raw(node):
                found.append(Paragraph([Text(text)]))
        else:
            found.append(make(node, depth))
    return found


def _paragraph(node: SyntaxTreeNode, depth: int) -> Paragraph:
    return Paragraph(_inline_of(node))


def _heading(node: SyntaxTreeNode, depth: int) -> Heading:
    return Heading(int(node.tag[1:]), _inline_of(node))


def _code(node: SyntaxTreeNode, depth: int) -> CodeBlock:
    language = _LANGUAGE.match(node.info.strip()) if node.type == "fence" else None
    return CodeBlock(node.content.removesuffix("\n"), language.group() if language else "")


def _quote(node: SyntaxTreeNode, depth: int) -> Quote:
    return Quote(_blocks(node.children, depth + 1))


def _list(node: SyntaxTreeNode, depth: int) -> List:
    items = [Item(_blocks(item.children, depth + 1)) for item in node.children]
    if node.type == "bullet_list":
        return List(items)
    start = node.attrs.get("start", 1)
    return List(items, int(start))


def _table(node: SyntaxTreeNode, depth: int) -> Table:
    rows = [
        [_inline_of(cell) for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    return Table(rows[0], rows[1:])


def _rule(node: SyntaxTreeNode, depth: int) -> Rule:
    return Rule()


_BLOCKS: Final[dict[str, Callable[[SyntaxTreeNode, int], Block]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "fence": _code,
    "code_block": _code,
    "blockquote": _quote,
    "bullet_list": _list,
    "ordered_list": _list,
    "table": _table,
    "hr": _rule,
}


def _inline_of(node: SyntaxTreeNode) -> Sequence[Inline]:
    """Return the inlines of a block that has them in one child."""
    return [
        each for child in node.children if child.type == "inline" for each in _inlines(child, 0)
    ]


def _inlines(node: SyntaxTreeNode, depth: int) -> list[Inline]:
    found: list[Inline] = []
    for child in node.children:
        for each in _inline(child, depth):
            last = found[-1] if found else None
            if isinstance(each, Text) and isinstance(last, Text):
                found[-1] = Text(last.text + each.text)
            elif not (isinstance(each, Text) and not each.text):
                found.append(each)
    return found


def _inline(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    make = _INLINES.get(node.type)
    return make(node, depth) if make is not None else (Text(_raw(node)),)


def _break(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    return (Break(),)


def _code_span(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    return (CodeSpan(node.content),)


def _formula(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    return (Formula(node.content, display=bool(node.meta.get("display"))),)


def _styled(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    if depth >= MAX_DEPTH:
        return (Text(_raw(node)),)
    return (Styled(_STYLES[node.type], _inlines(node, depth + 1)),)


def _link(node: SyntaxTreeNode, depth: int) -> Sequence[Inline]:
    url = str(node.attrs.get("href" if node.type == "link" else "src", ""))
    children = _inlines(node, depth + 1) if depth < MAX_DEPTH else [Text(_raw(node))]
    if not children:
        children = [Text(url)]
    if not _is_safe(url):
        return children
    return (Link(url, children),)


_INLINES: Final[dict[str, Callable[[SyntaxTreeNode, int], Sequence[Inline]]]] = {
    "softbreak": _break,
    "hardbreak": _break,
    "code_inline": _code_span,
    "formula": _formula,
    "strong": _styled,
    "em": _styled,
    "s": _styled,
    "link": _link,
    "image": _link,
}


def _is_safe(url: str) -> bool:
    try:
        return urlsplit(url).scheme.lower() in _SCHEMES
    except ValueError:
        return False


def _raw(node: SyntaxTreeNode) -> str:
    """Return the text of a node and everything in it."""
    if node.type in {"softbreak", "hardbreak"}:
        return " "
    if node.children:
        return "".join([_raw(child) for child in node.children])
    return node.content if node.token is not None or node.type == "text" else ""
