"""What Telegram should show for the content of a run. Pure.

While a run is active, it is one draft (in direct chats) or one message (in groups), with the thought in it; at the end
it is one message, or several if the answer is long, with the thought folded above the answer.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Final, Literal

import msgspec

from thinkaloud.channels.platform.content import Answer, ChatContent, NoticeLine, Thought, ToolLine
from thinkaloud.channels.telegram import html
from thinkaloud.channels.telegram.blocks import (
    MAX_BLOCKS,
    MAX_CHARACTERS,
    Block,
    Details,
    Italic,
    Paragraph,
    Text,
    Thinking,
    encode,
    size,
    units,
)
from thinkaloud.channels.telegram.convert import blocks_of, fold, paragraphs
from thinkaloud.channels.telegram.split import cut, messages

Form = Literal["rich", "html", "text"]
"""How a message is written: as a rich message, as HTML for servers without rich messages, or, where
the server accepts neither, as text without formatting."""

CHARACTERS: Final = {
    "rich": MAX_CHARACTERS - 768,
    "html": html.MAX_CHARACTERS - 96,
    "text": html.MAX_CHARACTERS - 96,
}
"""The most characters of a message, with a margin for what the server may count differently."""
_BLOCKS: Final = {"rich": MAX_BLOCKS - 50, "html": 80, "text": MAX_BLOCKS}
"""The most blocks of a message. In HTML, each may need entities, of which Telegram keeps 100."""
_LIVE_THOUGHT: Final = {"rich": 2_000, "html": 1_000, "text": 1_000}
"""How much of a thought is shown while the run is active: its end."""
_LIVE_ANSWER: Final = {"rich": 12_000, "html": 2_500, "text": 2_500}
"""How much of the answer is shown while the run is active: its end."""
_CONTINUATIONS: Final = 5
"""The most messages for the rest of a thought that is too long for the answer's first message."""
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}


class Part(msgspec.Struct, frozen=True):
    """One message."""

    text: str
    """As the API takes it: the JSON of a rich message, HTML or plain text."""
    silent: bool = False
    """Whether it should arrive without a notification."""

    @property
    def digest(self) -> str:
        """A short hash, to tell whether a message already has this text."""
        return sha256(self.text.encode()).hexdigest()[:16]


def draft(content: ChatContent, form: Form) -> Part | None:
    """Return the draft of an unfinished run; None if there is nothing to show yet."""
    open_thought = [thought for thought in content.thoughts if thought.open]
    blocks = _live(content, form)
    if open_thought:
        tail = _end(open_thought[-1].text.strip(), _LIVE_THOUGHT[form])
        blocks.append(Thinking(tail or "Thinking…"))
    return Part(_written(_latest(blocks, form), form)) if blocks else None


def progress(content: ChatContent, form: Form) -> Part | None:
    """Return the message of an unfinished run, for chats without drafts; None if there is nothing to show yet.

    Silent as long as it has no answer: a thought notifies nobody.
    """
    open_thought = [thought for thought in content.thoughts if thought.open]
    blocks = _live(content, form)
    if open_thought:
        tail = _end(open_thought[-1].text.strip(), _LIVE_THOUGHT[form])
        if tail:
            blocks.append(Details("Thinking…", paragraphs(tail), is_open=True))
        else:
            blocks.append(Paragraph(Italic("Thinking…")))
    if not blocks:
        return None
    return Part(_written(_latest(blocks, form), form), silent=not content.answers)


def finished(content: ChatContent, form: Form) -> Sequence[Part]:
    """Return all messages of a run that has ended; the answer comes before what is left of a long thought."""
    most, room = _BLOCKS[form], CHARACTERS[form]
    body = list(_body(content))
    if content.closing:
        body.append(Paragraph(Italic(content.closing) if content.answers else content.closing))
    body = _simple(body, form)
    thought, rest = content.thought_text, ""
    if thought:
        summary = f"Thought for {content.thought_seconds} s"
        room_for_thought = max(room - sum(map(size, body)), room // 2) - 100
        if units(thought) > room_for_thought:
            end = cut(thought, room_for_thought)
            thought, rest = thought[:end], thought[end:]
        body = [*_simple([fold(summary, thought)], form), *body]
    elif content.mode == "on_request" and content.thoughts:
        body = [Paragraph(Italic(f"Thought for {content.thought_seconds} s")), *body]
    parts = [Part(_written(blocks, form)) for blocks in messages(body, room, most)]
    return [*parts, *_continued(rest, form)]


def render_text(markdown: str, form: Form) -> Sequence[Part]:
    """Return the messages for a text of the server itself."""
    blocks = _simple(list(blocks_of(markdown)), form)
    return [
        Part(_written(part, form)) for part in messages(blocks, CHARACTERS[form], _BLOCKS[form])
    ]


def _continued(thought: str, form: Form) -> Iterator[Part]:
    """Yield silent messages with the rest of a thought; if it is too long even for those, they say so."""
    limit = CHARACTERS[form] - 100
    for number in range(_CONTINUATIONS):
        if not thought:
            return
        end = len(thought) if units(thought) <= limit else cut(thought, limit)
        text, thought = thought[:end], thought[end:]
        if thought and number == _CONTINUATIONS - 1:
            text += f"\n\n[{len(thought):,} more characters are not shown.]"
        block = fold("Thought, continued", text)
        for part in messages(_simple([block], form), CHARACTERS[form], _BLOCKS[form]):
            yield Part(_written(part, form), silent=True)


def _live(content: ChatContent, form: Form) -> list[Block]:
    """Return the blocks of an unfinished run without the thought in progress."""
    blocks: list[Block] = []
    ended = [
        thought.text.strip("\n")
        for thought in content.thoughts
        if thought.text and not thought.open
    ]
    if ended:
        summary = f"Thought for {content.thought_seconds} s"
        blocks.append(fold(summary, _end("\n\n".join(ended), _LIVE_THOUGHT[form])))
    shown = _tail(content, _LIVE_ANSWER[form])
    return [*blocks, *_body(shown)]


def _latest(blocks: Sequence[Block], form: Form) -> Sequence[Block]:
    """Return the last of these blocks that fit into a message."""
    *_, last = messages(_simple(blocks, form), CHARACTERS[form], _BLOCKS[form])
    return last


def _tail(content: ChatContent, limit: int) -> ChatContent:
    """Return the content with only the end of its answer, if that is long."""
    kept: list[Answer | ToolLine | NoticeLine | Thought] = []
    for block in reversed(content.blocks):
        if isinstance(block, Answer):
            if limit <= 0:
                break
            text = block.markdown
            block = msgspec.structs.replace(block, markdown=_end_of_markdown(text, limit))
            limit -= len(text)
        kept.append(block)
    return msgspec.structs.replace(content, blocks=kept[::-1])


def _body(content: ChatContent) -> Iterator[Block]:
    """Yield everything but thoughts, in order. Tool calls that follow each other share a paragraph."""
    lines: list[Text] = []
    for block in content.blocks:
        if isinstance(block, ToolLine):
            lines += ["\n"] * bool(lines) + [Italic(f"{_MARKS[block.state]} {block.title}")]
            continue
        if lines and not isinstance(block, Thought):
            yield Paragraph(tuple(lines))
            lines = []
        if isinstance(block, Answer):
            yield from blocks_of(block.markdown)
        elif isinstance(block, NoticeLine):
            yield Paragraph(Italic(f"ℹ {block.text}"))
    if lines:
        yield Paragraph(tuple(lines))


def _end(text: str, limit: int) -> str:
    """Return the end of a text, from the start of a line or word on."""
    if len(text) <= limit:
        return text
    start = len(text) - limit
    for separator in ("\n", " "):
        found = text.find(separator, start, start + limit // 4)
        if found >= 0:
            return f"…{text[found:]}" if separator == " " else f"…\n{text[found + 1 :]}"
    return f"…{text[start:]}"


def _end_of_markdown(text: str, limit: int) -> str:
    """Return the end of a Markdown text, in an open code block if it starts inside one."""
    end = _end(text, limit)
    if end == text:
        return text
    fences = [
        line
        for line in text[: len(text) - len(end)].splitlines()
        if line.lstrip().startswith("```")
    ]
    return f"{fences[-1]}\n{end}" if len(fences) % 2 else end


def _simple(blocks: Sequence[Block], form: Form) -> list[Block]:
    """Return blocks that the form can express. They must be split after that: tables become longer."""
    if form == "rich":
        return list(blocks)
    return list(html.simple(blocks, quiet_code=form == "text"))


def _written(blocks: Sequence[Block], form: Form) -> str:
    """Return a message of these blocks, which `_simple` has returned."""
    if form == "rich":
        return encode(blocks)
    return html.html(blocks) if form == "html" else html.text(blocks)
