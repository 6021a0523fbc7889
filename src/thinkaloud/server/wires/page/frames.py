"""What the server says on `/ws`: one flat JSON object a frame. The published schemas are these.

Every frame of a chat says which chat, which run, and where in the log it stands. Members that have
their default are left out.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from thinkaloud.events.event import AttachedFile, Outcome, RunError, RunStatus, Timing, ToolStatus
from thinkaloud.events.model import ReasoningStatus, Usage
from thinkaloud.events.prompt import Effort
from thinkaloud.events.view import ConversationView, RunView

Text = Annotated[str, Meta(min_length=1)]


class ChatReady(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """The first frame of every socket. `chat_id` is the connection's own chat, already attached."""

    chat_id: str
    client_id: str


class ChatAttached(msgspec.Struct, frozen=True, tag_field="event", tag="attached"):
    """The socket follows this chat from now on."""

    chat_id: str
    seq: Annotated[int, Meta(description="The last event there is; what is older comes first.")]
    floor: Annotated[int, Meta(description="Events up to this one are in the store only.")]
    running: Annotated[
        tuple[str, ...], Meta(description="The runs that go on or wait, the oldest first.")
    ]
    exists: Annotated[
        bool, Meta(description="False: nothing was said in a chat of this id so far.")
    ]
    temporary: Annotated[bool, Meta(description="It is kept in memory only, and in no list.")]


class Placed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a chat frame belongs. What did not come out of the log has no number and maybe no run."""

    chat_id: str
    run_id: str | None
    seq: int | None
    at_ms: Annotated[int, Meta(description="Unix time in milliseconds, by the server's clock.")]


class ChatMessage(Placed, frozen=True, kw_only=True, tag_field="event", tag="message"):
    """A whole message that a plugin sent. It is part of no run and of no replay."""

    role: Literal["assistant"]
    text: str


class _Turn(Placed, frozen=True, kw_only=True):
    """A message of the user, which begins a run."""

    turn_id: Annotated[
        str,
        Meta(description="As the client gave it, or `client_message_id`; otherwise the `run_id`."),
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
    """The files that these two name, in their order."""
    replaces: str | None = None
    """The run that this one is a new version of. It is selected by its first answer text."""
    client_message_id: str | None = None
    """As the client gave it with its `message`."""


class ChatUserMessage(_Turn, frozen=True, kw_only=True, tag_field="event", tag="user_message"):
    """A message of the user begins a run: sent to every subscriber but the socket it came from."""


class ChatMessageAccepted(
    _Turn, frozen=True, kw_only=True, tag_field="event", tag="message_accepted"
):
    """The same, sent to the socket that the message came from, which shows it already."""


class ChatProgress(Placed, frozen=True, kw_only=True, tag_field="event", tag="progress"):
    """A model call begins. `iteration` counts from 1."""

    iteration: int
    max_iterations: int
    message: str


class ChatReasoningDelta(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="reasoning_delta", gc=False
):
    """More reasoning. The first frame of a `stream_id` opens that segment."""

    text: Text
    stream_id: str
    part: Annotated[int, Meta(description="Rises where the provider begins a new paragraph.")] = 0


class ChatReasoningEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="reasoning_end"):
    """The segment of reasoning is closed, exactly once."""

    stream_id: str
    duration_ms: int
    interrupted: bool = False


class ChatDelta(Placed, frozen=True, kw_only=True, tag_field="event", tag="delta", gc=False):
    """More of the answer. The first frame of a `stream_id` opens that segment."""

    text: Text
    stream_id: str


class ChatStreamEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="stream_end"):
    """The segment of the answer is closed. `resuming`: the run goes on after it."""

    stream_id: str
    resuming: bool = False
    interrupted: bool = False


class ChatReclassified(Placed, frozen=True, kw_only=True, tag_field="event", tag="reclassified"):
    """A segment that is closed turned out to be something else: drop its text from where it was."""

    stream_id: str
    to: Annotated[
        Literal["reasoning", "withdrawn"],
        Meta(
            description="`reasoning`: the answer segment was reasoning. `withdrawn`: it is to be"
            " dropped; a thought that was the answer is said again as `delta`s, and a socket without"
            " reasoning has no other place for it."
        ),
    ]
    duration_ms: int


class ChatToolEvent(Placed, frozen=True, kw_only=True, tag_field="event", tag="tool_event"):
    """A tool call begins, with its `arguments`, or ends, with the members after them."""

    phase: Literal["start", "end"]
    tool_call_id: str
    name: str
    arguments: str | msgspec.UnsetType = msgspec.UNSET
    """The JSON text that the model wrote."""
    status: ToolStatus | msgspec.UnsetType = msgspec.UNSET
    result: str | msgspec.UnsetType = msgspec.UNSET
    duration_ms: int | msgspec.UnsetType = msgspec.UNSET
    truncated: bool = False


class ChatModelEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="model_end"):
    """A model call ended well. On a socket without reasoning the status is always `none`."""

    iteration: int
    reasoning_status: ReasoningStatus
    usage: Usage | None = None


class ChatNotice(Placed, frozen=True, kw_only=True, tag_field="event", tag="notice"):
    """Something that the user should know and that ends nothing, such as a retry."""

    code: str
    message: str


class ChatTurnEnd(Placed, frozen=True, kw_only=True, tag_field="event", tag="turn_end"):
    """The one last frame of every run. `error` is there exactly where `status` is `failed`."""

    turn_id: Annotated[str, Meta(description="As in the `user_message` that began the run.")]
    status: RunStatus
    iterations: int
    usage: Usage | None
    timing: Timing
    error: RunError | None = None
    outcome: Outcome | None = None


class ChatVersionSelected(
    Placed, frozen=True, kw_only=True, tag_field="event", tag="version_selected"
):
    """Another version of a message was selected, with all that followed it.

    `run_id` is a run of it. A client that does not have the runs of that version attaches again
    without `after`, and gets a snapshot.
    """


class ChatSnapshot(msgspec.Struct, frozen=True, tag_field="event", tag="snapshot"):
    """The whole chat as it stands at `seq`; the events after that number follow.

    It comes first where a chat is attached without a cursor, and where the log no longer has the
    events after the cursor one by one. It takes the place of all that the client has of the chat.
    """

    chat_id: str
    seq: int
    conversation: ConversationView
    earlier: Annotated[
        bool, Meta(description="Runs came before these, more than the `last` that were asked for.")
    ]


class ChatEarlier(msgspec.Struct, frozen=True, tag_field="event", tag="earlier"):
    """What came before the run `before`, oldest first: the answer to an `earlier`."""

    chat_id: str
    before: Annotated[str, Meta(description="As it was asked for.")]
    runs: tuple[RunView, ...]
    earlier: Annotated[bool, Meta(description="Runs came before these too.")]
    versions: Annotated[
        Mapping[str, tuple[str, ...]],
        Meta(description="By run, for those that have other versions: all of them, oldest first."),
    ]


class ChatPong(msgspec.Struct, frozen=True, tag_field="event", tag="pong"):
    """The answer to a `ping`."""


class ChatError(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="error"):
    """A client's frame was refused, or a run failed. The socket and its chats go on.

    With a `run_id` that run failed; its `turn_end` follows and has the same error.
    """

    detail: str
    code: str
    chat_id: str | None = None
    run_id: str | None = None
    turn_id: str | None = None
    """The `client_message_id` or `turn_id` of the message, or the run's id."""
    client_message_id: str | None = None
    field: str | None = None
    nearest: tuple[str, ...] = ()
    """Model ids that look like the unknown one."""
    valid: tuple[str, ...] = ()
    """The values that are allowed."""


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
    | ChatModelEnd
    | ChatNotice
    | ChatTurnEnd
    | ChatVersionSelected
    | ChatSnapshot
    | ChatEarlier
    | ChatPong
    | ChatError
)
"""Everything that the server sends on `/ws`."""
