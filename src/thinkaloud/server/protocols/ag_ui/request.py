"""The body of an AG-UI request, and which run its messages ask for. Pure.

The client sends all messages that it has; the stored conversation is what counts. Of the request,
only the last message is used, and the ids of the earlier ones to find what it replaces.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import RunFold
from thinkaloud.server.schema.message import Budget, EffortName
from thinkaloud.server.wires.ag_ui.encode import message_prefix

_FILES: Final = frozenset({"image", "document", "audio", "video", "binary"})


class PartSource(msgspec.Struct, frozen=True):
    """Where the bytes of a file are: `data` (base64) or `url`."""

    type: str
    value: str = ""


class PartMetadata(msgspec.Struct, frozen=True):
    """What clients say about a file."""

    filename: str | None = None


class ContentPart(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a user's message. `binary` is the form of files before 1.0."""

    type: str
    text: str = ""
    source: PartSource | None = None
    data: str | None = None
    url: str | None = None
    filename: str | None = None
    metadata: object = None

    @property
    def is_file(self) -> bool:
        """Whether it is a file of any type."""
        return self.type in _FILES

    @property
    def name(self) -> str:
        """The file's name; may be empty."""
        try:
            found = msgspec.convert(self.metadata or {}, PartMetadata).filename
        except msgspec.ValidationError:
            found = None
        return self.filename or found or ""


class AgUiMessage(msgspec.Struct, frozen=True):
    """A message of the client. Only those of the user are read."""

    role: str
    id: str = ""
    content: object = ""

    @property
    def parts(self) -> Sequence[ContentPart]:
        """Its content as parts. Raises `InvalidRequest`."""
        if isinstance(self.content, str):
            return [ContentPart("text", self.content)]
        try:
            return msgspec.convert(self.content, list[ContentPart])
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"messages: {error}.", field="messages") from None

    @property
    def text(self) -> str:
        """The text parts, as paragraphs."""
        return "\n\n".join([part.text for part in self.parts if part.type == "text"])


class ContextItem(msgspec.Struct, frozen=True):
    """Information about the application."""

    description: str
    value: object


class ForwardedProps(msgspec.Struct, frozen=True, rename="camel"):
    """The `forwardedProps` that this server reads; others are ignored."""

    model: str | None = None
    """`host/model`; by default the current model."""
    reasoning_effort: EffortName | Budget | None = None
    max_iterations: int | None = None
    send_reasoning: bool = True
    """Whether to send reasoning, if the server's policy allows it."""
    resumable: bool = False
    """Whether the run continues if the client disconnects. The same request then resumes it."""


class RunAgentInput(msgspec.Struct, frozen=True, rename="camel"):
    """The body of `POST /api/v1/ag-ui`. Unknown fields are ignored."""

    thread_id: str
    """The conversation."""
    run_id: str
    messages: tuple[AgUiMessage, ...]
    context: tuple[ContextItem, ...] = ()
    forwarded_props: object = None

    @property
    def options(self) -> ForwardedProps:
        """The options of this server. Raises `InvalidRequest`."""
        if not isinstance(self.forwarded_props, dict):
            return ForwardedProps()
        given = cast("dict[str, object]", self.forwarded_props)
        known = {name: given[name] for name in _OPTIONS if given.get(name) is not None}
        try:
            return msgspec.convert(known, ForwardedProps)
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"forwardedProps: {error}.", field="forwardedProps") from None

    @property
    def message(self) -> AgUiMessage:
        """The message to answer. Raises `InvalidRequest` if the last one is not the user's."""
        if not self.messages or self.messages[-1].role != "user":
            raise InvalidRequest("The last message must be from the user.", field="messages")
        return self.messages[-1]


_OPTIONS: Final = ForwardedProps.__struct_encode_fields__


def replaced_run(body: RunAgentInput, path: Mapping[str, RunFold]) -> str | None:
    """Return the run that the request replaces; None to add a message at the end.

    `path` are the runs of the conversation. A client that regenerates an answer or edits a message
    has removed the messages from there on, so the next run after the last answer that it still has
    is replaced. To replace the first run, the message has to be the same: clients that never send
    earlier messages would replace it with every message.
    """
    runs = list(path)
    places = {message_prefix(run_id): place for place, run_id in enumerate(runs)}
    earlier = body.messages[:-1]
    for message in reversed(earlier):
        if message.role != "user" and message.id.partition(":")[0] in places:
            place = places[message.id.partition(":")[0]] + 1
            return runs[place] if place < len(runs) else None
    first = next(iter(path.values()), None)
    alone = first is not None and all(message.role != "user" for message in earlier)
    if first is not None and alone and first.started.input.text == body.message.text:
        return first.run_id
    return None
