"""The event stream: what happens in a run, as one frozen tagged union.

An event is a value without identity. The log gives it one, once, when it appends it: see
`LoggedEvent`. Every consumer matches on the whole union and ends in `assert_never`.

`gc=False`: nothing in an event leads back to it, so the collector of cycles, which would visit
every event of a long conversation again and again, need not know them.
"""

from base64 import b64decode
from typing import Literal

import msgspec

from thinkaloud.events.model import FinishReason, ProviderPayload, ReasoningStatus, ToolCall, Usage
from thinkaloud.events.prompt import Effort

RunStatus = Literal["completed", "stopped", "max_iterations", "failed"]
"""How a run ended. `max_iterations`: the limit was reached with tool calls still open."""

ToolStatus = Literal["ok", "error", "timeout", "cancelled", "unknown_tool", "invalid_arguments"]

OutcomeCode = Literal["output_limit", "output_limit_in_reasoning", "empty_answer"]


class UserInput(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What the user sent to start a run, after validation."""

    text: str
    context: dict[str, object] = {}
    context_files: tuple[str, ...] = ()
    image_path: str | None = None


class AttachedFile(msgspec.Struct, frozen=True, gc=False):
    """A file that the user put before the model, without what is in it."""

    id: str
    """How `input` names it: an upload's id, or a path in the workspace."""
    name: str
    """What it is called: a label for people, never a path to be opened."""
    media_type: str
    """By its content."""
    bytes: int | None
    """Its size; None where the log is of a time when it was not kept."""


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A file that the user put before the model, as it was when the run began.

    At most one of `text` and `base64` has content. A run that takes the place of another says
    where its files lie in the log already; the fold puts the content back.
    """

    name: str
    media_type: str
    text: str = ""
    base64: str = ""
    id: str = ""
    """How `input` names it; empty in old logs."""
    bytes: int | None = None
    """Its size; None in old logs."""
    kept_in: str = ""
    """The run of the same conversation whose start has the content, where this one leaves it out."""

    @property
    def file(self) -> AttachedFile:
        """What may be told of it on any wire."""
        return AttachedFile(self.id, self.name, self.media_type, self.bytes)


def as_logged(attachment: Attachment) -> Attachment:
    """Return a file as the log has it: without its content, where another run keeps that."""
    if not attachment.kept_in:
        return attachment
    return msgspec.structs.replace(attachment, text="", base64="")


def content_of(attachment: Attachment) -> bytes:
    """Return what is in a file."""
    return b64decode(attachment.base64) if attachment.base64 else attachment.text.encode()


class Timing(msgspec.Struct, frozen=True, gc=False):
    """Milliseconds by the server's clock. None where there was none."""

    time_to_first_reasoning_ms: int | None
    time_to_first_answer_ms: int | None
    reasoning_ms: int
    """The durations of all reasoning segments, added up."""
    total_ms: int


class RunError(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Why a run failed. `message` is for people; no secret stands in it."""

    code: str
    message: str
    retryable: bool = False
    retry_after: float | None = None


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A finished response that the user should know more about, with the way out."""

    code: OutcomeCode
    message: str
    reasoning_tokens: int | None = None
    output_tokens: int | None = None
    max_output_tokens: int | None = None


class RunStarted(msgspec.Struct, frozen=True, tag="run.started", omit_defaults=True, gc=False):
    """A run began. The first event of every run."""

    model: str
    """`host/model`."""
    max_iterations: int
    input: UserInput
    reasoning_effort: Effort | None = None
    """The effective effort; None is the provider's default."""
    attachments: tuple[Attachment, ...] = ()
    """The files that `input` names, in its order, as they were then; a picture that is the
    `image_path` comes last. What is in them is not for any wire."""
    replaces: str | None = None
    """The run that this one is a new version of (regenerate, edit and resend). It is selected by
    its first answer text; the other versions stay, with all that followed them."""


class IterationStarted(msgspec.Struct, frozen=True, tag="iteration.started", gc=False):
    """A model call begins. `iteration` counts from 1."""

    iteration: int
    max_iterations: int
    message: str


class ReasoningDelta(
    msgspec.Struct, frozen=True, tag="reasoning.delta", omit_defaults=True, gc=False
):
    """More reasoning, never empty. The first delta of a `segment_id` opens that segment.

    `part` rises within a segment where the provider begins a new block or summary part.
    """

    segment_id: str
    text: str
    part: int = 0


class ReasoningEnded(
    msgspec.Struct, frozen=True, tag="reasoning.ended", omit_defaults=True, gc=False
):
    """A reasoning segment is closed: exactly once, on every way out (P2)."""

    segment_id: str
    duration_ms: int
    """First delta to close, by the server's clock."""
    interrupted: bool = False
    """The segment was cut short: stop, error, timeout, a lost process."""


class AnswerDelta(msgspec.Struct, frozen=True, tag="answer.delta", gc=False):
    """More of the answer, never empty. The first delta of a `segment_id` opens that segment."""

    segment_id: str
    text: str


class AnswerEnded(msgspec.Struct, frozen=True, tag="answer.ended", omit_defaults=True, gc=False):
    """An answer segment is closed. `resuming`: the run goes on, with tools or more thought."""

    segment_id: str
    resuming: bool = False
    interrupted: bool = False


class SegmentReclassified(msgspec.Struct, frozen=True, tag="segment.reclassified", gc=False):
    """A segment that is closed turned out to be something else than it was streamed as.

    `reasoning`: an answer segment was reasoning. `withdrawn`: a reasoning segment was the answer,
    and its text follows in an answer segment. Readers drop the text from where they had it.
    """

    segment_id: str
    to: Literal["reasoning", "withdrawn"]
    """What it is now."""
    duration_ms: int
    """First delta to close, by the server's clock."""


class ToolStarted(msgspec.Struct, frozen=True, tag="tool.started", gc=False):
    """A tool is being run. `arguments` is the JSON text that the model wrote."""

    tool_call_id: str
    name: str
    arguments: str


class ToolEnded(msgspec.Struct, frozen=True, tag="tool.ended", omit_defaults=True, gc=False):
    """A tool gave its result, which goes back to the model."""

    tool_call_id: str
    name: str
    status: ToolStatus
    result: str
    duration_ms: int
    truncated: bool = False
    """The result was longer than the limit and was cut."""


class ModelResponded(
    msgspec.Struct, frozen=True, tag="model.responded", omit_defaults=True, gc=False
):
    """A model call ended well: what the next prompt needs, beyond the text.

    Not for any wire: `native` is the provider's own payload.
    """

    iteration: int
    finish_reason: FinishReason
    reasoning_status: ReasoningStatus
    usage: Usage | None = None
    native: ProviderPayload | None = None
    raw_finish_reason: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    """What the model asked for, in order; each that is run gets a `ToolStarted`."""


class Notice(msgspec.Struct, frozen=True, tag="notice", gc=False):
    """Something that the user should know and that ends nothing: a retry, a dropped block."""

    code: str
    message: str


class RunEnded(msgspec.Struct, frozen=True, tag="run.ended", omit_defaults=True, gc=False):
    """The one terminal event of every run (P3)."""

    status: RunStatus
    iterations: int
    timing: Timing
    usage: Usage | None = None
    error: RunError | None = None
    """Present exactly where `status` is `failed`."""
    outcome: Outcome | None = None


class VersionSelected(msgspec.Struct, frozen=True, tag="version.selected", gc=False):
    """Another version of a position was selected, with all that followed it.

    It happens in a conversation, not in a run: the `run_id` beside it is empty.
    """

    run_id: str
    """A run of the version. Versions of earlier positions that lead to it are selected, too."""


Event = (
    RunStarted
    | IterationStarted
    | ReasoningDelta
    | ReasoningEnded
    | AnswerDelta
    | AnswerEnded
    | SegmentReclassified
    | ToolStarted
    | ToolEnded
    | ModelResponded
    | Notice
    | RunEnded
    | VersionSelected
)
"""Everything that can happen in a run, or between runs."""


class LoggedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event with its identity, given once by the log that appended it."""

    seq: int
    """Rises by one within a conversation, from 1."""
    at_ms: int
    """Unix time in milliseconds, by the server's clock."""
    conversation_id: str
    run_id: str
    """Empty where the event belongs to the conversation and to no run."""
    event: Event
