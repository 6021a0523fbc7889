"""What WeChat should show for the content of a run: plain text in a few messages. Pure.

WeChat can neither edit messages nor fold text, and allows few messages for each message of a person.
"""

from collections.abc import Sequence
from typing import Final

from thinkaloud.channels.markdown.plain import escaped, plain_text
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.platform.content import ChatContent, NoticeLine, ToolLine

MAX_CHARACTERS: Final = 1_800
"""The most UTF-16 code units of a message."""
NOTICE_CHARACTERS: Final = 120
"""What is kept free for the notice that the rest follows."""
MORE_WORDS: Final = frozenset({"more", "continue", "next", "更多", "继续", "繼續"})
"""What people write for the rest, in lower case."""
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}
_MAX_LINES: Final = 12


def answer_parts(content: ChatContent) -> Sequence[str]:
    """Return the messages of a run that has ended, without its reasoning."""
    head = [*_thought_line(content), *_tool_lines(content)]
    source = [escaped("\n".join(head)), content.answer, escaped(content.closing)]
    return render_text("\n\n".join([part for part in source if part.strip()]))


def thought_part(content: ChatContent) -> str:
    """Return the one message with the reasoning, cut if it is too long; empty if there is none."""
    text = neutral(content.thought_text.strip()) if content.mode == "folded" else ""
    if not text:
        return ""
    title, more = f"💭 Thought for {content.thought_seconds} s\n\n", "…\n\n/why shows all of it."
    room = MAX_CHARACTERS - units(title)
    if units(text) > room:
        text = _cut(text, room - units(more)) + more
    return title + text


def render_text(markdown: str) -> Sequence[str]:
    """Return the messages for a text, each with room for a notice."""
    limit = MAX_CHARACTERS - NOTICE_CHARACTERS
    texts: list[str] = []
    for part in split_markdown(markdown, limit, units):
        text = _plain(part)
        if units(text) <= limit:
            texts.append(text)
        else:  # A table that was aligned, for example.
            texts += map(_plain, split_markdown(part, limit, lambda each: units(_plain(each))))
    return [text for text in texts if text]


def notice(number: int, count: int) -> str:
    """Return the words below a message after which WeChat accepts no more."""
    return (
        f"\n\n— {number} of {count}. WeChat accepts more only after you have written:"
        " send “more” for the rest."
    )


def neutral(text: str) -> str:
    """Return text that WeChat shows whole: a bare `<` would hide what follows it."""
    return text.replace("<", "＜")


def units(text: str) -> int:
    """Return the length in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def _plain(markdown: str) -> str:
    return neutral(plain_text(markdown)).strip("\n")


def _cut(text: str, limit: int) -> str:
    text = text[:limit]
    while (excess := units(text) - limit) > 0:
        text = text[: -((excess + 1) // 2)]
    return text.rstrip()


def _thought_line(content: ChatContent) -> Sequence[str]:
    if not content.thoughts or content.mode not in {"live", "on_request"}:
        return ()
    return (f"💭 Thought for {content.thought_seconds} s · /why",)


def _tool_lines(content: ChatContent) -> Sequence[str]:
    lines = [
        f"{_MARKS[block.state]} {block.title}" if isinstance(block, ToolLine) else f"ℹ {block.text}"
        for block in content.blocks
        if isinstance(block, ToolLine | NoticeLine)
    ]
    left_out = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], f"… and {left_out} more"] if left_out > 0 else lines
