"""Draws a message as text, roughly as Slack shows it: for the documentation."""

from typing import Final

from tests.channels.slack.fake.messages import Message, Task, text_of

MARKS: Final = {"pending": "○", "in_progress": "◌", "complete": "✓", "error": "✗"}


def drawn(message: Message, *, opened: bool) -> str:
    """Return the message, with its plan and folded blocks opened or not."""
    lines: list[str] = []
    arrow = "▾" if opened else "▸"
    if message.stream:
        if message.stream.tasks:
            lines.append(f"{arrow} {message.stream.plan}")
            lines += [_row(task) for task in message.stream.tasks.values()] if opened else []
        lines += [message.stream.markdown] if message.stream.markdown else []
    for block in message.blocks:
        if block["type"] == "container":
            lines.append(f"{arrow} {block['title']['text']}")
            inside = "".join(map(text_of, block["child_blocks"]))
            lines += [f"    {line}" for line in inside.splitlines()] if opened else []
        else:
            lines.append(text_of(block))
    return "\n".join(lines) + "\n"


def _row(task: Task) -> str:
    details = " ".join(task.details.split())
    return f"  {MARKS[task.status]} {task.title}" + (f"\n      {details}" if details else "")
