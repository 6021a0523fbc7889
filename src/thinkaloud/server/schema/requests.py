"""Request bodies, queries and socket messages. The published schemas are generated from them."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.runtime.conversations.service import MAX_TITLE_CHARS
from thinkaloud.server.schema.approvals import AnswerRequest, DecisionRequest
from thinkaloud.server.schema.message import Budget, ClientMessage, EffortName

ConversationId = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9_:-]{1,64}$",
        description="The conversation. A new id of this form creates it.",
    ),
]
Seq = Annotated[int, Meta(ge=0, description="The last `seq` that the client received.")]
STOP_DETACHED_SECONDS: Final = 10.0
"""Grace period for `on_disconnect: stop` without `limits.stop_detached_after_seconds`."""


class ChatRequest(ClientMessage, frozen=True):
    """A message to the model. Unknown fields are ignored; the last of duplicate fields is used."""

    text: Annotated[str, Meta(description="The user's message; can be empty only with files.")]
    conversation_id: ConversationId | None = None
    streaming: Annotated[
        bool, Meta(description="Respond with an event stream instead of one body.")
    ] = False
    include_reasoning: Annotated[
        bool, Meta(description="Send the model's reasoning, if the server's policy allows it.")
    ] = False
    temporary: Annotated[
        bool,
        Meta(
            description="Keep the new conversation in memory only, and out of all lists. The server"
            " assigns its id."
        ),
    ] = False


class StopCommand(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Stop a run: the one this socket is waiting for, or any run of the caller's. Idempotent."""

    run_id: str | None = None


class ResumeCommand(msgspec.Struct, frozen=True, tag_field="type", tag="resume"):
    """Follow a run or a conversation, starting after the event `after`."""

    run_id: str | None = None
    conversation_id: str | None = None
    after: Seq = 0
    include_reasoning: bool = False


class DecideCommand(DecisionRequest, frozen=True, kw_only=True, tag_field="type", tag="decide"):
    """Approve or deny a tool call of any run of the caller's."""

    approval_id: str
    run_id: Annotated[
        str | None, Meta(description="Its run; only needed once it has been decided.")
    ] = None


class AnswerCommand(AnswerRequest, frozen=True, kw_only=True, tag_field="type", tag="answer"):
    """Answer a question of a tool."""

    run_id: str
    question_id: str


class FollowQuery(msgspec.Struct, frozen=True):
    """How to follow a run or a conversation."""

    after: Seq | msgspec.UnsetType = msgspec.UNSET
    include_reasoning: Annotated[bool, Meta(description="Send the model's reasoning.")] = False


class LogQuery(FollowQuery, frozen=True):
    """Which part of a log."""

    follow: Annotated[
        bool, Meta(description="Stay and send new events; `false` ends with the last one so far.")
    ] = True


class ReasoningQuery(msgspec.Struct, frozen=True):
    """Whether the response includes reasoning."""

    include_reasoning: Annotated[bool, Meta(description="Send the model's reasoning.")] = False


class MessagesQuery(ReasoningQuery, frozen=True):
    """Which messages of a conversation: all of them, or one page, starting with the latest."""

    limit: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1000,
                description=(
                    "Maximum number of runs to return, each with its message and answer,"
                    " starting with the latest. By default all."
                ),
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    before: Annotated[
        str, Meta(description="`next_before` of the previously fetched page: a run's id.")
    ] = ""


class ListQuery(msgspec.Struct, frozen=True):
    """Pagination and search of a list."""

    before: Annotated[
        str,
        Meta(
            pattern="^([0-9]{1,15}:[A-Za-z0-9_:-]{1,64})?$",
            description="`next_before` of the previous page.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="Maximum number of items.")] = 50
    search: Annotated[
        str,
        Meta(
            max_length=400,
            description=(
                "Only conversations that contain all these words, ignoring case, in the"
                " title, the user's messages or the answers. Reasoning is not searched."
            ),
        ),
    ] = ""


class VersionsQuery(msgspec.Struct, frozen=True):
    """Search in all versions of a conversation."""

    search: Annotated[
        str,
        Meta(
            max_length=400,
            description=(
                "Words, as in a search of conversations. `found` is a run that contains all"
                " of them, preferably of the selected version."
            ),
        ),
    ] = ""


class UploadsQuery(msgspec.Struct, frozen=True):
    """Pagination of the uploads."""

    before: Annotated[
        str,
        Meta(
            pattern="^([0-9]{1,15}:upl_[0-9a-f]{32})?$",
            description="`next_before` of the previous page.",
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=200, description="Maximum number of items.")] = 50


class ExportQuery(msgspec.Struct, frozen=True):
    """How a conversation is exported."""

    format: Annotated[
        Literal["json", "markdown"], Meta(description="`json` for programs, `markdown` for people.")
    ] = "json"
    include_reasoning: Annotated[bool, Meta(description="Include the model's reasoning.")] = False
    version: Annotated[
        str,
        Meta(
            description=(
                "A run of the version to export; by default the selected one. JSON includes"
                " the others, too."
            )
        ),
    ] = ""


class NoQuery(msgspec.Struct, frozen=True):
    """A resource without query parameters."""


Title = Annotated[str, Meta(max_length=MAX_TITLE_CHARS)]


class NewConversation(msgspec.Struct, frozen=True):
    """A conversation to create."""

    conversation_id: ConversationId | None = None
    title: Title = ""
    temporary: Annotated[
        bool, Meta(description="Keep it in memory only; the server assigns its id.")
    ] = False


class BranchPoint(msgspec.Struct, frozen=True):
    """The run at which to branch."""

    run_id: Annotated[str, Meta(description="The last run to copy to the new conversation.")]


class VersionChoice(msgspec.Struct, frozen=True):
    """The version of a message to select."""

    run_id: Annotated[
        str,
        Meta(description="A run of that version. Everything that followed it is selected with it."),
    ]


class ConversationChange(msgspec.Struct, frozen=True):
    """Changes to a conversation."""

    title: Annotated[str, Meta(min_length=1, max_length=MAX_TITLE_CHARS)]


class ModelSwitch(msgspec.Struct, frozen=True):
    """The default model, and optionally the default effort, for new runs."""

    model_id: Annotated[str, Meta(description="`host/model`.")]
    reasoning_effort: EffortName | Budget | None = None


SocketKind = Literal["message", "stop", "resume", "decide", "answer"]


class SocketMessage(msgspec.Struct, frozen=True):
    """The field that distinguishes socket messages; without it, the message is a chat request."""

    type: str = "message"
