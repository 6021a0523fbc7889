"""Markdown and plain text as Discord's markup. Pure.

Whatever a model writes is literal unless it is Markdown: it mentions nobody, and hides nothing.
"""

import re
from collections.abc import Sequence
from typing import Final, assert_never

from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.markdown.plain import plain_inlines, table_text
from thinkaloud.channels.markdown.tree import (
    Block,
    Break,
    CodeBlock,
    CodeSpan,
    Formula,
    Heading,
    Inline,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Styled,
    Table,
    Text,
)

_SPECIAL: Final = re.compile(r"([\\*_~`|<\[\]])")
_LINE_START: Final = re.compile(r"^(\s*)(#{1,3}(?=\s)|-#|[-+>]|\d+(?=[.)]))", re.MULTILINE)
_EVERYONE: Final = re.compile(r"@(?=everyone|here)")
_URL: Final = re.compile(r"(https?://[^\s<>|`*\\]+)")
_BLANK: Final = "\u200b"
_MARKS: Final = {"strong": "**", "emphasis": "*", "strike": "~~"}
_NATIVE_HEADINGS: Final = 3


def measure(text: str) -> int:
    """Return the length of a text as Discord counts it at most: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str) -> str:
    """Return markup that shows this text literally."""
    text = _EVERYONE.sub(f"@{_BLANK}", text)
    text = _SPECIAL.sub(r"\\\1", text)
    return _LINE_START.sub(_escaped_start, text)


def small(text: str) -> str:
    """Return literal text in small print, each line by itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join([f"-# {escaped(line)}" for line in lines])


def discord_markdown(markdown: str) -> str:
    """Convert Markdown to Discord's markup. Tables and formulas become code."""
    return _blocks(parse_markdown(markdown))


def _escaped_start(match: re.Match[str]) -> str:
    space, mark = match.groups()
    return f"{space}{mark}\\" if mark.isdigit() else f"{space}\\{mark}"


def _blocks(blocks: Sequence[Block]) -> str:
    return "\n\n".join([_block(block) for block in blocks])


def _block(block: Block) -> str:
    match block:
        case Paragraph(children=children):
            return _paragraph(children)
        case Heading(level=level, children=children):
            text = _inlines(children).replace("\n", " ")
            return f"{'#' * level} {text}" if level <= _NATIVE_HEADINGS else f"**{text}**"
        case Quote(children=children):
            return "\n".join([f"> {line}" for line in _blocks(children).split("\n")])
        case List():
            return _list(block)
        case CodeBlock() | Table():
            is_table = isinstance(block, Table)
            return _code(table_text(block)) if is_table else _code(block.text, block.language)
        case Rule():
            return "⎯⎯⎯⎯⎯"
        case _:
            assert_never(block)


def _paragraph(children: Sequence[Inline]) -> str:
    if len(children) == 1 and isinstance(children[0], Formula) and children[0].display:
        return _code(children[0].tex, "tex")
    return _LINE_START.sub(_escaped_start, _inlines(children))


def _code(text: str, language: str = "") -> str:
    body = text.replace("```", f"`{_BLANK}`{_BLANK}`")
    return f"```{language}\n{body}\n```"


def _list(block: List) -> str:
    lines: list[str] = []
    for number, item in enumerate(block.items, block.start or 1):
        mark = "- " if block.start is None else f"{number}. "
        text = "\n".join([_block(each) for each in item.children])
        first, *rest = text.split("\n")
        lines += [mark + first, *[" " * len(mark) + line if line else line for line in rest]]
    return "\n".join(lines)


def _inlines(inlines: Sequence[Inline]) -> str:
    return "".join([_inline(inline) for inline in inlines])


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return _literal(text)
        case Break():
            return "\n"
        case CodeSpan(text=text) | Formula(tex=text):
            return _span(text)
        case Styled(style=style, children=children):
            mark = _MARKS[style]
            inner = _inlines(children)
            return f"{mark}{inner}{mark}" if inner.strip() else inner
        case Link():
            return _link(inline)
        case _:
            assert_never(inline)


def _literal(text: str) -> str:
    """Escape text, but keep addresses: in them, a backslash would be part of the address."""
    text = _EVERYONE.sub(f"@{_BLANK}", text)
    parts = _URL.split(text)
    return "".join([p if i % 2 else _SPECIAL.sub(r"\\\1", p) for i, p in enumerate(parts)])


def _span(text: str) -> str:
    flat = text.replace("\n", " ")
    if "`" not in flat:
        return f"`{flat}`"
    return f"`` {flat.replace('``', f'`{_BLANK}`')} ``"


def _link(link: Link) -> str:
    text = plain_inlines(link.children).replace("\n", " ").strip()
    url = link.url.replace(">", "%3E").replace("<", "%3C").replace(" ", "%20")
    if text in {url, ""} or _URL.search(text):
        # Discord shows no masked link whose text is itself an address.
        label = _SPECIAL.sub(r"\\\1", text)
        return f"<{url}>" if text in {url, ""} else f"{label} (<{url}>)"
    if not url.startswith("http"):
        return f"{_literal(text)} ({_literal(url)})"
    return f"[{_literal(text)}](<{url}>)"
