"""What Feishu should show for the content of a run. Pure.

While a run is active, it is one card: the thought in an open panel, tools, the answer and a stop button. At the end it is
one card, or several if the answer is long, with the thought in a folded panel above the answer.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.channels.feishu.cards import (
    MAX_BYTES,
    MAX_ELEMENTS,
    Card,
    Element,
    button,
    make_card,
    markdown,
    panel,
    size,
)
from thinkaloud.channels.feishu.text import (
    MAX_TABLES,
    count_tables,
    escaped,
    feishu_markdown,
    plain_markdown,
    summary_of,
)
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.platform.actions import stop_action, why_action
from thinkaloud.channels.platform.content import Answer, ChatContent, NoticeLine, ToolLine
from thinkaloud.channels.platform.message import ChatAddress

_ROOM: Final = MAX_BYTES - 2_500
"""What a card has for texts, beside its frame and the frames of its elements."""
_PIECE: Final = 10_000
"""The most of an answer in one element."""
_ELEMENT_BYTES: Final = 120
_PER_CARD: Final = MAX_ELEMENTS // 2
_LIVE_THOUGHT: Final = 3_000
_LIVE_ANSWER: Final = 4_000
"""How many characters are shown while a run is active: the end. The start moves in steps, so that the text usually only
grows, which Feishu shows as typing."""
_CONTINUATIONS: Final = 5
"""The most cards for the rest of a thought that is too long for the answer's first card."""
_ESCAPED: Final = re.compile(r"[<>&*~`\[\]\\$|_:]")
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}
_THINKING: Final = "Thinking…"
_ANSWERING: Final = "Answering…"


class _Piece(msgspec.Struct, frozen=True):
    """A part of the body."""

    kind: Literal["answer", "note"]
    text: str
    """Card Markdown."""

    @property
    def bytes(self) -> int:
        return size(self.text) + _ELEMENT_BYTES


def live_card(content: ChatContent, chat: ChatAddress) -> Card | None:
    """Return the card of an active run; None if there is nothing to read yet."""
    for divisor in (1, 2, 4, 8):
        card = _live(content, chat, divisor)
        if card is None or len(card.data.encode()) <= MAX_BYTES:
            return card
    return None


def final_cards(content: ChatContent, chat: ChatAddress) -> Sequence[Card]:
    """Return all cards of a run that has ended; the answer comes before what is left of a long thought."""
    pieces = list(_pieces(content))
    thought = plain_markdown(content.thought_text)
    total = sum(piece.bytes for piece in pieces)
    first, rest = _cut(thought, max(_ROOM - total, _ROOM // 2))
    bodies = list(_packed(pieces, size(first)))
    cards: list[Card] = []
    for number, body in enumerate(bodies):
        elements: list[Element] = []
        if number == 0 and first:
            elements.append(_folded(f"Thought for {content.thought_seconds} s", first))
        elif number == 0 and (note := _thinking_note(content)):
            elements.append(note)
        elements += _elements(body)
        if number == len(bodies) - 1 and content.mode == "on_request" and content.thoughts:
            elements.append(
                _button("why", "Show the thought", why_action(content.run_id), content, chat)
            )
        cards.append(make_card(elements, summary=_summary(content)))
    return [*cards, *_continued(rest)]


def said_cards(text: str) -> Sequence[Card]:
    """Return the cards for a text of the server itself."""
    texts = _split(text, 2 * _PIECE)
    return [make_card([markdown("text", each)], summary=summary_of(text)) for each in texts]


def _split(text: str, room: int) -> Iterator[str]:
    """Yield the card Markdown of a text in parts that are not too long."""
    for part in split_markdown(text, room, _estimate):
        made = feishu_markdown(part, tables=False)
        if size(made) <= 2 * _PIECE:
            yield made
            continue
        # Aligned tables are larger than their source.
        for smaller in split_markdown(part, _PIECE, _measure):
            yield feishu_markdown(smaller, tables=False)


def _estimate(text: str) -> int:
    """Return about what a text takes, without parsing it: a long one is measured many times."""
    return size(text) + 5 * len(_ESCAPED.findall(text))


def _measure(text: str) -> int:
    return size(feishu_markdown(text, tables=False))


def _live(content: ChatContent, chat: ChatAddress, divisor: int) -> Card | None:
    elements: list[Element] = []
    thought = _end(content.thought_text, _LIVE_THOUGHT // divisor)
    if thought:
        title = _THINKING if content.thinking else f"Thought for {content.thought_seconds} s"
        inner = markdown("thought_text", plain_markdown(thought), small=True)
        elements.append(panel("thought", title, inner, expanded=content.thinking))
    elif note := _thinking_note(content):
        elements.append(note)
    elements += _elements(_live_pieces(content, _LIVE_ANSWER // divisor)[-_PER_CARD:])
    if not elements:
        return None
    elements.append(_button("stop", "Stop", stop_action(content.run_id), content, chat))
    summary = _ANSWERING if content.answers else _THINKING
    return make_card(elements, summary=summary, streaming=True)


def _live_pieces(content: ChatContent, limit: int) -> list[_Piece]:
    """Return the end of the body."""
    kept: list[_Piece] = []
    for piece in reversed(list(_sources(content))):
        if limit <= 0:
            break
        text = piece.text
        if piece.kind == "answer":
            text = feishu_markdown(_end_of_markdown(text, limit), tables=False)
        limit -= len(piece.text)
        kept.append(_Piece(piece.kind, text))
    return kept[::-1]


def _pieces(content: ChatContent) -> Iterator[_Piece]:
    """Yield the whole body, in parts that are not too long."""
    tables = sum(count_tables(answer.markdown) for answer in content.answers) <= MAX_TABLES
    for source in _sources(content):
        if source.kind == "note":
            yield source
            continue
        if _estimate(source.text) <= _PIECE:
            yield _Piece("answer", feishu_markdown(source.text, tables=tables))
        else:
            for text in _split(source.text, _PIECE):
                yield _Piece("answer", text)


def _sources(content: ChatContent) -> Iterator[_Piece]:
    """Yield the body in order: answers in Markdown; lines that follow each other share a piece."""
    lines: list[str] = []
    for block in content.blocks:
        match block:
            case ToolLine():
                lines.append(f"{_MARKS[block.state]} {escaped(block.title)}")
            case NoticeLine():
                lines.append(f"ℹ {escaped(block.text)}")
            case Answer():
                if lines:
                    yield _Piece("note", "\n".join(lines))
                    lines = []
                yield _Piece("answer", block.markdown.strip("\n"))
            case _:
                pass
    if lines:
        yield _Piece("note", "\n".join(lines))
    if content.closing:
        yield _Piece("note" if content.answers else "answer", plain_markdown(content.closing))


def _packed(pieces: Sequence[_Piece], used: int) -> Iterator[Sequence[_Piece]]:
    """Distribute the body over cards. Yields at least one."""
    card: list[_Piece] = []
    for piece in pieces:
        if card and (used + piece.bytes > _ROOM or len(card) >= _PER_CARD):
            yield card
            card, used = [], 0
        elif not card and used and used + piece.bytes > _ROOM:
            yield card
            used = 0
        card.append(piece)
        used += piece.bytes
    yield card


def _elements(pieces: Sequence[_Piece]) -> list[Element]:
    return [
        markdown(f"body_{number}", piece.text, small=piece.kind == "note")
        for number, piece in enumerate(pieces)
    ]


def _thinking_note(content: ChatContent) -> Element | None:
    """Return the line for a thought without text: one that has only just begun, or is on request."""
    if content.thinking and not content.final:
        return markdown("thinking", _THINKING, small=True)
    if content.mode == "on_request" and content.thoughts:
        return markdown("thinking", f"Thought for {content.thought_seconds} s", small=True)
    return None


def _folded(title: str, text: str) -> Element:
    inner = markdown("thought_text", text, small=True)
    return panel("thought", title, inner, expanded=False)


def _continued(thought: str) -> Iterator[Card]:
    """Yield cards with the rest of a thought; if it is too long even for those, they say so."""
    for number in range(_CONTINUATIONS):
        if not thought:
            return
        text, thought = _cut(thought, _ROOM - 100)
        if thought and number == _CONTINUATIONS - 1:
            text += f"\n… and {len(thought):,} more characters"
        title = "Thought, continued"
        yield make_card([_folded(title, text)], summary=title)


def _button(name: str, label: str, action: str, content: ChatContent, chat: ChatAddress) -> Element:
    value: dict[str, object] = {"action": action}
    if content.origin is not None and content.origin.is_group:
        value["group"] = True
    if chat.thread_id is not None:
        value["thread"] = chat.thread_id
    return button(name, label, value)


def _summary(content: ChatContent) -> str:
    return summary_of(content.answer or content.closing) or "Done"


def _cut(text: str, room: int) -> tuple[str, str]:
    """Cut escaped text where it no longer fits: after a line, a word, or at least not in an entity."""
    if size(text) <= room:
        return text, ""
    low, high = 0, min(len(text), room)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(text[:middle]) <= room else (low, middle - 1)
    for mark in ("\n", " "):
        found = text.rfind(mark, low // 2, low)
        if found > 0:
            return text[:found], text[found + 1 :]
    entity = text.rfind("&#", max(0, low - 10), low)
    if entity > 0 and ";" not in text[entity:low]:
        low = entity
    return text[:low], text[low:]


def _end(text: str, limit: int) -> str:
    """Return the end of a text; where it begins moves in steps."""
    if len(text) <= limit:
        return text
    step = max(1, limit // 3)
    start = ((len(text) - limit) // step + 1) * step
    found = text.find("\n", start, start + step // 2)
    return "…\n" + text[found + 1 if found >= 0 else start :]


def _end_of_markdown(text: str, limit: int) -> str:
    """Return the end of a Markdown text, in an open code block if it begins inside one."""
    end = _end(text, limit)
    if end == text:
        return text
    before = text[: len(text) - len(end) + 2]
    fences = [line for line in before.splitlines() if line.lstrip().startswith("```")]
    return f"{fences[-1]}\n{end}" if len(fences) % 2 else end
