"""A stored conversation as the messages of AG-UI, for a client that has none of it yet. Pure."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from thinkaloud.events.fold import RunFold
from thinkaloud.events.view import AnswerBlock, ReasoningBlock, ToolBlock
from thinkaloud.server.wires.ag_ui.encode import call_prefix, message_prefix
from thinkaloud.server.wires.ag_ui.events import PROTOCOL_VERSION, AgUiEvent, Finished, Started
from thinkaloud.server.wires.framing import on_one_line
from thinkaloud.server.wires.tool_call_ids import ToolCallIds


class Message(
    msgspec.Struct, frozen=True, tag_field="role", rename="camel", omit_defaults=True, kw_only=True
):
    """The base of all messages. Their ids are those of the events that streamed them."""

    id: str


class UserMessage(Message, frozen=True, tag="user", kw_only=True):
    """What the user wrote."""

    content: str


class ReasoningMessage(Message, frozen=True, tag="reasoning", kw_only=True):
    """A reasoning segment."""

    content: str


class Function(msgspec.Struct, frozen=True):
    """What was called; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCall(msgspec.Struct, frozen=True):
    """A call of a tool."""

    id: str
    function: Function
    type: Literal["function"] = "function"


class AssistantMessage(Message, frozen=True, tag="assistant", kw_only=True):
    """An answer segment, or a call."""

    content: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()


class ToolMessage(Message, frozen=True, tag="tool", kw_only=True):
    """The result of a call."""

    tool_call_id: str
    content: str


class MessagesSnapshot(AgUiEvent, frozen=True, tag="MESSAGES_SNAPSHOT"):
    """All messages of the conversation."""

    messages: tuple[Message, ...]


def snapshot(
    thread_id: str, client_run_id: str, runs: Iterable[RunFold], *, reasoning: bool
) -> bytes:
    """Return the events that give a client these runs. They start no run."""
    messages: list[Message] = []
    waiting: dict[str, str] = {}
    for run in runs:
        messages.extend(
            ToolMessage(
                id=f"{waiting[result.tool_call_id]}:result",
                tool_call_id=waiting[result.tool_call_id],
                content=result.content,
            )
            for result in run.started.input.tool_results
            if result.tool_call_id in waiting
        )
        waiting = {}
        if run.started.input.text:
            name = f"{message_prefix(run.run_id)}:user"
            messages.append(UserMessage(id=name, content=run.started.input.text))
        messages.extend(_answer(run, waiting, reasoning=reasoning))
    events: tuple[AgUiEvent, ...] = (
        Started(thread_id, client_run_id, protocol_version=PROTOCOL_VERSION),
        MessagesSnapshot(tuple(messages)),
        Finished(thread_id, client_run_id),
    )
    frames = [b"data: %b\n\n" % on_one_line(msgspec.json.encode(event)) for event in events]
    return b"".join(frames)


def _answer(run: RunFold, waiting: dict[str, str], *, reasoning: bool) -> Iterator[Message]:
    """Yield the messages of a run, and note the calls that wait for a result of the client."""
    ids = ToolCallIds(call_prefix(run.run_id))
    for block in run.view().blocks:
        if isinstance(block, AnswerBlock):
            yield AssistantMessage(id=block.segment_id, content=block.text)
        elif isinstance(block, ReasoningBlock) and reasoning:
            yield ReasoningMessage(id=block.segment_id, content=block.text)
        elif isinstance(block, ToolBlock):
            call = ids.started(block.tool_call_id)
            function = Function(block.name, block.arguments or "{}")
            yield AssistantMessage(id=call, tool_calls=(ToolCall(call, function),))
            if block.status == "requested":
                waiting[block.tool_call_id] = call
            elif block.status != "running":
                content = block.result or block.status
                yield ToolMessage(id=f"{call}:result", tool_call_id=call, content=content)
