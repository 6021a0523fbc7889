"""What Matrix should show for the content of a run. Pure.

A run is one message that grows by edits, with the thought in an open `<details>`. At the end, the thought is folded
above the answer. The plain text beside the HTML, which notifications and bridges show, never has a thought in it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from thinkaloud.channels.markdown.parse import parse_markdown
from thinkaloud.channels.markdown.plain import escaped, plain_blocks
from thinkaloud.channels.markdown.split import split_markdown
from thinkaloud.channels.matrix.html import blocks_html, details, paragraphs
from thinkaloud.channels.platform.content import Answer, ChatContent, NoticeLine, ToolLine

MAX_BYTES: Final = 56_000
"""The most bytes of a message's content. An event has at most 65,536 with everything that the server adds."""
MAX_ENCRYPTED_BYTES: Final = 44_000
"""The same in an encrypted room, in ASCII, as nio writes what it encrypts: encryption makes it a third larger."""
_FALLBACK_CHARS: Final = 4_000
"""How much of an edit's text is repeated for clients that don't know edits."""
_LIVE_THOUGHT: Final = 2_000
"""How many characters of a thought are shown while the run is active: its end."""
_LIVE_ANSWER: Final = 4_000
_CONTINUATIONS: Final = 3
"""The most messages for the rest of a thought that is too long for the answer's first message."""
_MARKUP: Final = re.compile(r"[^\w\s|.,;:!?'()/+=-]+")
_MARKUP_BYTES: Final = 12
"""What a character of markup becomes at most: half of `<strong></strong>`, `&amp;`."""
_LINE_BYTES: Final = 20
"""What a line break becomes: elements, and the mark of an item of a list."""
_CELL_BYTES: Final = 100
"""What a cell of a table becomes: its elements, and in the text the spaces that align it."""
_FORMULA: Final = re.compile(r"\$\$|\\[(\[]")
_ENVELOPE: Final = 700
"""The other fields of an edit, with ids of 255 characters."""
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}


class Part(msgspec.Struct, frozen=True):
    """One message."""

    body: str
    """As plain text, without thoughts."""
    html: str
    silent: bool = False
    """Whether it should arrive without a notification."""

    @property
    def digest(self) -> str:
        """A short hash, to tell whether a message already has this content."""
        return sha256(f"{self.body}\0{self.html}".encode()).hexdigest()[:16]

    @property
    def content(self) -> dict[str, Any]:
        """The content of the event. With `m.mentions`, no name in the text notifies anybody."""
        return {
            "msgtype": "m.notice" if self.silent else "m.text",
            "body": self.body,
            "format": "org.matrix.custom.html",
            "formatted_body": self.html,
            "m.mentions": {},
        }

    def edit_of(self, event_id: str) -> dict[str, Any]:
        """Return the content of an event that replaces another one."""
        return {
            "msgtype": "m.notice" if self.silent else "m.text",
            "body": f"* {_start(self.body, _FALLBACK_CHARS)}",
            "m.mentions": {},
            "m.new_content": self.content,
            "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
        }


class EventSize(msgspec.Struct, frozen=True):
    """How large a message may be in a room, and how large texts become."""

    most: int
    ascii: bool

    def size(self, content: str | Mapping[str, Any]) -> int:
        """Return the size of something in JSON."""
        text = json.dumps(content, ensure_ascii=self.ascii)
        return len(text if self.ascii else text.encode("utf-8", "replace"))

    def size_of(self, markdown: str) -> int:
        """Return how large a text becomes in an edit, at most: as text, as HTML and as the fallback.

        An estimate by its characters, because splitting a text asks often, and rendering takes long.
        """
        text = self.size(markdown)
        copies = 3 if _FORMULA.search(markdown) else 2
        fallback = min(text, _FALLBACK_CHARS * 12)
        markup = sum(_MARKUP_BYTES * len(found) for found in _MARKUP.findall(markdown))
        lines = _LINE_BYTES * markdown.count("\n")
        cells = _CELL_BYTES * markdown.count("|")
        return copies * text + fallback + markup + lines + cells + _ENVELOPE


PLAIN: Final = EventSize(MAX_BYTES, ascii=False)
ENCRYPTED: Final = EventSize(MAX_ENCRYPTED_BYTES, ascii=True)


def progress(content: ChatContent) -> Part | None:
    """Return the message of an unfinished run; None if there is nothing to show yet."""
    html: list[str] = []
    ended = "\n\n".join(
        thought.text.strip("\n")
        for thought in content.thoughts
        if thought.text and not thought.open
    )
    if ended:
        html.append(details(_summary(content), _end(ended, _LIVE_THOUGHT)))
    sections = _sections(_tail(content, _LIVE_ANSWER))
    html += [blocks_html(parse_markdown(section)) for section in sections]
    for thought in content.thoughts:
        if thought.open:
            text = _end(thought.text.strip(), _LIVE_THOUGHT)
            fold = details("Thinking…", text, is_open=True)
            html.append(fold if text else "<p><em>Thinking…</em></p>")
    if not html:
        return None
    return Part(_plain(sections) or "Thinking…", "".join(html))


def finished(content: ChatContent, *, encrypted: bool = False) -> Sequence[Part]:
    """Return all messages of a run that has ended; the answer comes before what is left of a long thought."""
    event = ENCRYPTED if encrypted else PLAIN
    sections = _sections(content)
    if content.closing:
        sections.append(escaped(content.closing))
    fold, rest = "", ""
    if thought := content.thought_text:
        used = sum(event.size_of(section) for section in sections)
        thought, rest = _cut(thought, max(event.most - used, event.most // 2) - 1_000, event)
        fold = details(_summary(content), thought)
    elif content.mode == "on_request" and content.thoughts:
        fold = f"<p><em>{_summary(content)}</em></p>"
    room = event.most - event.size(fold)
    parts = [Part(_plain(each), _html(each)) for each in _messages(sections, room, event)]
    if fold:
        first = parts[0] if parts else Part(_summary(content), "")
        parts[:1] = [Part(first.body, fold + first.html)]
    return [*parts, *_continued(rest, event)]


def render_text(markdown: str, *, encrypted: bool = False) -> Sequence[Part]:
    """Return the messages for a text of the server itself."""
    event = ENCRYPTED if encrypted else PLAIN
    return [Part(_plain(each), _html(each)) for each in _messages([markdown], event.most, event)]


def _summary(content: ChatContent) -> str:
    return f"Thought for {content.thought_seconds} s"


def _sections(content: ChatContent) -> list[str]:
    """Return everything but thoughts, in order, as texts in Markdown that don't affect each other.

    Tool calls that follow each other share a paragraph.
    """
    sections: list[str] = []
    lines: list[str] = []
    for block in content.blocks:
        if isinstance(block, ToolLine):
            lines.append(f"{_MARKS[block.state]} {escaped(block.title)}")
        elif isinstance(block, Answer | NoticeLine):
            if lines:
                sections.append("\n".join(lines))
                lines = []
            is_answer = isinstance(block, Answer)
            sections.append(block.markdown if is_answer else f"ℹ {escaped(block.text)}")
    if lines:
        sections.append("\n".join(lines))
    return sections


def _messages(sections: Sequence[str], room: int, event: EventSize) -> Sequence[Sequence[str]]:
    """Distribute sections over messages of at most `room` bytes, splitting those that are larger."""
    messages: list[list[str]] = []
    used = room
    for section in sections:
        for part in split_markdown(section, room, event.size_of):
            size = event.size_of(part)
            if messages and used + size <= room:
                messages[-1].append(part)
                used += size
            else:
                messages.append([part])
                used = size
    return messages


def _plain(sections: Sequence[str]) -> str:
    return "\n\n".join([plain_blocks(parse_markdown(section)) for section in sections])


def _html(sections: Sequence[str]) -> str:
    return "".join([blocks_html(parse_markdown(section)) for section in sections])


def _continued(thought: str, event: EventSize) -> Sequence[Part]:
    """Return silent messages with the rest of a thought; if it is too long even for those, they say so."""
    parts: list[Part] = []
    while thought and len(parts) < _CONTINUATIONS:
        text, thought = _cut(thought, event.most - 1_000, event)
        if thought and len(parts) == _CONTINUATIONS - 1:
            text += f"\n\n[{len(thought):,} more characters are not shown.]"
        parts.append(Part("Thought, continued", details("Thought, continued", text), silent=True))
    return parts


def _cut(text: str, limit: int, event: EventSize) -> tuple[str, str]:
    """Cut a text so that the first piece takes at most `limit` bytes, between lines or words if possible."""
    low, high = 0, min(len(text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        fits = event.size(paragraphs(text[:middle])) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    if low == len(text):
        return text, ""
    for separator in ("\n\n", "\n", ". ", " "):
        place = text.rfind(separator, low // 2, low)
        if place > 0:
            low = place + len(separator)
            break
    return text[:low].rstrip(), text[low:].lstrip("\n")


def _tail(content: ChatContent, limit: int) -> ChatContent:
    """Return the content with only the end of its answer, if that is long."""
    kept = list(content.blocks)
    for index in reversed(range(len(kept))):
        block = kept[index]
        if isinstance(block, Answer):
            text = _end_of_markdown(block.markdown, limit) if limit > 0 else ""
            kept[index] = msgspec.structs.replace(block, markdown=text)
            limit -= len(block.markdown)
    return msgspec.structs.replace(content, blocks=kept)


def _start(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _end(text: str, limit: int) -> str:
    """Return the end of a text, from the start of a line or word on."""
    if len(text) <= limit:
        return text
    start = len(text) - limit
    for separator in ("\n", " "):
        found = text.find(separator, start, start + limit // 4)
        if found >= 0:
            return f"…{separator}{text[found + 1 :]}"
    return f"…{text[start:]}"


def _end_of_markdown(text: str, limit: int) -> str:
    """Return the end of a Markdown text, in an open code block if it starts inside one."""
    end = _end(text, limit)
    if end == text:
        return text
    before = text[: len(text) - len(end)].splitlines()
    fences = [line for line in before if line.lstrip().startswith("```")]
    return f"{fences[-1]}\n{end}" if len(fences) % 2 else end
