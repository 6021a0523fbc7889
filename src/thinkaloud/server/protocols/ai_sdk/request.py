"""The body of the AI SDK's chat request, and which run its messages ask for. Pure.

The client sends all messages that it has; the stored conversation is what counts. Of the request,
only the last message is used, and the ids of the earlier ones to find what it replaces.
"""

from collections.abc import Mapping, Sequence

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.fold import RunFold
from thinkaloud.events.prompt import ToolResult
from thinkaloud.events.view import ToolBlock
from thinkaloud.server.protocols.client_tools import DeclaredTool, by_name, tool_result
from thinkaloud.server.schema.message import Budget, EffortName
from thinkaloud.server.wires.tool_call_ids import requested_calls


class UIPart(msgspec.Struct, frozen=True, rename="camel"):
    """A part of a message: text, a file, or a tool call (`tool-NAME`). Others are ignored."""

    type: str
    text: str = ""
    url: str = ""
    filename: str | None = None
    tool_call_id: str = ""
    state: str = ""
    output: object = None
    error_text: str | None = None


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
    tools: dict[str, DeclaredTool] | tuple[DeclaredTool, ...] = ()
    """Tools that the client executes: a list, or by name."""
    system: str = ""
    """Instructions, which follow the system prompt; also the text of system messages."""
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
    def continued_message(self) -> UIMessage | None:
        """The answer with the results of the client's tools, if the request brings some."""
        last = self.messages[-1] if self.messages else None
        return last if last is not None and last.role == "assistant" else None

    @property
    def instructions(self) -> str | None:
        """The client's instructions."""
        texts = [message.text for message in self.messages if message.role == "system"]
        return "\n\n".join([text for text in (self.system, *texts) if text]) or None

    @property
    def declared_tools(self) -> Mapping[str, DeclaredTool]:
        """The client's tools by name. Raises `InvalidRequest`."""
        return self.tools if isinstance(self.tools, dict) else by_name(self.tools)

    @property
    def edits(self) -> bool:
        """Whether the last message replaces an earlier version of itself."""
        return self.message_id is not None and self.message_id == self.message.id


class ReconnectQuery(msgspec.Struct, frozen=True, rename="camel"):
    """How to resume a stream."""

    send_reasoning: bool = True


def replaced_run(body: ChatBody, path: Mapping[str, RunFold]) -> str | None:
    """Return the run that the request replaces; None to add a message at the end.

    `path` are the runs of the conversation. A run is the message of a user and its answer, whose
    message has the run's id; runs that continue it with the results of tools belong to it.
    """
    runs = [run_id for run_id, run in path.items() if not run.started.input.tool_results]
    if body.regenerates and body.message_id in runs:
        return body.message_id
    if not body.regenerates and not body.edits:
        return None
    place = _place(body.messages, runs)
    if place < len(runs):
        return runs[place]
    return runs[-1] if body.regenerates and runs else None


def _place(messages: Sequence[UIMessage], runs: Sequence[str]) -> int:
    """Return the place of the last message: after the last answer that the client has."""
    earlier = messages[:-1]
    places = {run_id: place for place, run_id in enumerate(runs)}
    for message in reversed(earlier):
        if message.role == "assistant" and message.id in places:
            return places[message.id] + 1
    return sum(message.role == "user" for message in earlier)


def tool_results(message: UIMessage, last: RunFold | None, max_chars: int) -> list[ToolResult]:
    """Return the results for the calls that the last run returned to the client.

    Raises `InvalidRequest` if there is none: nothing else in an answer of the client is believed.
    """
    calls: Mapping[str, ToolBlock] = {} if last is None else requested_calls(last)
    found: list[ToolResult] = []
    for part in message.parts:
        call = calls.get(part.tool_call_id)
        if call is None or not part.type.startswith(("tool-", "dynamic-tool")):
            continue
        if part.state == "output-available":
            found.append(tool_result(call, part.output, is_error=False, max_chars=max_chars))
        elif part.state == "output-error":
            text = part.error_text or "The tool failed."
            found.append(tool_result(call, text, is_error=True, max_chars=max_chars))
    if not found:
        raise InvalidRequest(
            "The last message must be from the user, or have a result of a tool call that waits for"
            " one.",
            field="messages",
        )
    return found
