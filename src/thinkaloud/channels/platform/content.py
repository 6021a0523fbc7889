"""The complete content that a chat should show for a run. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal, assert_never, cast

import msgspec

from thinkaloud.channels.platform.message import Origin
from thinkaloud.channels.platform.settings import ThinkingMode
from thinkaloud.events.event import RunStatus, ToolStatus
from thinkaloud.events.view import (
    AnswerBlock,
    Block,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)

ToolState = Literal["running", "done", "failed", "denied"]
ContentStatus = RunStatus | Literal["running", "waiting"]

_TITLE_CHARS: Final = 100
_LINE_CHARS: Final = 300
_TOOL_STATES: Final[Mapping[ToolStatus | Literal["waiting", "running", "requested"], ToolState]] = {
    "waiting": "running",
    "running": "running",
    "requested": "done",
    "ok": "done",
    "error": "failed",
    "timeout": "failed",
    "cancelled": "failed",
    "unknown_tool": "failed",
    "invalid_arguments": "failed",
}
_BLANK: Final = frozenset("\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{BRAILLE PATTERN BLANK}")
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, those that change the direction of the text around them, and halves of characters."""
_NO_ANSWER: Final = "The model gave no answer."


class Thought(msgspec.Struct, frozen=True, tag="thought", gc=False):
    """A reasoning segment. There is none with `off`, or where the policy forbids reasoning."""

    segment_id: str
    text: str
    """May be shown as it is. `live`: the text so far. `folded`: empty until the segment has ended.
    `on_request`: always empty."""
    open: bool
    started_at_ms: int
    """Unix milliseconds."""
    duration_ms: int | None
    """None while it is open."""


class ToolLine(msgspec.Struct, frozen=True, tag="tool", gc=False):
    """A tool call, for one line."""

    tool_call_id: str
    name: str
    title: str
    """One line of plain text: the name and the start of its arguments. Written by the model."""
    state: ToolState


class Answer(msgspec.Struct, frozen=True, tag="answer", gc=False):
    """An answer segment, with at least one visible character."""

    segment_id: str
    markdown: str
    open: bool


class NoticeLine(msgspec.Struct, frozen=True, tag="notice", gc=False):
    """A notice of the server, for one line of plain text."""

    code: str
    text: str


ContentBlock = Thought | ToolLine | Answer | NoticeLine


class ChatContent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything that a chat should show for one run, now."""

    run_id: str
    mode: ThinkingMode
    """The mode in effect: `off` where the policy forbids reasoning."""
    blocks: Sequence[ContentBlock] = ()
    """In order."""
    status: ContentStatus = "running"
    closing: str = ""
    """Plain text below the answer that explains an end other than an answer: failed, stopped, only
    reasoning, out of budget. Empty for an ordinary answer."""
    final: bool = False
    """Whether the run has ended: nothing will change any more."""
    origin: Origin | None = None
    """The message that it answers."""

    @property
    def answers(self) -> Sequence[Answer]:
        """The answer segments."""
        return [block for block in self.blocks if isinstance(block, Answer)]

    @property
    def thoughts(self) -> Sequence[Thought]:
        """The reasoning segments."""
        return [block for block in self.blocks if isinstance(block, Thought)]

    @property
    def tools(self) -> Sequence[ToolLine]:
        """The tool calls."""
        return [block for block in self.blocks if isinstance(block, ToolLine)]

    @property
    def answer(self) -> str:
        """All answer text, as Markdown."""
        return "\n\n".join([block.markdown.strip("\n") for block in self.answers])

    @property
    def chars(self) -> int:
        """How many characters of answer and reasoning it has: what rendering it costs."""
        answers = sum(len(block.markdown) for block in self.answers)
        return answers + sum(len(block.text) for block in self.thoughts)

    @property
    def thinking(self) -> bool:
        """Whether the model is thinking at this moment."""
        return any(thought.open for thought in self.thoughts)

    @property
    def thought_text(self) -> str:
        """All reasoning that may be shown; segments are separated by a blank line."""
        texts = [thought.text.strip("\n") for thought in self.thoughts]
        return "\n\n".join([text for text in texts if text])

    @property
    def thought_seconds(self) -> int:
        """How long the ended segments took, rounded, at least 1; 0 if there is none."""
        total = sum(thought.duration_ms or 0 for thought in self.thoughts)
        return max(1, round(total / 1000)) if self.thoughts else 0


def chat_content(run: RunView, mode: ThinkingMode, origin: Origin | None = None) -> ChatContent:
    """Return what a chat should show for a run. `mode` is `off` where the policy forbids reasoning.

    With `off` and `on_request`, the content has no character of the reasoning (P7).
    """
    blocks = [made for block in run.blocks if (made := _block(block, mode)) is not None]
    final = run.status not in {"running", "waiting"}
    return ChatContent(
        run_id=run.run_id,
        mode=mode,
        blocks=blocks,
        status="running" if run.status == "waiting" else run.status,
        closing=_safe(_closing(run, blocks)) if final else "",
        final=final,
        origin=origin,
    )


def _block(block: Block, mode: ThinkingMode) -> ContentBlock | None:
    match block:
        case ReasoningBlock():
            return _thought(block, mode)
        case AnswerBlock():
            if not is_visible(block.text):
                return None
            return Answer(block.segment_id, _safe(block.text), block.status == "open")
        case ToolBlock():
            state = _TOOL_STATES.get(block.status, "failed")
            return ToolLine(block.tool_call_id, block.name, tool_title(block), state)
        case QuestionBlock():
            return NoticeLine("question", one_line(block.message, _LINE_CHARS))
        case NoticeBlock():
            return NoticeLine(block.code, one_line(block.message, _LINE_CHARS))
        case _:
            assert_never(block)


def _thought(block: ReasoningBlock, mode: ThinkingMode) -> Thought | None:
    if mode == "off":
        return None
    is_open = block.status == "open"
    shown = mode == "live" or (mode == "folded" and not is_open)
    return Thought(
        block.segment_id,
        _safe("\n\n".join(block.parts)) if shown else "",
        is_open,
        block.started_at_ms,
        block.duration_ms,
    )


def _safe(text: str) -> str:
    return _UNSAFE.sub("", text)


def _closing(run: RunView, blocks: Sequence[ContentBlock]) -> str:
    if run.error is not None:
        return run.error.message
    if run.outcome is not None:
        return run.outcome.message
    if run.status == "stopped":
        return "Stopped."
    if run.status == "max_iterations":
        return f"Stopped at the limit of {run.iteration} model calls."
    return "" if any(isinstance(block, Answer) for block in blocks) else _NO_ANSWER


def tool_title(tool: ToolBlock) -> str:
    """Return the name of a tool and its first argument, on one line."""
    try:
        arguments: object = msgspec.json.decode(tool.arguments or "{}")
    except msgspec.DecodeError:
        arguments = {}
    values = cast("dict[str, object]", arguments).values() if isinstance(arguments, dict) else ()
    first = next((value for value in values if isinstance(value, str | int | float)), "")
    return one_line(f"{tool.name} {first}", _TITLE_CHARS)


def is_visible(text: str) -> bool:
    """Whether a text has more than white space and characters without width."""
    return any(c not in _BLANK and unicodedata.category(c)[0] not in "CZM" for c in text)


def one_line(text: str, limit: int) -> str:
    """Return text on one line, without control characters, cut with an ellipsis at `limit`."""
    printable = "".join(
        [" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: limit * 4]]
    )
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
