"""What clients send: bodies, queries and socket messages. Their schemas are published as they are."""

import math
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.errors import InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.effort import effective_effort
from thinkaloud.runtime.conversations import MAX_TITLE_CHARS
from thinkaloud.runtime.request import MAX_ITERATIONS, RunRequest
from thinkaloud.server.services import ServerServices, ServerState

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
_LEVELS: Final[dict[str, EffortLevel]] = {level: level for level in EFFORT_LEVELS}


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


def effort_of(asked: str | int | None, catalogue: Catalogue, model_id: str | None) -> Effort | None:
    """Return the effort that a request names. Raises `UnsupportedEffort` where it is no level."""
    if asked is None or isinstance(asked, int):
        return asked
    level = _LEVELS.get(asked)
    if level is None:
        info = catalogue.open(model_id).info
        raise UnsupportedEffort(info.id, asked, info.reasoning.efforts)
    return level


def run_request(
    chat: ChatRequest,
    services: ServerServices,
    state: ServerState,
    idempotency_key: str | None = None,
) -> RunRequest:
    """Return what the runtime is asked for.

    Raises `InvalidRequest`, `UnsupportedEffort`, `UnknownModel` and `ConfigurationError`.
    """
    settings, catalogue = services.settings, services.catalogue
    effort = effort_of(chat.reasoning_effort, catalogue, chat.model)
    if effort is None and state.reasoning_effort is not None:
        effort = effective_effort(None, state.reasoning_effort, catalogue.open(chat.model).info)
    if len(chat.text) > settings.max_text_chars:
        raise InvalidRequest(
            f"text is longer than {settings.max_text_chars:,} characters.", field="text"
        )
    return RunRequest(
        text=chat.text,
        conversation_id=chat.conversation_id,
        context=chat.context,
        context_files=chat.context_files,
        image_path=chat.image_path,
        max_iterations=chat.max_iterations,
        model=chat.model,
        reasoning_effort=effort,
        idempotency_key=idempotency_key,
        replaces=chat.replaces,
        temporary=chat.temporary,
        stop_detached_after=_grace(chat, services),
    )


def _grace(chat: ChatRequest, services: ServerServices) -> float | None:
    match chat.on_disconnect:
        case None:
            return None
        case "continue":
            return math.inf
        case "stop":
            return services.about.limits.stop_detached_after or STOP_DETACHED_SECONDS
