"""The body of an AG-UI request, and which run its messages ask for. Pure.

The client sends all messages that it has; the stored conversation is what counts. Of the request,
only the last message is used, and the ids of the earlier ones to find what it replaces.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import ToolResult
from thinkaloud.events.view import ToolBlock
from thinkaloud.server.protocols.client_tools import DeclaredTool, tool_result
from thinkaloud.server.schema.message import Budget, EffortName
from thinkaloud.server.wires.ag_ui.encode import call_prefix, message_prefix
from thinkaloud.server.wires.tool_call_ids import requested_calls

_STATE: Final = "State of the application"
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


class AgUiMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A message of the client: what the user wrote, instructions, or the result of a tool."""

    role: str
    id: str = ""
    content: object = ""
    tool_call_id: str = ""
    error: str | None = None

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
    protocol_version: str | None = None
    """The version of the protocol, from clients of 1.0 and later."""
    tools: tuple[DeclaredTool, ...] = ()
    """Tools that the client executes."""
    context: tuple[ContextItem, ...] = ()
    state: object = None
    """The state that the application shares with the agent."""
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
    def prompt_context(self) -> dict[str, object]:
        """What the model gets to know about the application, by description."""
        shared = {_STATE: self.state} if self.state else {}
        return {**shared, **{item.description: item.value for item in self.context}}

    @property
    def message(self) -> AgUiMessage | None:
        """The message to answer: the last one, if it is from the user."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.role == "user" else None

    @property
    def instructions(self) -> str | None:
        """The client's instructions."""
        roles = {"system", "developer"}
        texts = [message.text for message in self.messages if message.role in roles]
        return "\n\n".join([text for text in texts if text]) or None


_OPTIONS: Final = ForwardedProps.__struct_encode_fields__


def replaced_run(body: RunAgentInput, path: Mapping[str, RunFold]) -> str | None:
    """Return the run that the request's message replaces; None to add it at the end.

    `path` are the runs of the conversation. A client that regenerates an answer or edits a message
    has removed the messages from there on, so the next message after the last answer that it still
    has is replaced. To replace the first run, the message has to be the same: clients that never
    send earlier messages would replace it with every message.
    """
    runs: list[str] = []
    places: dict[str, int] = {}
    for run_id, run in path.items():
        if not run.started.input.tool_results:
            runs.append(run_id)
        places[message_prefix(run_id)] = len(runs)
    earlier = body.messages[:-1]
    for each in reversed(earlier):
        place = places.get(each.id.partition(":")[0])
        if each.role != "user" and place is not None:
            return runs[place] if place < len(runs) else None
    first = next(iter(path.values()), None)
    message = body.message
    if first is None or message is None or any(each.role == "user" for each in earlier):
        return None
    return first.run_id if first.started.input.text == message.text else None


def tool_results(body: RunAgentInput, last: RunFold | None, max_chars: int) -> list[ToolResult]:
    """Return the results for the calls that the last run returned to the client.

    Raises `InvalidRequest` if the request has neither such a result nor a message of the user:
    nothing else that the client sends as results is believed.
    """
    calls: Mapping[str, ToolBlock] = (
        {} if last is None else requested_calls(last, call_prefix(last.run_id))
    )
    found: list[ToolResult] = []
    for message in body.messages:
        call = calls.get(message.tool_call_id) if message.role == "tool" else None
        if call is not None:
            failed = message.error is not None
            text = message.text or message.error or ""
            found.append(tool_result(call, text, is_error=failed, max_chars=max_chars))
    if not found and body.message is None:
        raise InvalidRequest(
            "The last message must be from the user, or the result of a tool call that waits for"
            " one.",
            field="messages",
        )
    return found
