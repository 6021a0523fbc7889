"""The frames of the chat stream: what stands on the wire, and what the published schemas say."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from thinkaloud.core.reply import Reply
from thinkaloud.events.event import ToolStatus
from thinkaloud.events.prompt import Effort
from thinkaloud.server.schema.responses import Messages


class Start(msgspec.Struct, frozen=True):
    """The run began."""

    conversation_id: str
    run_id: str
    model: str
    max_iterations: int
    reasoning_effort: Effort | None
    include_reasoning: Annotated[
        bool, Meta(description="Whether this stream carries reasoning: asked for and allowed.")
    ]
    at_ms: Annotated[int, Meta(description="When: Unix ms, by the server's clock.")]


class Progress(msgspec.Struct, frozen=True):
    """A model call begins."""

    iteration: int
    max_iterations: int
    message: str


class Reasoning(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """More reasoning. The first frame of a `segment_id` opens that segment."""

    token: Annotated[str, Meta(min_length=1)]
    segment_id: str
    at_ms: Annotated[
        int,
        Meta(
            description="When its first word came: Unix ms, by the server's clock. Of the first"
            " frame of a segment: since when the model thinks."
        ),
    ]
    part: Annotated[int, Meta(description="Rises where the provider begins a new paragraph.")] = 0


class ReasoningEnd(msgspec.Struct, frozen=True, omit_defaults=True):
    """The segment is closed, exactly once."""

    segment_id: str
    duration_ms: int
    interrupted: bool = False


class Token(msgspec.Struct, frozen=True, gc=False):
    """More of the answer."""

    token: Annotated[str, Meta(min_length=1)]
    segment_id: str


class Reclassified(msgspec.Struct, frozen=True):
    """A segment that is closed turned out to be something else: drop its text from where it was."""

    segment_id: str
    to: Annotated[
        Literal["reasoning", "withdrawn"],
        Meta(
            description="`reasoning`: the answer segment was reasoning. `withdrawn`: it is to be"
            " dropped; a thought that was the answer is said again as `token`s, and a stream without"
            " reasoning has no other place for it."
        ),
    ]
    duration_ms: int


class ActionStart(msgspec.Struct, frozen=True, tag_field="phase", tag="start"):
    """A tool is being run."""

    action: str
    tool_call_id: str
    arguments: Annotated[
        object, Meta(description="The arguments; the model's own text where it was no JSON.")
    ]


class ActionEnd(msgspec.Struct, frozen=True, tag_field="phase", tag="end"):
    """A tool gave its result."""

    action: str
    tool_call_id: str
    status: ToolStatus
    result: str
    duration_ms: int
    truncated: bool


class NoticeData(msgspec.Struct, frozen=True):
    """Something that the user should know and that ends nothing, such as a retry."""

    code: str
    message: str


class ErrorData(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong. With a `run_id` it is the end of that run; without one it ends nothing."""

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
    """One at the start of each iteration."""

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
    """Answer text, as it arrives."""

    data: Token
    seq: int
    run_id: str


class ReclassifiedFrame(msgspec.Struct, frozen=True, tag_field="event", tag="reclassified"):
    """Rare: a model ended a thought that it had not marked as one, or the other way round."""

    data: Reclassified
    seq: int
    run_id: str


class ActionFrame(msgspec.Struct, frozen=True, tag_field="event", tag="action"):
    """A tool call begins or ends."""

    data: ActionStart | ActionEnd
    seq: int
    run_id: str


class NoticeFrame(msgspec.Struct, frozen=True, tag_field="event", tag="notice"):
    """Something to know."""

    data: NoticeData
    seq: int
    run_id: str


class VersionSelection(msgspec.Struct, frozen=True):
    """Another version of a message was selected, with all that followed it."""

    conversation_id: str
    run_id: Annotated[str, Meta(description="A run of the version that is current from now on.")]
    at_ms: Annotated[int, Meta(description="When: Unix ms, by the server's clock.")]


class VersionFrame(msgspec.Struct, frozen=True, tag_field="event", tag="version_selected"):
    """The conversation's messages are others from now on: read them again."""

    data: VersionSelection
    seq: int
    run_id: None = None


class ErrorFrame(msgspec.Struct, frozen=True, tag_field="event", tag="error"):
    """With a `run_id`: the last frame of a failed run. With null: a soft error; all goes on."""

    data: ErrorData
    seq: int | None
    run_id: str | None


class CompleteFrame(msgspec.Struct, frozen=True, tag_field="event", tag="complete"):
    """The last frame of a run that did not fail."""

    data: Reply
    seq: int
    run_id: str


class SnapshotFrame(msgspec.Struct, frozen=True, tag_field="event", tag="snapshot"):
    """All that was said, where the log no longer has the events after the client's cursor.

    It takes the place of what the client has; the events after its `seq` follow. Following a run,
    it is of that run alone.
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
    | NoticeFrame
    | ErrorFrame
    | CompleteFrame
    | SnapshotFrame
    | VersionFrame
)
"""Everything that the server sends on a chat stream."""
