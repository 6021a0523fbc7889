"""The plan of a streamed message: reasoning and tools as rows. Pure.

Slack shows a plan as one line that opens. A row's title and status can be replaced, its details can only grow
(https://docs.slack.dev/reference/methods/chat.appendStream), so the rows of a text must never move.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from thinkaloud.channels.platform.content import ChatContent, Thought, ToolLine
from thinkaloud.channels.slack.text import clipped, inert

Status = Literal["in_progress", "complete", "error"]

FIELD: Final = 256
"""The most characters of a title and of details."""
_TITLE: Final = 120
_THOUGHT_BYTES: Final = 4_000
_TOOL_BYTES: Final = 900
"""Together with the answer's first part, this fits into a stream, where details count twice."""
_THOUGHT_ROWS: Final = 28
_TOOL_ROWS: Final = 18
_SENTENCE: Final = re.compile(r"[.!?…:](?=\s)|\n|[。！？]")
_TAIL: Final = 160
_MARGIN: Final = 60
"""A field ends after the last word in its last so many characters."""


class Row(msgspec.Struct, frozen=True):
    """A row of a plan."""

    id: str
    title: str
    status: Status
    details: str = ""

    @property
    def weight(self) -> int:
        """What it counts towards the size of a stream."""
        return len(self.title.encode()) + 2 * len(self.details.encode())


class Plan(msgspec.Struct, frozen=True):
    """A plan with its title, and the reasoning that found no room in it."""

    title: str
    rows: Sequence[Row] = ()
    rest: str = ""


def plan_of(content: ChatContent) -> Plan:
    """Return the plan of a run. Without reasoning to show and without tools, it has no rows."""
    rows: list[Row] = []
    rest: list[str] = []
    room, tool_room, tools = _THOUGHT_BYTES, _TOOL_BYTES, 0
    for block in content.blocks:
        if isinstance(block, Thought):
            most = 0 if rest else _THOUGHT_ROWS + tools - len(rows)
            if block.text.strip():
                made, left = _thought_rows(block, room, most, final=content.final)
            else:
                made, left = _silent_rows(block, content)[:most], ""
            rows += made
            room -= sum(row.weight for row in made)
            rest += [left] if left else []
        elif isinstance(block, ToolLine):
            row = _tool_row(block, final=content.final)
            if tools < _TOOL_ROWS and row.weight <= tool_room:
                rows.append(row)
                tools += 1
                tool_room -= row.weight
    if rest:
        rows.append(_continued(rest[-1], content))
    return Plan(plan_title(content), rows, "\n\n".join(rest))


def plan_title(content: ChatContent) -> str:
    """Return the one line that is always visible."""
    running = not content.final
    if running and content.thinking:
        return "Thinking…"
    if running and any(tool.state == "running" for tool in content.tools):
        return "Working…"
    if content.thoughts:
        return thought_title(content)
    if tools := len(content.tools):
        return f"Used {tools} {'tool' if tools == 1 else 'tools'}"
    return ""


def thought_title(content: ChatContent) -> str:
    """Return what remains of the reasoning in one line."""
    return f"Thought for {content.thought_seconds} s"


def tool_title(tool: ToolLine) -> str:
    """Return a tool call in one line."""
    refused = " (not allowed)" if tool.state == "denied" else ""
    return inert(tool.title.replace("\n", " "))[: _TITLE - len(refused)] + refused


def _tool_row(tool: ToolLine, *, final: bool) -> Row:
    status: Status = "error"
    if tool.state == "done":
        status = "complete"
    elif tool.state == "running" and not final:
        status = "in_progress"
    return Row(f"tool-{tool.tool_call_id}"[:FIELD], tool_title(tool) or tool.name, status)


def _continued(rest: str, content: ChatContent) -> Row:
    """The last row of reasoning that is longer than the plan: its latest words, while the model thinks."""
    if content.final or not content.thinking:
        return Row("rest", "… and more", "complete")
    tail = rest[-_TAIL:]
    tail = tail[tail.find(" ") + 1 :]
    return Row("rest", "… " + " ".join(tail.split())[-_TITLE:], "in_progress")


def _silent_rows(thought: Thought, content: ChatContent) -> list[Row]:
    """Return the row of a thought whose text is not there yet, or never will be."""
    if content.mode not in ("live", "folded"):
        return []
    if thought.open and not content.final:
        return [Row(_row_id(thought, 0), "Thinking…", "in_progress")]
    return [Row(_row_id(thought, 0), "Thought", "complete")]


def _row_id(thought: Thought, number: int) -> str:
    return f"{thought.segment_id}-{number}"[-FIELD:]


def _thought_rows(thought: Thought, room: int, most: int, *, final: bool) -> tuple[list[Row], str]:
    """Return the rows of a thought that fit, and the text that doesn't. Only the last can grow."""
    whole = final or not thought.open
    text = inert(thought.text).rstrip()
    rows: list[Row] = []
    at, growing = 0, False
    while at < len(text) and not growing:
        at += len(text[at : at + _TITLE]) - len(text[at : at + _TITLE].lstrip())
        title_end = _title_end(text, at)
        growing = not whole and _limit(text, title_end, FIELD) >= len(text)
        end = _live_end(text, title_end) if growing else _cut(text, title_end, FIELD)
        title = " ".join(text[at:title_end].split())
        if title:
            status: Status = "in_progress" if growing else "complete"
            row = Row(_row_id(thought, len(rows)), title, status, text[title_end:end])
            room -= row.weight
            if room < 0 or len(rows) >= most:
                return rows, text[at:]
            rows.append(row)
        at = end
    return rows, ""


def _title_end(text: str, at: int) -> int:
    """Where the first sentence ends, or else the last word that fits."""
    if found := _SENTENCE.search(text, at, _limit(text, at, _TITLE)):
        return found.end()
    return _cut(text, at, _TITLE)


def _cut(text: str, at: int, size: int) -> int:
    """Where a field of this size ends: at the end of the text, or after a word.

    A word that begins before the margin is cut, so that it could be shown before it was complete.
    """
    limit = _limit(text, at, size)
    if limit >= len(text):
        return len(text)
    end = at + _last_break(text[at:limit])
    return end if end > _limit(text, at, size - _MARGIN) else limit


def _live_end(text: str, at: int) -> int:
    """Where the details of the row that grows end now: never after where they will end."""
    end = at + _last_break(text[at:])
    return end if end > _limit(text, at, FIELD - _MARGIN) else len(text)


def _limit(text: str, at: int, size: int) -> int:
    """Where this many characters end, as Slack counts them: in UTF-16."""
    return at + len(clipped(text[at : at + size], size))


def _last_break(text: str) -> int:
    """The end of the last complete word; in scripts without spaces, each character is one."""
    for index in range(len(text) - 1, -1, -1):
        if text[index].isspace() or "\u2e80" <= text[index] <= "\uffdc":
            return index + 1
    return 0
