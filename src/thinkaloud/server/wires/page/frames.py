"""The frames that the server sends on `/ws`, flat JSON objects. Schemas are generated from them.

Every frame of a chat has the chat, the run and its position in the log. Fields with their default
value are omitted.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, TypedDict

import msgspec
from msgspec import Meta

from thinkaloud.events.event import (
    AttachedFile,
    LoggedEvent,
    Outcome,
    RunError,
    RunStatus,
    Timing,
    ToolStatus,
)
from thinkaloud.events.interaction import DecidedBy, Decision, QuestionAction, Remember
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort, ToolResult
from thinkaloud.events.view import ConversationView, RunView

Text = Annotated[str, Meta(min_length=1)]


class ChatReady(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """The first frame on every socket. `chat_id` is the connection's own chat, already attached."""

    chat_id: str
    client_id: str


class ChatAttached(msgspec.Struct, frozen=True, tag_field="event", tag="attached"):
    """The socket now follows this chat."""

    chat_id: str
    seq: Annotated[int, Meta(description="The last event of the chat; older ones are sent first.")]
    floor: Annotated[int, Meta(description="Events up to this one are in the store only.")]
    running: Annotated[
        tuple[str, ...], Meta(description="The running and queued runs, oldest first.")
    ]
    exists: Annotated[bool, Meta(description="False: there is no chat with this id yet.")]
    temporary: Annotated[bool, Meta(description="Kept in memory only, and in no list.")]


class Placed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The position of a chat frame. Frames from outside the log have no `seq` and maybe no run."""

    chat_id: str
    run_id: str | None
    seq: int | None
    at_ms: Annotated[int, Meta(description="Unix time in milliseconds, by the server's clock.")]


class Place(TypedDict):
    """The fields of `Placed`, to construct a frame."""

    chat_id: str
    run_id: str | None
    seq: int | None
    at_ms: int


class ChatMessage(Placed, frozen=True, kw_only=True, tag_field="event", tag="message"):
    """A complete message from a plugin. It is not part of a run or of a replay."""

    role: Literal["assistant"]
    text: str


class _Turn(Placed, frozen=True, kw_only=True):
    """A user's message, which starts a run."""

    turn_id: Annotated[
        str,
        Meta(description="The id that the client sent, or `client_message_id`; else the `run_id`."),
    ]
    starts_turn: Annotated[bool, Meta(description="False: a command such as `/stop`, not a run.")]
    text: str
    model: str | None = None
    max_iterations: int | None = None
    reasoning_effort: Effort | None = None
    context: dict[str, object] = {}
    context_files: tuple[str, ...] = ()
    image_path: str | None = None
    attachments: tuple[AttachedFile, ...] = ()
    """The files named by these two fields, in order."""
    tool_results: tuple[ToolResult, ...] = ()
    """Results of calls that the previous run returned to the client."""
    replaces: str | None = None
    """The run that this one replaces. It is selected by its first answer text."""
    client_message_id: str | None = None
    """The id that the client sent with its `message`."""


class ChatUserMessage(_Turn, frozen=True, kw_only=True, tag_field="event", tag="user_message"):
    """A user's message has started a run. Sent to every subscriber except the sender."""


class ChatMessageAccepted(
    _Turn, frozen=True, kw_only=True, tag_field="event", tag="message_accepted"
):
    """Like `user_message`, for the sender, which already shows the message."""


class ChatProgress(Placed, frozen=True, kw_only=True, tag_field="event", tag="progress"):
    """A model call starts. `iteration` counts from 1."""

    iteration: int
    max_iterations: int
    message: str


class ChatReasoningDelta(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="reasoning_delta", gc=False
):
    """A reasoning delta. The first frame with a `stream_id` opens that segment."""

    text: Text
    stream_id: str
    part: Annotated[
        int, Meta(description=("Increases where the provider starts a new paragraph."))
    ] = 0


class ChatReasoningEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="reasoning_end"):
    """The reasoning segment has ended. Sent exactly once per segment."""

    stream_id: str
    duration_ms: int
    interrupted: bool = False


class ChatDelta(Placed, frozen=True, kw_only=True, tag_field="event", tag="delta", gc=False):
    """An answer delta. The first frame with a `stream_id` opens that segment."""

    text: Text
    stream_id: str


class ChatStreamEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="stream_end"):
    """The answer segment has ended. `resuming`: the run continues."""

    stream_id: str
    resuming: bool = False
    interrupted: bool = False


class ChatReclassified(Placed, frozen=True, kw_only=True, tag_field="event", tag="reclassified"):
    """A closed segment turned out to be something else: remove its text from where it was shown."""

    stream_id: str
    to: Annotated[
        Literal["reasoning", "withdrawn"],
        Meta(
            description=(
                "`reasoning`: the answer segment was reasoning. `withdrawn`: drop the"
                " segment; if its text was the answer after all, it follows as `delta`s, and a"
                " socket without reasoning has no other place for it."
            )
        ),
    ]
    duration_ms: int


class ChatToolEvent(Placed, frozen=True, kw_only=True, tag_field="event", tag="tool_event"):
    """A tool call starts or is returned to the client (`requested`), with `arguments`; reports
    `progress`, with `message`, `progress` and `total`; or ends, with the other fields."""

    phase: Literal["start", "progress", "end", "requested"]
    tool_call_id: str
    name: str
    arguments: str | msgspec.UnsetType = msgspec.UNSET
    """The arguments as the JSON text that the model wrote."""
    status: ToolStatus | msgspec.UnsetType = msgspec.UNSET
    result: str | msgspec.UnsetType = msgspec.UNSET
    duration_ms: int | msgspec.UnsetType = msgspec.UNSET
    truncated: bool = False
    message: str = ""
    progress: float | None = None
    total: float | None = None


class ChatApprovalRequested(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="approval_requested"
):
    """A tool call waits until a person approves it. Answer with `decide`."""

    approval_id: str
    tool_call_id: str
    action: str
    title: str
    arguments: object
    reason: str
    editable: bool
    allowed_remember: tuple[Remember, ...]
    iteration: int
    expires_at_ms: int
    server: str | None = None


class ChatApprovalResolved(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="approval_resolved"
):
    """An approval was decided."""

    approval_id: str
    tool_call_id: str
    decision: Decision
    by: DecidedBy
    arguments: object = None
    reason: str | None = None
    remember: Remember | None = None


class ChatQuestionRequested(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="question_requested"
):
    """A running tool call asks a person a question. Answer with `answer`."""

    question_id: str
    tool_call_id: str
    mode: Literal["form", "url"]
    message: str
    expires_at_ms: int
    server: str | None = None
    schema: dict[str, object] | None = None
    url: str | None = None


class ChatQuestionResolved(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="question_resolved"
):
    """A question was answered."""

    question_id: str
    action: QuestionAction


class ChatModelEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="model_end"):
    """A model call has succeeded. Without reasoning on this socket, the status is always `none`."""

    iteration: int
    reasoning_status: ReasoningStatus
    usage: Usage | None = None


class ChatNotice(Placed, frozen=True, kw_only=True, tag_field="event", tag="notice"):
    """Information for the user, such as a retry. The run continues."""

    code: str
    message: str


class ChatTurnEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="turn_end"):
    """The last frame of every run. `error` is present if and only if `status` is `failed`."""

    turn_id: Annotated[str, Meta(description="As in the `user_message` that started the run.")]
    status: RunStatus
    iterations: int
    usage: Usage | None
    timing: Timing
    error: RunError | None = None
    outcome: Outcome | None = None


class ChatVersionSelected(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="version_selected"
):
    """Another version of a message was selected, with everything that followed it.

    `run_id` is one of its runs. A client that does not have the runs of that version attaches
    again without `after`, and gets a snapshot.
    """


class ChatLog(msgspec.Struct, frozen=True, tag_field="event", tag="log", omit_defaults=True):
    """An event as stored in the log, for sockets that attached with `events: "log"`."""

    chat_id: str
    entry: LoggedEvent
    client_message_id: Annotated[
        str | None, Meta(description="The id that the client gave the message of this run.")
    ] = None


class ChatSnapshot(msgspec.Struct, frozen=True, tag_field="event", tag="snapshot"):
    """The whole chat at `seq`; the events after it follow.

    Sent first if a chat is attached without a cursor, or if the events after the cursor are no
    longer available individually. Replace everything you have of the chat with it.
    """

    chat_id: str
    seq: int
    conversation: ConversationView
    earlier: Annotated[
        bool, Meta(description="Older runs exist beyond the `last` that were requested.")
    ]


class ChatEarlier(msgspec.Struct, frozen=True, tag_field="event", tag="earlier"):
    """The runs before the run `before`, oldest first: the response to an `earlier`."""

    chat_id: str
    before: Annotated[str, Meta(description="The requested `before`.")]
    runs: tuple[RunView, ...]
    earlier: Annotated[bool, Meta(description="Older runs exist.")]
    versions: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(description="By run, for runs with other versions: all of them, oldest first."),
    ]


class ChatPong(msgspec.Struct, frozen=True, tag_field="event", tag="pong"):
    """The response to a `ping`."""


class ChatError(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="error"):
    """A frame of the client was rejected, or a run failed. The socket stays open.

    With a `run_id`, that run failed; its `turn_end` follows, with the same error.
    """

    detail: str
    code: str
    chat_id: str | None = None
    run_id: str | None = None
    turn_id: str | None = None
    """The `client_message_id` or `turn_id` of the message, else the run's id."""
    client_message_id: str | None = None
    field: str | None = None
    nearest: tuple[str, ...] = ()
    """Model ids similar to the unknown one."""
    valid: tuple[str, ...] = ()
    """The allowed values."""
    retry_after: float | None = None
    """When the same message can succeed, in seconds."""


Frame = (
    ChatReady
    | ChatAttached
    | ChatMessage
    | ChatUserMessage
    | ChatMessageAccepted
    | ChatProgress
    | ChatReasoningDelta
    | ChatReasoningEnd
    | ChatDelta
    | ChatStreamEnd
    | ChatReclassified
    | ChatToolEvent
    | ChatApprovalRequested
    | ChatApprovalResolved
    | ChatQuestionRequested
    | ChatQuestionResolved
    | ChatModelEnd
    | ChatNotice
    | ChatTurnEnd
    | ChatVersionSelected
    | ChatLog
    | ChatSnapshot
    | ChatEarlier
    | ChatPong
    | ChatError
)
"""Everything that the server sends on `/ws`."""
