"""Converts Markdown, as models write it, into blocks of a rich message. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from thinkaloud.channels.markdown import tree
from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.telegram.blocks import (
    MAX_COLUMNS,
    Block,
    Bold,
    Cell,
    Code,
    Details,
    Divider,
    Formula,
    Heading,
    Italic,
    Item,
    Link,
    List,
    Paragraph,
    Preformatted,
    Quote,
    Strikethrough,
    Table,
    Text,
    plain,
)

_STYLES: Final = {"strong": Bold, "emphasis": Italic, "strike": Strikethrough}
_DEEPEST: Final = 6
"""Levels of lists and quotes that are kept; what is nested deeper becomes text. A list takes two of the levels that
Telegram allows."""
_MOST_PARAGRAPHS: Final = 200
_ADDRESS = re.compile(r"https?://[^\s<>\"'`]*[^\s<>\"'`.,:;!?)\]}*_]")
_TASK = re.compile(r"\[([ xX])\]\s+")


def blocks_of(markdown: str) -> Sequence[Block]:
    """Convert a Markdown text, complete or cut off anywhere."""
    return tuple(blocks_of_tree(parse_markdown(markdown)))


def blocks_of_tree(nodes: Iterable[tree.Block], level: int = 0) -> Iterator[Block]:
    """Convert the blocks of a parsed text, which are `level` lists and quotes deep."""
    for node in nodes:
        match node:
            case tree.Paragraph():
                yield from _paragraph(node)
            case tree.Heading():
                yield Heading(inline(node.children) or " ", node.level)
            case tree.CodeBlock():
                yield Preformatted(node.text or " ", node.language or None)
            case tree.Rule():
                yield Divider()
            case tree.Table():
                yield _table(node)
            case tree.Quote() if level < _DEEPEST:
                yield Quote(_inside(node.children, level))
            case tree.List() if level < _DEEPEST:
                yield List(tuple(_items(node, level)))
            case _:
                yield Paragraph("\n".join(_lines((node,))) or " ")


def inline(nodes: Iterable[tree.Inline]) -> Text:
    """Convert the text in a block."""
    return _joined(part for node in nodes for part in _span(node))


def fold(summary: str, text: str) -> Details:
    """Return a closed fold with a plain text."""
    return Details(summary, paragraphs(text))


def paragraphs(text: str) -> tuple[Block, ...]:
    """Return a plain text as paragraphs, split at blank lines; at least one."""
    found = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
    if len(found) > _MOST_PARAGRAPHS:
        # A message has a limited number of blocks.
        rest = "\n\n".join(found[_MOST_PARAGRAPHS - 1 :])
        found = [*found[: _MOST_PARAGRAPHS - 1], rest]
    return tuple(Paragraph(part) for part in found) or (Paragraph(" "),)


def _inside(nodes: Iterable[tree.Block], level: int) -> tuple[Block, ...]:
    return tuple(blocks_of_tree(nodes, level + 1)) or (Paragraph(" "),)


def _paragraph(node: tree.Paragraph) -> Iterator[Block]:
    text = inline(node.children)
    if isinstance(text, Formula):
        yield text
    elif plain(text).strip():
        yield Paragraph(text)


def _items(node: tree.List, level: int) -> Iterator[Item]:
    for number, item in enumerate(node.items, node.start or 0):
        value = None if node.start is None else number
        first, *rest = item.children or (tree.Paragraph(()),)
        task = _task(first)
        if task and isinstance(first, tree.Paragraph) and isinstance(first.children[0], tree.Text):
            text = tree.Text(first.children[0].text[task.end() :])
            first = tree.Paragraph((text, *first.children[1:]))
        checked = task is not None and task[1] != " "
        yield Item(_inside((first, *rest), level), value, task is not None, checked)


def _task(first: tree.Block) -> re.Match[str] | None:
    """Return the checkbox at the start of an item."""
    if isinstance(first, tree.Paragraph) and first.children:
        start = first.children[0]
        return _TASK.match(start.text) if isinstance(start, tree.Text) else None
    return None


def _table(node: tree.Table) -> Block:
    rows = [node.header, *node.rows]
    if len(node.header) > MAX_COLUMNS:
        lines = (" | ".join(plain(inline(cell)) for cell in row) for row in rows)
        return Preformatted("\n".join(lines))
    cells = (
        tuple(Cell("left", inline(cell) or " ", is_header=number == 0) for cell in row)
        for number, row in enumerate(rows)
    )
    return Table(tuple(cells), is_bordered=True)


def _lines(nodes: Iterable[tree.Block]) -> Iterator[str]:
    """Yield the text of blocks that are nested too deeply to be formatted."""
    for node in nodes:
        match node:
            case tree.Paragraph() | tree.Heading():
                yield plain(inline(node.children))
            case tree.CodeBlock():
                yield node.text
            case tree.Quote():
                yield from _lines(node.children)
            case tree.List():
                for item in node.items:
                    yield from (f"• {line}" for line in _lines(item.children))
            case tree.Table():
                for row in (node.header, *node.rows):
                    yield " | ".join(plain(inline(cell)) for cell in row)
            case tree.Rule():
                yield "———"


def _span(node: tree.Inline) -> Iterator[Text]:
    match node:
        case tree.Text():
            yield from _linked(node.text)
        case tree.Break():
            yield "\n"
        case tree.CodeSpan():
            yield Code(node.text)
        case tree.Formula():
            yield Formula(node.tex)
        case tree.Styled():
            yield _STYLES[node.style](inline(node.children))
        case tree.Link():
            text = plain(inline(node.children))
            yield Link(text or node.url, node.url)


def _linked(text: str) -> Iterator[Text]:
    """Turn the addresses in a text into links: the server is told not to detect any."""
    end = 0
    for found in _ADDRESS.finditer(text):
        yield text[end : found.start()]
        yield Link(found[0], found[0])
        end = found.end()
    yield text[end:]


def _joined(parts: Iterable[Text]) -> Text:
    """Return one text for these parts: adjacent strings are joined, empty ones dropped."""
    joined: list[Text] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    if not joined:
        return ""
    return joined[0] if len(joined) == 1 else tuple(joined)
