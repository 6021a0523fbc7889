"""Markdown as WeCom's messages have it, with everything inert that WeCom acts on. Pure.

Outside code, `<` never begins a tag: `<@userid>` would mention somebody, and a model's own `</think>` would end the thought.
Syntax: https://developer.work.weixin.qq.com/document/path/101031
"""

import re
from collections.abc import Sequence
from typing import Final, assert_never

from thinkaloud.channels.markdown.parse import parse_markdown
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
from thinkaloud.channels.markdown.write import (
    MARKS,
    code_span,
    fenced,
    link,
    list_lines,
    pipe_table,
)

GAP: Final = "\u200b"
_TAG: Final = re.compile(r"<(?=[/@!?a-zA-Z])")
_RESERVED: Final = re.compile(r"<(?=\s*/?\s*think|@)", re.IGNORECASE)
_SPECIAL: Final = re.compile(r"[\\`*]|(?<![^\W_])_|_(?![^\W_])|~(?=~)")
_LINE_START: Final = re.compile(r"^(\s*)([#>+\-=|]|\d+(?=[.)]))")
_FENCE: Final = re.compile(r"\s*(`{3,}|~{3,})(.*)$")


def size(text: str) -> int:
    """Return what WeCom's limits count: bytes."""
    return len(text.encode())


def wecom_markdown(markdown: str) -> str:
    """Return a model's Markdown for a message."""
    return _blocks(parse_markdown(markdown))


def inert_thought(text: str) -> str:
    """Return a thought for a think block: without tags, images and links, with its code blocks closed."""
    text = _TAG.sub("<" + GAP, text).replace("](", f"]{GAP}(")
    opener = open_fence(text)
    if opener is not None:
        text = f"{text}\n{opener[0]}"
    return text + "\n" if _FENCE.match(text.rpartition("\n")[2]) else text


def open_fence(text: str) -> tuple[str, str] | None:
    """Return the marker and the language of the code block that is open where a text ends."""
    fence: tuple[str, str] | None = None
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found is None:
            continue
        marker, info = found.groups()
        if fence is None:
            fence = (marker, info.strip())
        elif marker.startswith(fence[0]) and not info.strip():
            fence = None
    return fence


def _blocks(blocks: Sequence[Block]) -> str:
    return "\n\n".join([_block(block) for block in blocks])


def _block(block: Block) -> str:
    match block:
        case Paragraph(children=children):
            made = _start(_inlines(children))
        case Heading(level=level, children=children):
            made = f"{'#' * level} {_inlines(children)}".replace("\n", " ")
        case CodeBlock(text=text, language=language):
            made = fenced(_unreserved(text), language)
        case Quote(children=children):
            made = "\n".join([f"> {line}" for line in _blocks(children).split("\n")])
        case List():
            made = list_lines(block, _block)
        case Table():
            made = _table(block)
        case Rule():
            made = "---"
        case _:
            assert_never(block)
    return made


def _table(block: Table) -> str:
    return pipe_table(
        [
            [_inlines(cell).replace("\n", " ").replace("|", "\\|") for cell in row]
            for row in (block.header, *block.rows)
        ]
    )


def _inlines(inlines: Sequence[Inline]) -> str:
    return "".join([_inline(inline) for inline in inlines])


def _inline(inline: Inline) -> str:
    match inline:
        case Text(text=text):
            return _inert(text)
        case Break():
            return "\n"
        case CodeSpan(text=text) | Formula(tex=text):
            return code_span(_unreserved(text))
        case Styled(style=style, children=children):
            mark, text = MARKS[style], _inlines(children)
            return f"{mark}{text}{mark}" if text.strip() else text
        case Link(url=url, children=children):
            text = _inlines(children) or _inert(url)
            return link(text, url)
        case _:
            assert_never(inline)


def _inert(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text).replace("](", f"]{GAP}(")
    return _TAG.sub("<" + GAP, escaped)


def _unreserved(text: str) -> str:
    """Leave code as it is, except for what WeCom reads in code, too."""
    return _RESERVED.sub("<" + GAP, text)


def _start(text: str) -> str:
    """Make the start of each line inert, where it would begin a heading, a list or a table."""
    return "\n".join([_LINE_START.sub(_first, line, count=1) for line in text.split("\n")])


def _first(found: re.Match[str]) -> str:
    space, mark = found.groups()
    return f"{space}{mark}{GAP}" if mark.isdecimal() else f"{space}\\{mark}"
