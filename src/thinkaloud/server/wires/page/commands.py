"""What a client says on `/ws`, as typed values. Members that are not listed here are ignored."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.events.prompt import EFFORT_LEVELS

ChatId = Annotated[str, Meta(pattern="^[A-Za-z0-9_:-]{1,64}$")]
EffortName = Annotated[str, Meta(extra_json_schema={"enum": list(EFFORT_LEVELS)})]
Budget = Annotated[int, Meta(ge=1, le=10_000_000, description="A budget in reasoning tokens.")]
MessageId = Annotated[str, Meta(pattern="^[!-~]{1,128}$")]
Reasoning = Annotated[
    bool, Meta(description="False: no reasoning for this socket, though the server would send it.")
]


class NewChat(msgspec.Struct, frozen=True, tag_field="type", tag="new_chat"):
    """Make a chat; the answer is its `attached`."""

    temporary: Annotated[bool, Meta(description="Keep it in memory only, and in no list.")] = False


class Attach(msgspec.Struct, frozen=True, tag_field="type", tag="attach"):
    """Follow a chat. Again: the socket follows it anew, from the place named now."""

    chat_id: ChatId
    after: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="The last `seq` that the client has: what came after it comes once,"
                " in order. Without it a `snapshot` of all so far comes first.",
            ),
        ]
        | None
    ) = None
    last: (
        Annotated[
            int,
            Meta(
                ge=1,
                description="The most runs in a `snapshot`, the newest: ask for what is"
                " `earlier`. Without it all are there.",
            ),
        ]
        | None
    ) = None
    include_reasoning: Reasoning = True


class Detach(msgspec.Struct, frozen=True, tag_field="type", tag="detach"):
    """Follow a chat no more. Its runs go on."""

    chat_id: ChatId


class Message(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    """Say something in a chat; a new id makes the chat of that name. The socket follows it.

    The content `/stop` stops the run that goes on, as a `stop` does.
    """

    chat_id: ChatId
    content: Annotated[str, Meta(description="What the user says; empty only with files.")]
    model: str | None = None
    reasoning_effort: EffortName | Budget | None = None
    max_iterations: Annotated[int, Meta(ge=1, le=1000)] | None = None
    context: dict[str, object] = {}
    context_files: (
        Annotated[
            tuple[str, ...],
            Meta(
                max_length=64,
                description="Texts and pictures. Null: none, or with `replaces`, and without an"
                " `image_path`, those of that run.",
            ),
        ]
        | None
    ) = None
    image_path: str | None = None
    replaces: Annotated[
        str | None,
        Meta(
            description="A run of this chat of which the new one is another version. It is"
            " selected by its first answer text; the old version stays."
        ),
    ] = None
    on_disconnect: Annotated[
        Literal["continue", "stop"] | None,
        Meta(description="What becomes of the run when nobody follows it any more."),
    ] = None
    client_message_id: (
        Annotated[MessageId, Meta(description="Sent again with the same id: nothing new begins.")]
        | None
    ) = None
    turn_id: (
        Annotated[MessageId, Meta(description="Another name of `client_message_id`.")] | None
    ) = None
    include_reasoning: Reasoning = True


class Earlier(msgspec.Struct, frozen=True, tag_field="type", tag="earlier"):
    """Show what came before a run in a chat that this socket follows; the answer is an `earlier`."""

    chat_id: ChatId
    before: Annotated[str, Meta(description="The `run_id` of the oldest run that the client has.")]
    limit: Annotated[int, Meta(ge=1, le=1000, description="The most runs, the newest.")] = 50


class Stop(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Stop the run that goes on in a chat. Idempotent; a run that waits behind it begins."""

    chat_id: ChatId


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """Ask whether the other end is still there; the answer is a `pong`."""


class Said(msgspec.Struct, frozen=True):
    """A frame without `type`: something said in the connection's own chat.

    The first of the members that is there counts. A frame that is no JSON object is said as it
    is, also one that only begins like an object.
    """

    content: str | None = None
    text: str | None = None
    message: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """What every frame may say of itself, read first so that a refusal can name its chat."""

    type: str | None = None
    chat_id: object = None
    client_message_id: object = None
    turn_id: object = None


Command = NewChat | Attach | Detach | Earlier | Message | Stop | Ping
"""What a client may ask for."""

COMMANDS: Final[dict[str, type[Command]]] = {
    "new_chat": NewChat,
    "attach": Attach,
    "detach": Detach,
    "earlier": Earlier,
    "message": Message,
    "stop": Stop,
    "ping": Ping,
}
"""By `type`."""
