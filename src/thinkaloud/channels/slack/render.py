"""What a chat shows for a run: chunks of a stream, or the blocks of an ordinary message. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from thinkaloud.channels.markdown.plain import plain_text
from thinkaloud.channels.platform.actions import why_action
from thinkaloud.channels.platform.content import ChatContent, NoticeLine
from thinkaloud.channels.slack.plan import Row, plan_of, thought_title, tool_title
from thinkaloud.channels.slack.text import clipped, escaped, inert, settled, slack_markdown, units

Json = dict[str, Any]

_CHILD: Final = 2_900
_FOLD: Final = 6_000
"""The most characters behind the fold: with plan and answer, a message may have 13,200."""
_LINES: Final = 1_900
_TAIL: Final = 280
_NOTIFICATION: Final = 3_000
_MORE: Final = "… The rest is too long for Slack. Send !why to read all of it."
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "✗"}


class SentRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row as it was sent."""

    title: str
    status: str
    length: int = 0
    """Of its details."""
    digest: str = ""


class SentText(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer as far as it was appended to a stream, converted."""

    length: int = 0
    digest: str = ""
    source: int = 0
    """The length of its Markdown."""


class Change(msgspec.Struct, frozen=True):
    """What to append to a stream, and what has been sent then."""

    chunks: Sequence[Json]
    title: str
    rows: Mapping[str, SentRow]
    text: SentText
    differs: bool = False
    """Whether something that was sent is wrong and can't be taken back by appending."""


def stream_change(
    content: ChatContent, part: str, title: str, rows: Mapping[str, SentRow], text: SentText
) -> Change:
    """Return how a stream gets from what was sent to what it should show.

    `part` is the answer's first part, in Markdown; `title`, `rows` and `text` were sent before.
    """
    plan = plan_of(content)
    chunks: list[Json] = []
    sent = dict(rows)
    differs = False
    if plan.rows and plan.title and plan.title != title:
        chunks.append({"type": "plan_update", "title": plan.title})
        title = plan.title
    for row in plan.rows:
        chunk, same = _row_change(row, rows.get(row.id))
        differs = differs or not same
        chunks += [chunk] if chunk else []
        sent[row.id] = SentRow(row.title, row.status, len(row.details), digest(row.details))
    for name in rows.keys() - {row.id for row in plan.rows}:
        differs = True
        if rows[name].status == "in_progress":
            row = Row(name, rows[name].title, "complete")
            chunks.append(_chunk(row, ""))
            sent[name] = msgspec.structs.replace(rows[name], status="complete")
    shown = slack_markdown(part)
    if digest(shown[: text.length]) != text.digest:
        return Change(chunks, title, sent, text, differs=True)
    if len(shown) > text.length:
        chunks.append({"type": "markdown_text", "text": shown[text.length :]})
        text = SentText(len(shown), digest(shown), len(part))
    return Change(chunks, title, sent, text, differs)


def _row_change(row: Row, sent: SentRow | None) -> tuple[Json | None, bool]:
    """Return the chunk for a row, if any, and whether its earlier details are still right."""
    if sent is None:
        return _chunk(row, row.details), True
    same = digest(row.details[: sent.length]) == sent.digest
    more = row.details[sent.length :] if same else ""
    if more or (row.title, row.status) != (sent.title, sent.status):
        return _chunk(row, more), same
    return None, same


def _chunk(row: Row, details: str) -> Json:
    chunk: Json = {"type": "task_update", "id": row.id, "title": row.title, "status": row.status}
    return chunk | {"details": details} if details else chunk


def digest(text: str) -> str:
    """Return a short digest; empty for the empty text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16] if text else ""


def answer_of(content: ChatContent) -> str:
    """Return the answer in Markdown; segments before and after a tool are paragraphs of their own."""
    parts = [answer.markdown.strip("\n") for answer in content.answers]
    return "\n\n".join([part for part in parts if part])


def visible_part(content: ChatContent, part: str, *, closed: bool) -> str:
    """Return as much of a part of the answer as later text can't change."""
    return part if content.final or closed else settled(part)


def end_blocks(content: ChatContent, thread: str, *, containers: bool) -> list[Json]:
    """Return the blocks below a stream that has ended: what didn't fit, notices, closing, a button.

    `thread` is the thread of the conversation, empty if it has none: the button says so when it is pressed.
    """
    plan = plan_of(content)
    blocks: list[Json] = []
    if plan.rest and containers:
        blocks.append(_container("The rest of the thought", plan.rest))
    if content.thoughts and not plan.rows:
        blocks.append(_context(f"💭 {thought_title(content)}"))
    return [*blocks, *_footer(content, thread, why=bool(plan.rest) and not containers)]


def message_blocks(content: ChatContent, part: str, thread: str, *, containers: bool) -> list[Json]:
    """Return the blocks of a message that shows a run without a stream.

    `part` is the answer's first part, in Markdown; `thread` as for `end_blocks`. While the run is active, the latest words of the reasoning are small
    and grey; when it has ended, all of it is behind a fold.
    """
    blocks: list[Json] = []
    folded = content.thought_text
    if content.thoughts and content.final:
        if folded and containers:
            blocks.append(_container(thought_title(content), inert(folded)))
        else:
            blocks.append(_context(f"💭 {thought_title(content)}"))
    elif content.thoughts:
        blocks.append(_context(_live_line(content)))
    if content.tools:
        lines = [f"{_MARKS[tool.state]} {tool_title(tool)}" for tool in content.tools]
        blocks.append(_context(_clipped_start("\n".join(lines))))
    if shown := slack_markdown(part).strip("\n"):
        blocks.append({"type": "markdown", "text": shown})
    return [*blocks, *_footer(content, thread, why=bool(folded) and not containers)]


def plain_blocks(content: ChatContent, part: str) -> list[Json]:
    """Return the blocks of a message that Slack accepts in any case: text without formatting."""
    words = "\n\n".join([each for each in (plain_text(part), content.closing) if each])
    return [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in _pieces(inert(words))
    ][:4]


def notification(content: ChatContent) -> str:
    """Return the text for notifications, without any reasoning."""
    start = answer_of(content)[: 4 * _NOTIFICATION]
    words = plain_text(start) or content.closing or "Working on it…"
    return clipped(escaped(clipped(words, _NOTIFICATION)), _NOTIFICATION + 900)


def _live_line(content: ChatContent) -> str:
    tail = inert(content.thought_text)[-_TAIL:]
    if not content.thinking:
        return f"💭 {thought_title(content)}"
    return f"💭 Thinking… {' '.join(tail.split())}".rstrip()


def _footer(content: ChatContent, thread: str, *, why: bool) -> list[Json]:
    notices = [block.text for block in content.blocks if isinstance(block, NoticeLine)]
    lines = [inert(line) for line in (*notices, content.closing) if line]
    blocks = [_context(_clipped_start("\n".join(lines)))] if lines else []
    if content.final and content.thoughts and (why or content.mode == "on_request"):
        button: Json = {
            "type": "button",
            "text": {"type": "plain_text", "text": "Show the thought"},
            "action_id": why_action(content.run_id),
        }
        if thread:
            button["value"] = thread
        blocks.append({"type": "actions", "elements": [button]})
    return blocks


def _container(title: str, text: str) -> Json:
    if units(text) > _FOLD:
        start = clipped(text, _FOLD)
        end = start.rfind(" ", len(start) - 200)
        text = f"{start[:end] if end > 0 else start}\n{_MORE}"
    children = [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in _pieces(text)
    ]
    return {
        "type": "container",
        "title": {"type": "plain_text", "text": title},
        "is_collapsible": True,
        "default_collapsed": True,
        "child_blocks": children,
    }


def _pieces(text: str) -> Iterator[str]:
    """Divide text for sections, after a line or a word."""
    while units(text) > _CHILD:
        start = clipped(text, _CHILD)
        half = len(start) // 2
        end = max(start.rfind("\n", half), start.rfind(" ", half))
        end = end + 1 if end > 0 else len(start)
        if text[:end].strip():
            yield text[:end]
        text = text[end:]
    if text.strip():
        yield text


def _context(text: str) -> Json:
    return {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": False}]}


def _clipped_start(text: str) -> str:
    return text if units(text) <= _LINES else "…" + clipped(text[::-1], _LINES)[::-1]
