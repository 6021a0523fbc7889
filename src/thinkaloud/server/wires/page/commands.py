"""The commands that clients send on `/ws`. Unknown fields are ignored."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from thinkaloud.server.schema.approvals import AnswerRequest, DecisionRequest
from thinkaloud.server.schema.message import ClientMessage

ChatId = Annotated[str, Meta(pattern="^[A-Za-z0-9_:-]{1,64}$")]
MessageId = Annotated[str, Meta(pattern="^[!-~]{1,128}$")]
Reasoning = Annotated[
    bool, Meta(description="False: send no reasoning to this socket, even if the server allows it.")
]

LogEvents = Annotated[
    Literal["log"] | None,
    Meta(
        description="`log`: send the chat's events as stored in the log, in `log` frames."
        " Default: as the other frames of this protocol."
    ),
]


class NewChat(msgspec.Struct, frozen=True, tag_field="type", tag="new_chat"):
    """Create a chat; the response is its `attached`."""

    temporary: Annotated[
        bool, Meta(description=("Keep it in memory only, and out of all lists."))
    ] = False
    events: LogEvents = None


class Attach(msgspec.Struct, frozen=True, tag_field="type", tag="attach"):
    """Follow a chat. If the socket already follows it, restart from the new cursor."""

    chat_id: ChatId
    after: (
        Annotated[
            int,
            Meta(
                ge=0,
                description=(
                    "The last `seq` that the client received: every later event follows once,"
                    " in order. Without it, a `snapshot` of everything so far comes first."
                ),
            ),
        ]
        | None
    ) = None
    last: (
        Annotated[
            int,
            Meta(
                ge=1,
                description=(
                    "Maximum number of runs in a `snapshot`, starting with the latest; load"
                    " the others with `earlier`. By default all."
                ),
            ),
        ]
        | None
    ) = None
    include_reasoning: Reasoning = True
    events: LogEvents = None


class Detach(msgspec.Struct, frozen=True, tag_field="type", tag="detach"):
    """Stop following a chat. Its runs continue."""

    chat_id: ChatId


class Message(ClientMessage, frozen=True, tag_field="type", tag="message"):
    """Send a message to a chat; a new id creates the chat. The socket follows it.

    The content `/stop` stops the active run, like a `stop`.
    """

    chat_id: ChatId
    content: Annotated[str, Meta(description="The user's message; can be empty only with files.")]
    client_message_id: (
        Annotated[
            MessageId, Meta(description="Sending the same id again doesn't start a second run.")
        ]
        | None
    ) = None
    turn_id: Annotated[MessageId, Meta(description="Alias of `client_message_id`.")] | None = None
    include_reasoning: Reasoning = True


class Earlier(msgspec.Struct, frozen=True, tag_field="type", tag="earlier"):
    """Load the runs before a run in a followed chat; the response is an `earlier`."""

    chat_id: ChatId
    before: Annotated[str, Meta(description="The `run_id` of the oldest run that the client has.")]
    limit: Annotated[
        int, Meta(ge=1, le=1000, description=("Maximum number of runs, starting with the latest."))
    ] = 50


class Stop(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Stop the active run of a chat. Idempotent; the next queued run starts."""

    chat_id: ChatId


class Decide(DecisionRequest, frozen=True, kw_only=True, tag_field="type", tag="decide"):
    """Approve or deny a tool call of any run of the caller's."""

    approval_id: str
    chat_id: Annotated[str | None, Meta(description="The chat, for an error response.")] = None
    run_id: Annotated[
        str | None, Meta(description="Its run; only needed once it has been decided.")
    ] = None


class AnswerQuestion(AnswerRequest, frozen=True, kw_only=True, tag_field="type", tag="answer"):
    """Answer a question of a tool."""

    run_id: str
    question_id: str
    chat_id: Annotated[str | None, Meta(description="The chat, for an error response.")] = None


class Ping(msgspec.Struct, frozen=True, tag_field="type", tag="ping"):
    """Check the connection; the response is a `pong`."""


class Said(msgspec.Struct, frozen=True):
    """A frame without `type`: a message to the connection's own chat.

    The first field present is used. A frame that is not valid JSON, or not an object, is itself
    the message.
    """

    content: str | None = None
    text: str | None = None
    message: str | None = None


class Envelope(msgspec.Struct, frozen=True):
    """Fields that are decoded first, so that an error can name the chat."""

    type: str | None = None
    chat_id: object = None
    client_message_id: object = None
    turn_id: object = None


Command = NewChat | Attach | Detach | Earlier | Message | Stop | Decide | AnswerQuestion | Ping
"""Every command that a client can send."""

COMMANDS: Final[dict[str, type[Command]]] = {
    "new_chat": NewChat,
    "attach": Attach,
    "detach": Detach,
    "earlier": Earlier,
    "message": Message,
    "stop": Stop,
    "decide": Decide,
    "answer": AnswerQuestion,
    "ping": Ping,
}
"""Commands by `type`."""
