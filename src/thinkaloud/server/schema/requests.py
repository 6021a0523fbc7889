"""What clients send: bodies, queries and socket messages. Their schemas are published as they are."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.events.prompt import EFFORT_LEVELS
from thinkaloud.runtime.conversations.service import MAX_TITLE_CHARS
from thinkaloud.runtime.runs.request import MAX_ITERATIONS

ConversationId = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_:-]{1,64}$",
        description="The conversation; a new id of this form makes the conversation of that name.",
    ),
]
EffortName = Annotated[str, Meta(extra_json_schema={"enum": list(EFFORT_LEVELS)})]
Budget = Annotated[int, Meta(ge=1, le=10_000_000, description="A budget in reasoning tokens.")]
Seq = Annotated[int, Meta(ge=0, description="The last `seq` that the client has.")]
MAX_CONTEXT_FILES: Final = 64
STOP_DETACHED_SECONDS: Final = 10.0
"""How long a run goes on alone that is to stop on a disconnect, where no setting says it."""


class ChatRequest(msgspec.Struct, frozen=True):
    """A message to the model. Members that are not listed here are ignored.

    Of a member given twice the last counts.
    """

    text: Annotated[str, Meta(description="What the user says; empty only with files.")]
    conversation_id: ConversationId | None = None
    streaming: Annotated[
        bool, Meta(description="Answer as an event stream instead of one body.")
    ] = False
    include_reasoning: Annotated[
        bool, Meta(description="Send the model's reasoning, where the server's policy allows it.")
    ] = False
    max_iterations: (
        Annotated[int, Meta(ge=1, le=MAX_ITERATIONS, description="The most model calls.")] | None
    ) = None
    context: Annotated[
        dict[str, object], Meta(description="Key/value material put before the model.")
    ] = {}
    context_files: (
        Annotated[
            tuple[str, ...],
            Meta(
                max_length=MAX_CONTEXT_FILES,
                description="Texts and pictures: uploads, or files under the configured workspace."
                " Pictures for models that take them. Null: none, or with `replaces`, and without"
                " an `image_path`, those of that run.",
            ),
        ]
        | None
    ) = None
    image_path: Annotated[
        str | None, Meta(description="A picture, named as context files are.")
    ] = None
    model: Annotated[str | None, Meta(description="`host/model`; else the current one.")] = None
    reasoning_effort: EffortName | Budget | None = None
    replaces: Annotated[
        str | None,
        Meta(
            description="A run of this conversation of which the new one is another version:"
            " regenerate with the same text, or edit it. It is selected by its first answer text;"
            " the old version stays, with all that came after it."
        ),
    ] = None
    temporary: Annotated[
        bool,
        Meta(
            description="Keep the conversation that this message makes in memory only, and in no"
            " list. Its id comes from the server."
        ),
    ] = False
    on_disconnect: Annotated[
        Literal["continue", "stop"] | None,
        Meta(
            description="What becomes of the run when nobody waits for it or follows it any more:"
            " it goes on to its end, or is stopped after `limits.stop_detached_after` or 10"
            " seconds. Else as the server is set."
        ),
    ] = None


class StopCommand(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Stop a run: the one this socket is waiting for, or any run of the caller's. Idempotent."""

    run_id: str | None = None


class ResumeCommand(msgspec.Struct, frozen=True, tag_field="type", tag="resume"):
    """Follow a run or a conversation from the event after `after` on."""

    run_id: str | None = None
    conversation_id: str | None = None
    after: Seq = 0
    include_reasoning: bool = False


class FollowQuery(msgspec.Struct, frozen=True):
    """How to follow a run or a conversation."""

    after: Seq | msgspec.UnsetType = msgspec.UNSET
    include_reasoning: Annotated[bool, Meta(description="Send the model's reasoning.")] = False


class ReasoningQuery(msgspec.Struct, frozen=True):
    """Whether reasoning is in the answer."""

    include_reasoning: Annotated[bool, Meta(description="Send the model's reasoning.")] = False


class MessagesQuery(ReasoningQuery, frozen=True):
    """Which messages of a conversation: all, or a page of them, the newest first."""

    limit: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1000,
                description="The most runs to return, each with its message and its answer, the"
                " newest. Without it all are there.",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    before: Annotated[
        str, Meta(description="`next_before` of the page after this one: a run's id.")
    ] = ""


class ListQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    before: Annotated[
        str,
        Meta(
            pattern="^([0-9]{1,15}:[A-Za-z0-9_:-]{1,64})?$",
            description="`next_before` of the page before this one.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="The most to return.")] = 50
    search: Annotated[
        str,
        Meta(
            max_length=400,
            description="Only conversations that have all these words, whatever their case, in the"
            " title, in what the user said or in the answers. Reasoning is not searched.",
        ),
    ] = ""


class VersionsQuery(msgspec.Struct, frozen=True):
    """What to look for in all versions of a conversation."""

    search: Annotated[
        str,
        Meta(
            max_length=400,
            description="Words, as for a search of conversations: `found` is a run that has all of"
            " them, of the selected version where there is one.",
        ),
    ] = ""


class UploadsQuery(msgspec.Struct, frozen=True):
    """Which page of the uploads."""

    before: Annotated[
        str,
        Meta(
            pattern="^([0-9]{1,15}:upl_[0-9a-f]{32})?$",
            description="`next_before` of the page before this one.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="The most to return.")] = 50


class ExportQuery(msgspec.Struct, frozen=True):
    """How a conversation is exported."""

    format: Annotated[
        Literal["json", "markdown"], Meta(description="For programs, or for people.")
    ] = "json"
    include_reasoning: Annotated[bool, Meta(description="Put the model's reasoning in.")] = False
    version: Annotated[
        str,
        Meta(
            description="A run of the version to write; else the selected one. JSON has the others,"
            " too."
        ),
    ] = ""


class NoQuery(msgspec.Struct, frozen=True):
    """A resource without query parameters."""


Title = Annotated[str, Meta(max_length=MAX_TITLE_CHARS)]


class NewConversation(msgspec.Struct, frozen=True):
    """A conversation to make."""

    conversation_id: ConversationId | None = None
    title: Title = ""
    temporary: Annotated[
        bool, Meta(description="Keep it in memory only; its id comes from the server.")
    ] = False


class BranchPoint(msgspec.Struct, frozen=True):
    """Where a new conversation leaves an old one."""

    run_id: Annotated[str, Meta(description="The last run that the new conversation has.")]


class VersionChoice(msgspec.Struct, frozen=True):
    """Which version of a message is to be shown."""

    run_id: Annotated[
        str,
        Meta(description="A run of that version. What followed it is selected with it."),
    ]


class ConversationChange(msgspec.Struct, frozen=True):
    """What to change of a conversation."""

    title: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE_CHARS)]


class ModelSwitch(msgspec.Struct, frozen=True):
    """The model, and if wished the effort, for new runs that name none."""

    model_id: Annotated[str, Meta(description="`host/model`.")]
    reasoning_effort: EffortName | Budget | None = None


SocketKind = Literal["message", "stop", "resume"]


class SocketMessage(msgspec.Struct, frozen=True):
    """The member that tells a socket's messages apart; without it the message is a chat request."""

    type: str = "message"
