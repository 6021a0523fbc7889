"""The messages that a chat should have for a run. Pure.

A run has at most one message for its work (reasoning, tools, notices), and below it the answer,
in one or more messages. The work is a message of components: while the model thinks, it shows the
end of the reasoning in small print; after that, all of it behind a spoiler.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.channels.discord.api import Json
from thinkaloud.channels.discord.parts import CONTENT_CHARS
from thinkaloud.channels.discord.text import escaped, measure, small
from thinkaloud.channels.markdown.cuts import cut_line
from thinkaloud.channels.platform.actions import stop_action, why_action
from thinkaloud.channels.platform.content import ChatContent, NoticeLine, Thought, ToolLine

SUPPRESS_EMBEDS: Final = 1 << 2
"""No previews: Discord would fetch the addresses that a model writes."""
EPHEMERAL: Final = 1 << 6
SILENT: Final = 1 << 12
COMPONENTS: Final = 1 << 15
NO_MENTIONS: Final[Json] = {"parse": [], "users": [], "roles": [], "replied_user": False}

_ROW, _BUTTON, _TEXT, _CONTAINER = 1, 2, 10, 17
_SECONDARY: Final = 2
_FOLD_CHARS: Final = 3_000
"""All text of a message of components may have 4,000 characters; the rest is for the lines."""
_LINES_CHARS: Final = 800
_TAIL_CHARS: Final = 360
_TAIL_LINES: Final = 4
_MARKS: Final = {"running": "⏳", "done": "✓", "failed": "✗", "denied": "⊘"}


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message as it should be."""

    slot: str
    """`work`, or the number of a part of the answer: `0`, `1`, …"""
    body: Json
    """The fields that can change: `content` or `components`."""
    silent: bool
    """Whether it makes no sound when it is sent. Edits never do."""

    @property
    def digest(self) -> str:
        """Identifies the body."""
        return hashlib.sha256(msgspec.json.encode(self.body, order="sorted")).hexdigest()[:16]

    @property
    def flags(self) -> int:
        """The flags that a message of this form has."""
        return COMPONENTS if "content" not in self.body else SUPPRESS_EMBEDS


def drafts(content: ChatContent, answer: Sequence[str]) -> Sequence[Draft]:
    """Return the messages that a chat should have, in order. `answer`: its parts."""
    parts = _with_closing(content, answer)
    work = _work(content, started=bool(parts), stops=not parts)
    made = [Draft("work", {"components": work}, silent=True)] if work else []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        buttons = _stop(content) if last else []
        body: Json = {"content": part, "components": buttons}
        made.append(Draft(str(number), body, silent=number > 0))
    return made


def _with_closing(content: ChatContent, answer: Sequence[str]) -> Sequence[str]:
    """Return the answer and the closing words, for one message each."""
    parts = [*answer]
    if content.final and content.closing:
        mark = "⏹" if content.status == "stopped" else "⚠️"
        closing = f"-# {mark} {escaped(content.closing[:1_500])}"
        whole = f"{parts[-1]}\n{closing}" if parts else closing
        if measure(whole) <= CONTENT_CHARS:
            parts[-1:] = [whole]
        else:
            parts.append(closing)
    return parts


def _work(content: ChatContent, *, started: bool, stops: bool) -> list[Json]:
    """Return the components of the message about the work; none if there was no work."""
    lines = _lines(content, started=started)
    if not lines:
        return []
    components: list[Json] = [_text("\n".join(lines))]
    folded, is_whole = _fold(content) if started or content.final else ("", True)
    if folded:
        inner = _text(folded)
        components.append({"type": _CONTAINER, "spoiler": True, "components": [inner]})
    asks = content.mode == "on_request" and bool(content.thoughts)
    if content.final and (asks or not is_whole):
        label = "Show the reasoning" if asks else "Show all of it"
        components.append(_button(label, why_action(content.run_id)))
    return components + (_stop(content) if stops else [])


def _lines(content: ChatContent, *, started: bool) -> list[str]:
    """Return the lines in small print: the state of the thought, tools and notices."""
    lines: list[str] = []
    if content.thoughts:
        lines.append(_title(content))
    others = [block for block in content.blocks if isinstance(block, ToolLine | NoticeLine)]
    listed = [_line(block) for block in others]
    while listed and measure("\n".join(listed)) > _LINES_CHARS:
        listed = ["-# …", *listed[2 if listed[0] == "-# …" else 1 :]]
    lines += listed
    if not started and not content.final:
        lines += _tail(content)
    return lines


def _title(content: ChatContent) -> str:
    if content.thinking and not content.final:
        return "-# 💭 Thinking…"
    return f"-# 💭 Thought for {content.thought_seconds} s"


def _line(block: ToolLine | NoticeLine) -> str:
    if isinstance(block, NoticeLine):
        return f"-# ℹ️ {escaped(block.text)}"
    return f"-# {_MARKS[block.state]} {escaped(block.title)}"


def _tail(content: ChatContent) -> list[str]:
    """Return the last lines of the thought that is open, or was the last."""
    if content.mode != "live" or not content.blocks:
        return []
    last = next((b for b in reversed(content.blocks) if isinstance(b, Thought)), None)
    if last is None or not last.text.strip():
        return []
    text = last.text[-_TAIL_CHARS:]
    if len(last.text) > _TAIL_CHARS:
        text = f"…{text.partition(' ')[2] or text}"
    return small(text).split("\n")[-_TAIL_LINES:]


def _fold(content: ChatContent) -> tuple[str, bool]:
    """Return the reasoning for behind the spoiler, and whether it is all of it."""
    text = content.thought_text.strip()
    shown = escaped(text[:_FOLD_CHARS])
    if len(text) <= _FOLD_CHARS and measure(shown) <= _FOLD_CHARS:
        return shown, True
    piece, _ = cut_line(text[:_FOLD_CHARS], lambda part: measure(escaped(part)), _FOLD_CHARS - 1)
    return f"{escaped(piece)}…", False


def _text(content: str) -> Json:
    return {"type": _TEXT, "content": content}


def _button(label: str, action: str) -> Json:
    button = {"type": _BUTTON, "style": _SECONDARY, "label": label, "custom_id": action}
    return {"type": _ROW, "components": [button]}


def _stop(content: ChatContent) -> list[Json]:
    return [] if content.final else [_button("Stop", stop_action(content.run_id))]
