"""The complete content that a chat should show for a run. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from thinkaloud.channels.platform.message import Origin
from thinkaloud.channels.platform.settings import ThinkingMode
from thinkaloud.events.event import RunStatus

ToolState = Literal["running", "done", "failed", "denied"]
ContentStatus = RunStatus | Literal["running", "waiting"]


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
        return "".join([block.markdown for block in self.answers]).strip("\n")

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
