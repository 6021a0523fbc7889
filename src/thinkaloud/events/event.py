"""The events of a run, as one frozen tagged union.

An event is a value without identity. The log assigns one when it appends the event: see
`LoggedEvent`. Every consumer matches on the whole union and ends with `assert_never`.

`gc=False`: events contain no reference cycles, so the garbage collector doesn't need to track
them. Otherwise it would visit every event of a long conversation again and again.
"""

from base64 import b64decode
from typing import Literal

import msgspec

from thinkaloud.events.interaction import (
    ApprovalRequested,
    ApprovalResolved,
    QuestionRequested,
    QuestionResolved,
)
from thinkaloud.events.model import FinishReason, ProviderPayload, ReasoningStatus, ToolCall, Usage
from thinkaloud.events.prompt import Effort, Image, ToolResult

RunStatus = Literal["completed", "stopped", "max_iterations", "failed"]
"""How a run ended. `max_iterations`: the limit was reached with tool calls pending."""

ToolStatus = Literal[
    "ok",
    "error",
    "timeout",
    "cancelled",
    "unknown_tool",
    "invalid_arguments",
    "denied",
    "expired",
    "interrupted",
]
"""How a tool call ended. `denied` and `expired`: it never ran, for lack of an approval.
`interrupted`: the server stopped while it ran, so that its outcome is unknown."""

OutcomeCode = Literal["output_limit", "output_limit_in_reasoning", "empty_answer"]


class UserInput(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The user's message that starts a run, after validation."""

    text: str
    context: dict[str, object] = {}
    context_files: tuple[str, ...] = ()
    image_path: str | None = None
    tool_results: tuple[ToolResult, ...] = ()
    """Results of calls that the previous run returned to the client (`ToolRequested`)."""


class AttachedFile(msgspec.Struct, frozen=True, gc=False):
    """An attached file, without its content."""

    id: str
    """Its name in `input`: an upload's id, or a path in the workspace."""
    name: str
    """Its file name: a label for people, never used as a path."""
    media_type: str
    """Determined by its content."""
    bytes: int | None
    """Its size; None in old logs."""


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """An attached file, as it was when the run started.

    At most one of `text` and `base64` has content. A run that replaces another one refers to the
    files that are already in the log; the fold restores their content.
    """

    name: str
    media_type: str
    text: str = ""
    base64: str = ""
    id: str = ""
    """Its name in `input`; empty in old logs."""
    bytes: int | None = None
    """Its size; None in old logs."""
    kept_in: str = ""
    """The run of the same conversation whose first event has the content, if this one omits it."""

    @property
    def file(self) -> AttachedFile:
        """The file without its content, for any wire."""
        return AttachedFile(self.id, self.name, self.media_type, self.bytes)


def as_logged(attachment: Attachment) -> Attachment:
    """Return a file as it is logged: without its content, if another run has it."""
    if not attachment.kept_in:
        return attachment
    return msgspec.structs.replace(attachment, text="", base64="")


def content_of(attachment: Attachment) -> bytes:
    """Return the content of a file."""
    return b64decode(attachment.base64) if attachment.base64 else attachment.text.encode()


class Timing(msgspec.Struct, frozen=True, gc=False):
    """Durations in milliseconds, by the server's clock. None if it didn't happen."""

    time_to_first_reasoning_ms: int | None
    time_to_first_answer_ms: int | None
    reasoning_ms: int
    """The total duration of all reasoning segments."""
    total_ms: int


class RunError(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a run failed. `message` is for people and contains no secrets."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a completed response needs attention, and what to do about it."""

    code: OutcomeCode
    message: str
    reasoning_tokens: int | None = None
    output_tokens: int | None = None
    max_output_tokens: int | None = None


class RunStarted(msgspec.Struct, frozen=True, tag="run.started", omit_defaults=True, gc=False):
    """A run has started. The first event of every run."""

    model: str
    """`host/model`."""
    max_iterations: int
    input: UserInput
    reasoning_effort: Effort | None = None
    """The effective effort; None is the provider's default."""
    attachments: tuple[Attachment, ...] = ()
    """The files named by `input`, in order, as they were at the time; the `image_path` is last.
    Their content is never sent on a wire."""
    replaces: str | None = None
    """The run that this one replaces (regenerate, edit and resend). It is selected by its first
    answer text; the other versions are kept, with everything that followed them."""


class IterationStarted(msgspec.Struct, frozen=True, tag="iteration.started", gc=False):
    """A model call starts. `iteration` counts from 1."""

    iteration: int
    max_iterations: int
    message: str


class ReasoningDelta(
    msgspec.Struct, frozen=True, tag="reasoning.delta", omit_defaults=True, gc=False
):
    """A reasoning delta, never empty. The first one with a `segment_id` opens that segment.

    `part` increases within a segment where the provider starts a new block or summary part.
    """

    segment_id: str
    text: str
    part: int = 0


class ReasoningEnded(
    msgspec.Struct, frozen=True, tag="reasoning.ended", omit_defaults=True, gc=False
):
    """A reasoning segment has ended: exactly once, however it ends (P2)."""

    segment_id: str
    duration_ms: int
    """From the first delta to the end, by the server's clock."""
    interrupted: bool = False
    """The segment ended early: stop, error, timeout or a crash."""


class AnswerDelta(msgspec.Struct, frozen=True, tag="answer.delta", gc=False):
    """An answer delta, never empty. The first one with a `segment_id` opens that segment."""

    segment_id: str
    text: str


class AnswerEnded(msgspec.Struct, frozen=True, tag="answer.ended", omit_defaults=True, gc=False):
    """An answer segment has ended. `resuming`: the run continues, with tools or more reasoning."""

    segment_id: str
    resuming: bool = False
    interrupted: bool = False


class SegmentReclassified(msgspec.Struct, frozen=True, tag="segment.reclassified", gc=False):
    """A closed segment turned out to be something other than what it was streamed as.

    `reasoning`: an answer segment was reasoning. `withdrawn`: a reasoning segment was the answer,
    and its text follows in an answer segment. Clients remove the text from where it was shown.
    """

    segment_id: str
    to: Literal["reasoning", "withdrawn"]
    """What it is now."""
    duration_ms: int
    """From the first delta to the end, by the server's clock."""


class ToolStarted(msgspec.Struct, frozen=True, tag="tool.started", gc=False):
    """A tool call has started. `arguments` is the JSON text that the model wrote, or that replaced
    it when the call was approved."""

    tool_call_id: str
    name: str
    arguments: str


class ToolProgress(msgspec.Struct, frozen=True, tag="tool.progress", omit_defaults=True, gc=False):
    """A running tool call reports progress. The tool's own words and numbers, which may be wrong."""

    tool_call_id: str
    name: str
    message: str = ""
    progress: float | None = None
    total: float | None = None


class ToolEnded(msgspec.Struct, frozen=True, tag="tool.ended", omit_defaults=True, gc=False):
    """A tool call has ended. The result is sent back to the model."""

    tool_call_id: str
    name: str
    status: ToolStatus
    result: str
    duration_ms: int
    truncated: bool = False
    """The result exceeded the limit and was truncated."""
    images: tuple[Image, ...] = ()
    """The images of the result, for the model. Their content is never sent on a wire."""


class ToolRequested(msgspec.Struct, frozen=True, tag="tool.requested", gc=False):
    """A call of a tool that the client declared and executes itself.

    The run ends after the other calls of this response. The client sends the result with the next
    message, in `UserInput.tool_results`. `arguments` is the JSON text that the model wrote.
    """

    tool_call_id: str
    name: str
    arguments: str


class ModelResponded(
    msgspec.Struct, frozen=True, tag="model.responded", omit_defaults=True, gc=False
):
    """A model call has succeeded. Has what the next prompt needs in addition to the text.

    `native` is the provider's own payload, and never sent on a wire.
    """

    iteration: int
    finish_reason: FinishReason
    reasoning_status: ReasoningStatus
    usage: Usage | None = None
    native: ProviderPayload | None = None
    raw_finish_reason: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """The requested tool calls, in order. Each one that is executed gets a `ToolStarted`, and each
    one that is returned to the client a `ToolRequested`."""


class Notice(msgspec.Struct, frozen=True, tag="notice", gc=False):
    """Information for the user that ends nothing: a retry, a dropped block."""

    code: str
    message: str


class RunCheckpoint(
    msgspec.Struct, frozen=True, tag="run.checkpoint", omit_defaults=True, gc=False
):
    """All that is needed to continue a run that waits, except for what is in its other events."""

    timing: Timing
    """So far."""
    usage: Usage | None = None
    """So far."""
    spec: str = ""
    """How the run was started, in a private format. Never sent on a wire."""


class RunEnded(msgspec.Struct, frozen=True, tag="run.ended", omit_defaults=True, gc=False):
    """The one terminal event of every run (P3)."""

    status: RunStatus
    iterations: int
    timing: Timing
    usage: Usage | None = None
    error: RunError | None = None
    """Present if and only if `status` is `failed`."""
    outcome: Outcome | None = None


class VersionSelected(msgspec.Struct, frozen=True, tag="version.selected", gc=False):
    """Another version at a position was selected, with everything that followed it.

    This happens in a conversation, not in a run: the `run_id` next to it is empty.
    """

    run_id: str
    """A run of the version. Versions of earlier positions that lead to it are also selected."""


Event = (
    RunStarted
    | IterationStarted
    | ReasoningDelta
    | ReasoningEnded
    | AnswerDelta
    | AnswerEnded
    | SegmentReclassified
    | ToolStarted
    | ToolProgress
    | ToolEnded
    | ToolRequested
    | ModelResponded
    | Notice
    | ApprovalRequested
    | ApprovalResolved
    | QuestionRequested
    | QuestionResolved
    | RunCheckpoint
    | RunEnded
    | VersionSelected
)
"""Everything that can happen in a run, or between runs."""


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with the identity that the log assigned when it was appended."""

    seq: int
    """Increases by one within a conversation, from 1."""
    at_ms: int
    """Unix time in milliseconds, by the server's clock."""
    conversation_id: str
    run_id: str
    """Empty if the event belongs to the conversation and not to a run."""
    event: Event
