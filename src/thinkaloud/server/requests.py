"""What clients send: bodies, queries and socket messages. Their schemas are published as they are."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.errors import InvalidRequest, UnsupportedEffort
from thinkaloud.events.prompt import EFFORT_LEVELS, Effort, EffortLevel
from thinkaloud.ports.catalogue import Catalogue
from thinkaloud.ports.effort import effective_effort
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
_LEVELS: Final[dict[str, EffortLevel]] = {level: level for level in EFFORT_LEVELS}


class ChatRequest(msgspec.Struct, frozen=True):
    """A message to the model. Members that are not listed here are ignored.

    Of a member given twice the last counts.
    """

    text: Annotated[str, Meta(description="What the user says; empty only with an image.")]
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
    context_files: Annotated[
        tuple[str, ...],
        Meta(max_length=64, description="Uploads, or files under the configured workspace."),
    ] = ()
    image_path: Annotated[
        str | None, Meta(description="A picture, named as context files are.")
    ] = None
    model: Annotated[str | None, Meta(description="`host/model`; else the current one.")] = None
    reasoning_effort: EffortName | Budget | None = None


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


class ListQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    before: (
        Annotated[int, Meta(ge=0, le=2**53, description="Only what changed before; Unix ms.")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    limit: Annotated[int, Meta(ge=1, le=200, description="The most to return.")] = 50


class NoQuery(msgspec.Struct, frozen=True):
    """A resource without query parameters."""


Title = Annotated[str, Meta(max_length=200)]


class NewConversation(msgspec.Struct, frozen=True):
    """A conversation to make."""

    conversation_id: ConversationId | None = None
    title: Title = ""


class ConversationChange(msgspec.Struct, frozen=True):
    """What to change of a conversation."""

    title: Title


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
    )
