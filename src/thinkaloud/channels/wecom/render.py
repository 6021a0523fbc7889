"""What WeCom should show for the content of a run. Pure.

A run is one stream message: the thought in a think block, which WeCom folds, then the answer. What a message has no room for
follows in messages of its own.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from thinkaloud.channels.markdown.plain import escaped
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.platform.content import Answer, ChatContent, NoticeLine, ToolLine
from thinkaloud.channels.wecom.text import inert_thought, open_fence, size, wecom_markdown

MAX_BYTES: Final = 20_480
"""The most bytes of a message, for streams and for Markdown messages."""
_ROOM: Final = 20_000
_MAX_THOUGHT: Final = 10_000
"""What a thought gets beside an answer that needs the room."""
_STEP: Final = 2_000
_FRAME: Final = 200
"""The think block's tags, the line about the duration, the words about what is left out."""
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}
_ANIMATION: Final = "<think></think>"
_CONTINUES: Final = "*Still working. The rest follows in a new message.*"


class Live(msgspec.Struct, frozen=True):
    """The stream message of an active run."""

    text: str
    shown: int
    """How many characters of `ChatContent.answer` it shows for certain."""


def live_message(content: ChatContent) -> Live | None:
    """Return the stream message of an active run; None if there is nothing to show yet.

    Before there is any text, it is the animation: WeCom has no other typing indicator.
    """
    thought = _thought(content)
    limit = _body_room(thought)
    source = "\n\n".join(_sources(content))
    shown = len(content.answer)
    if size(source) > limit - _FRAME:
        cut = _cheap_cut(source, limit - _FRAME)
        shown = len(cut) if content.answer.startswith(cut) else 0
        source = cut + "\n\n…"
    body = wecom_markdown(source)
    if size(body) > limit:  # Escapes took the room.
        body, shown = body.encode()[: limit - _FRAME].decode(errors="ignore") + "…", 0
    think = _think(content, _tail(thought, _ROOM - size(body) - _FRAME))
    text = "\n\n".join([part for part in (think, _duration(content), body) if part])
    if text:
        return Live(text, shown)
    return None if content.mode == "off" else Live(_ANIMATION, 0)


def closed_early(live: Live) -> str:
    """Return the text of a stream that must end before the run does."""
    return f"{live.text}\n\n{_CONTINUES}"


def final_messages(content: ChatContent) -> Sequence[str]:
    """Return the stream message of a run that has ended, and the messages after it."""
    thought = _thought(content)
    bodies = _split("\n\n".join(_sources(content)), _body_room(thought))
    first, *rest = bodies or [""]
    think = _think(content, _head(thought, _ROOM - size(first) - _FRAME))
    message = "\n\n".join([part for part in (think, _duration(content), first) if part])
    return [message, *rest]


def remaining_messages(content: ChatContent, shown: int, digest: str) -> Sequence[str]:
    """Return what the chat lacks after a stream was lost that shows the start of the answer."""
    answer = content.answer
    if shown and digest_of(content, shown) == digest:
        fence = open_fence(answer[:shown])
        rest = answer[shown:]
        if rest.strip():
            cut = rest.startswith("\n") or answer[:shown].endswith("\n")
            if fence is not None:
                rest = f"{fence[0]}{fence[1]}\n" + rest.removeprefix("\n")
            elif not cut:
                rest = "…" + rest
    else:
        rest = answer
    parts = [part for part in (rest.strip("\n"), escaped(content.closing)) if part.strip()]
    return _split("\n\n".join(parts), _ROOM)


def said_messages(markdown: str) -> Sequence[str]:
    """Return the messages for a text of the server itself."""
    return _split(markdown, _ROOM)


def digest_of(content: ChatContent, shown: int) -> str:
    """Return a digest of the start of the answer."""
    return hashlib.sha256(content.answer[:shown].encode()).hexdigest()[:16] if shown else ""


def _sources(content: ChatContent) -> Iterator[str]:
    """Yield the body as Markdown, in order; lines that follow each other share a paragraph."""
    lines: list[str] = []
    for block in content.blocks:
        match block:
            case ToolLine():
                lines.append(escaped(f"{_MARKS[block.state]} {block.title}"))
            case NoticeLine():
                lines.append(escaped(f"ℹ {block.text}"))
            case Answer():
                if lines:
                    yield "\n".join(lines)
                    lines = []
                yield block.markdown.strip("\n")
            case _:
                pass
    if lines:
        yield "\n".join(lines)
    if content.closing:
        yield escaped(content.closing)


def _thought(content: ChatContent) -> str:
    """Return all reasoning; each segment is inert by itself."""
    texts = [thought.text.strip("\n") for thought in content.thoughts]
    return "\n\n".join([inert_thought(text) for text in texts if text])


def _body_room(thought: str) -> int:
    taken = min(size(thought), _MAX_THOUGHT)
    return _ROOM - taken - _FRAME


def _split(source: str, limit: int) -> list[str]:
    rendered = wecom_markdown(source)
    if size(rendered) <= limit:
        return [rendered] if rendered.strip() else []
    parts = split_markdown(source, limit, lambda part: size(wecom_markdown(part)))
    return [wecom_markdown(part) for part in parts]


def _think(content: ChatContent, thought: str) -> str:
    """Return the think block. An empty one is WeCom's animation for an open thought."""
    if thought.strip() or (content.thinking and not content.final):
        return f"<think>{thought}</think>"
    return ""


def _duration(content: ChatContent) -> str:
    if not content.thoughts or (content.thinking and not content.final):
        return ""
    return f"*Thought for {content.thought_seconds} s*"


def _head(thought: str, room: int) -> str:
    """Return the start of a thought, up to a line or a word; it says how much it leaves out."""
    if size(thought) <= room:
        return thought
    text = thought.encode()[:room].decode(errors="ignore")
    place = max(text.rfind("\n", len(text) // 2), text.rfind(" ", len(text) * 3 // 4))
    text = text[:place] if place > 0 else text
    return f"{inert_thought(text)}\n… and {len(thought) - len(text):,} more characters"


def _tail(thought: str, room: int) -> str:
    """Return the end of a thought; where it begins moves in steps."""
    data = thought.encode()
    if len(data) <= room:
        return thought
    start = ((len(data) - room) // _STEP + 1) * _STEP
    return "…" + inert_thought(data[start:].decode(errors="ignore"))


def _cheap_cut(source: str, limit: int) -> str:
    """Return the start of a Markdown text without parsing it: up to a paragraph, a line or a word."""
    text = source.encode()[:limit].decode(errors="ignore")
    for mark in ("\n\n", "\n", " "):
        place = text.rfind(mark, len(text) // 2)
        if place > 0:
            return text[:place]
    return text
