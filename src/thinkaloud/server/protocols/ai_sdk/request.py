"""The body of the AI SDK's chat request, and which run its messages ask for. Pure.

The client sends all messages that it has; the stored conversation is what counts. Of the request,
only the last message is used, and the ids of the earlier ones to find what it replaces.
"""

from collections.abc import Sequence

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.server.schema.message import Budget, EffortName


class UIPart(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a message. Other types than `text` and `file` are ignored in a user's message."""

    type: str
    text: str = ""
    url: str = ""
    filename: str | None = None


class UIMessage(msgspec.Struct, frozen=True):
    """A message of the client."""

    role: str
    id: str = ""
    parts: tuple[UIPart, ...] = ()

    @property
    def text(self) -> str:
        """The text parts, as paragraphs."""
        return "\n\n".join([part.text for part in self.parts if part.type == "text"])

    @property
    def files(self) -> Sequence[UIPart]:
        """The file parts."""
        return [part for part in self.parts if part.type == "file"]


class ChatBody(msgspec.Struct, frozen=True, rename="camel"):
    """The body of `POST /api/v1/ai-sdk/chat`. Unknown fields are ignored."""

    messages: tuple[UIMessage, ...]
    id: str | None = None
    """The conversation. Without it, nothing is stored."""
    trigger: str = "submit-message"
    """`regenerate-message`: answer the last message of the user again."""
    message_id: str | None = None
    """The message to regenerate, or the message of the user that was edited."""
    model: str | None = None
    """`host/model`; by default the current model."""
    reasoning_effort: EffortName | Budget | None = None
    max_iterations: int | None = None
    send_reasoning: bool = True
    """Whether to send reasoning, if the server's policy allows it."""
    resumable: bool = False
    """Whether the run continues if the client disconnects: it is then stopped by `/stop` only."""

    @property
    def regenerates(self) -> bool:
        """Whether it asks for another answer to the same message."""
        return self.trigger == "regenerate-message"

    @property
    def message(self) -> UIMessage:
        """The message to answer. Raises `InvalidRequest` if the last one is not the user's."""
        if not self.messages or self.messages[-1].role != "user":
            raise InvalidRequest(
                "The last message must be from the user.", field=f"messages[{len(self.messages)}]"
            )
        return self.messages[-1]

    @property
    def edits(self) -> bool:
        """Whether the last message replaces an earlier version of itself."""
        return self.message_id is not None and self.message_id == self.message.id


class ReconnectQuery(msgspec.Struct, frozen=True, rename="camel"):
    """How to resume a stream."""

    send_reasoning: bool = True


def replaced_run(body: ChatBody, path: Sequence[str]) -> str | None:
    """Return the run that the request replaces; None to add a message at the end.

    `path` are the runs of the conversation. A run is the message of a user and its answer, whose
    message has the run's id.
    """
    if body.regenerates and body.message_id in path:
        return body.message_id
    if not body.regenerates and not body.edits:
        return None
    place = _place(body.messages, path)
    if place < len(path):
        return path[place]
    return path[-1] if body.regenerates and path else None


def _place(messages: Sequence[UIMessage], path: Sequence[str]) -> int:
    """Return the place of the last message: after the last answer that the client has."""
    earlier = messages[:-1]
    places = {run_id: place for place, run_id in enumerate(path)}
    for message in reversed(earlier):
        if message.role == "assistant" and message.id in places:
            return places[message.id] + 1
    return sum(message.role == "user" for message in earlier)
