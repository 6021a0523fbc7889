"""The frames of the chat stream. The published schemas are generated from them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from thinkaloud.core.approvals.shown import AnsweredQuestion, Approval, Question, Resolution
from thinkaloud.core.reply import Reply
from thinkaloud.events.event import ToolStatus
from thinkaloud.events.prompt import Effort
from thinkaloud.server.schema.responses import Messages


class Start(msgspec.Struct, frozen=True):
    """The run has started."""

    conversation_id: str
    run_id: str
    model: str
    max_iterations: int
    reasoning_effort: Effort | None
    include_reasoning: Annotated[
        bool, Meta(description="Whether this stream includes reasoning: requested and allowed.")
    ]
    at_ms: Annotated[int, Meta(description="Unix time in milliseconds, by the server's clock.")]


class Progress(msgspec.Struct, frozen=True):
    """A model call starts."""

    iteration: int
    max_iterations: int
    message: str


class Reasoning(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A reasoning delta. The first frame with a `segment_id` opens that segment."""

    token: Annotated[str, Meta(min_length=1)]
    segment_id: str
    at_ms: Annotated[
        int,
        Meta(
            description=(
                "Unix time in milliseconds when this text arrived, by the server's clock. In"
                " the first frame of a segment: when the model started reasoning."
            )
        ),
    ]
    part: Annotated[
        int, Meta(description=("Increases where the provider starts a new paragraph."))
    ] = 0


class ReasoningEnd(msgspec.Struct, frozen=True, omit_defaults=True):
    """The segment has ended. Sent exactly once per segment."""

    segment_id: str
    duration_ms: int
    interrupted: bool = False


class Token(msgspec.Struct, frozen=True, gc=False):
    """An answer delta."""

    token: Annotated[str, Meta(min_length=1)]
    segment_id: str


class Reclassified(msgspec.Struct, frozen=True):
    """A closed segment turned out to be something else: remove its text from where it was shown."""

    segment_id: str
    to: Annotated[
        Literal["reasoning", "withdrawn"],
        Meta(
            description=(
                "`reasoning`: the answer segment was reasoning. `withdrawn`: drop the"
                " segment; if its text was the answer after all, it follows as `token`s, and a"
                " stream without reasoning has no other place for it."
            )
        ),
    ]
    duration_ms: int


class ActionStart(msgspec.Struct, frozen=True, tag_field="phase", tag="start"):
    """A tool call has started."""

    action: str
    tool_call_id: str
    arguments: Annotated[
        object,
        Meta(
            description=(
                "The arguments; a string with the model's own text if it was not valid JSON."
            )
        ),
    ]


class ActionProgress(
    msgspec.Struct, frozen=True, tag_field="phase", tag="progress", omit_defaults=True
):
    """A running tool call reports progress. The numbers are the tool's own and may be wrong."""

    action: str
    tool_call_id: str
    message: str = ""
    progress: float | None = None
    total: float | None = None


class ActionEnd(msgspec.Struct, frozen=True, tag_field="phase", tag="end"):
    """A tool call has ended."""

    action: str
    tool_call_id: str
    status: ToolStatus
    result: str
    duration_ms: int
    truncated: bool


class NoticeData(msgspec.Struct, frozen=True):
    """Information for the user, such as a retry. The run continues."""

    code: str
    message: str


class ErrorData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong. With a `run_id`, that run has failed; without one, no run is affected."""

    message: str
    code: str
    retryable: bool = msgspec.field()
    run_id: str | msgspec.UnsetType = msgspec.UNSET
    conversation_id: str | msgspec.UnsetType = msgspec.UNSET
    retry_after: float | msgspec.UnsetType = msgspec.UNSET
    field: str | msgspec.UnsetType = msgspec.UNSET
    nearest: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    valid: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET


class StartFrame(msgspec.Struct, frozen=True, tag_field="event", tag="start"):
    """The first frame of a run."""

    data: Start
    seq: int
    run_id: str


class ProgressFrame(msgspec.Struct, frozen=True, tag_field="event", tag="progress"):
    """Sent at the start of each iteration."""

    data: Progress
    seq: int
    run_id: str


class ReasoningFrame(msgspec.Struct, frozen=True, tag_field="event", tag="reasoning", gc=False):
    """Only with `include_reasoning`."""

    data: Reasoning
    seq: int
    run_id: str


class ReasoningEndFrame(msgspec.Struct, frozen=True, tag_field="event", tag="reasoning_end"):
    """Only with `include_reasoning`."""

    data: ReasoningEnd
    seq: int
    run_id: str


class TokenFrame(msgspec.Struct, frozen=True, tag_field="event", tag="token", gc=False):
    """Answer text as it arrives."""

    data: Token
    seq: int
    run_id: str


class ReclassifiedFrame(msgspec.Struct, frozen=True, tag_field="event", tag="reclassified"):
    """Rare: a model closed reasoning that it had not opened, or vice versa."""

    data: Reclassified
    seq: int
    run_id: str


class ActionFrame(msgspec.Struct, frozen=True, tag_field="event", tag="action"):
    """A tool call starts, reports progress or ends."""

    data: ActionStart | ActionProgress | ActionEnd
    seq: int
    run_id: str


class ApprovalRequestedFrame(
    msgspec.Struct, frozen=True, tag_field="event", tag="approval_requested"
):
    """A tool call waits until a person approves it."""

    data: Approval
    seq: int
    run_id: str


class ApprovalResolvedFrame(
    msgspec.Struct, frozen=True, tag_field="event", tag="approval_resolved"
):
    """An approval was decided."""

    data: Resolution
    seq: int
    run_id: str


class QuestionRequestedFrame(
    msgspec.Struct, frozen=True, tag_field="event", tag="question_requested"
):
    """A running tool call asks a person a question."""

    data: Question
    seq: int
    run_id: str


class QuestionResolvedFrame(
    msgspec.Struct, frozen=True, tag_field="event", tag="question_resolved"
):
    """A question was answered."""

    data: AnsweredQuestion
    seq: int
    run_id: str


class NoticeFrame(msgspec.Struct, frozen=True, tag_field="event", tag="notice"):
    """Information for the user."""

    data: NoticeData
    seq: int
    run_id: str


class VersionSelection(msgspec.Struct, frozen=True):
    """Another version of a message was selected, with everything that followed it."""

    conversation_id: str
    run_id: Annotated[str, Meta(description="A run of the selected version.")]
    at_ms: Annotated[int, Meta(description="Unix time in milliseconds, by the server's clock.")]


class VersionFrame(msgspec.Struct, frozen=True, tag_field="event", tag="version_selected"):
    """The conversation's messages have changed: fetch them again."""

    data: VersionSelection
    seq: int
    run_id: None = None


class ErrorFrame(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """With a `run_id`: the last frame of a failed run. Without: a message was rejected."""

    data: ErrorData
    seq: int | None
    run_id: str | None


class CompleteFrame(msgspec.Struct, frozen=True, tag_field="event", tag="complete"):
    """The last frame of a run that did not fail."""

    data: Reply
    seq: int
    run_id: str


class SnapshotFrame(msgspec.Struct, frozen=True, tag_field="event", tag="snapshot"):
    """All messages so far, if the events after the client's cursor are no longer available.

    Replace what you have with it; the events after its `seq` follow. When following a run, it
    contains that run only.
    """

    data: Messages
    seq: int
    run_id: str | None


Frame = (
    StartFrame
    | ProgressFrame
    | ReasoningFrame
    | ReasoningEndFrame
    | TokenFrame
    | ReclassifiedFrame
    | ActionFrame
    | ApprovalRequestedFrame
    | ApprovalResolvedFrame
    | QuestionRequestedFrame
    | QuestionResolvedFrame
    | NoticeFrame
    | ErrorFrame
    | CompleteFrame
    | SnapshotFrame
    | VersionFrame
)
"""Everything that the server sends on a chat stream."""
