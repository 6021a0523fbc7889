"""The content blocks and the usage of a message, complete or as a stream begins them."""

from collections.abc import Callable
from typing import Final, Literal, cast

import msgspec

from thinkaloud.core.approvals.shown import parsed_arguments
from thinkaloud.events.event import RunEnded
from thinkaloud.events.model import Usage
from thinkaloud.events.view import (
    AnswerBlock,
    NoticeBlock,
    QuestionBlock,
    ReasoningBlock,
    RunView,
    ToolBlock,
)

SERVER_NAME: Final = "thinkaloud"
"""The `server_name` of the tools that this server executes."""

Sign = Callable[[str, str], str]
"""Returns the signature of a model's reasoning: takes the model and the text."""
StopReason = Literal["end_turn", "max_tokens", "tool_use"]


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Answer text."""

    text: str


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """Reasoning, with our own signature."""

    thinking: str
    signature: str


class ToolUse(msgspec.Struct, frozen=True, tag="tool_use"):
    """A call of the client's tool."""

    id: str
    name: str
    input: object


class ServerToolUse(msgspec.Struct, frozen=True, tag="mcp_tool_use"):
    """A call of a tool that the server executes."""

    id: str
    name: str
    input: object
    server_name: str = SERVER_NAME


class ServerToolResult(msgspec.Struct, frozen=True, tag="mcp_tool_result"):
    """The result of a tool that the server has executed."""

    tool_use_id: str
    is_error: bool
    content: tuple[Text, ...]


Block = Text | Thinking | ToolUse | ServerToolUse | ServerToolResult


class OutputDetails(msgspec.Struct, frozen=True):
    """Parts of the output tokens."""

    thinking_tokens: int


class MessageUsage(msgspec.Struct, frozen=True):
    """Token counts of all model calls of the run. Thinking is part of the output."""

    input_tokens: int
    """Without those read from or written to a cache."""
    output_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens_details: OutputDetails


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A complete response, or the beginning of a streamed one."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    model: str
    content: tuple[Block, ...]
    stop_reason: StopReason | None
    stop_sequence: None = None
    usage: MessageUsage


def message_id(run_id: str) -> str:
    """Return the id of the response of a run."""
    return f"msg_{run_id.removeprefix('run_')}"


class Shown(msgspec.Struct, frozen=True):
    """What of a run its response shows, besides the answer and the calls of the client's tools."""

    sign: Sign | None
    """Signs the reasoning. None: the reasoning is left out."""
    server_tools: bool = True
    """Whether calls of the server's tools are shown."""


def complete_message(view: RunView, ended: RunEnded | None, shown: Shown) -> Message:
    """Return the response of a run that has ended."""
    found: list[Block] = []
    for block in view.blocks:
        match block:
            case AnswerBlock():
                found.append(Text(block.text))
            case ReasoningBlock():
                if shown.sign is not None:
                    found.append(Thinking(block.text, shown.sign(view.model, block.text)))
            case ToolBlock(status="requested"):
                found.append(tool_use(block.tool_call_id, block.name, block.arguments))
            case ToolBlock() if shown.server_tools:
                found.append(server_tool_use(block.tool_call_id, block.name, block.arguments))
                found.append(server_tool_result(block.tool_call_id, block.status, block.result))
            case ToolBlock() | NoticeBlock() | QuestionBlock():
                pass
    called = any(isinstance(block, ToolUse) for block in found)
    return Message(
        id=message_id(view.run_id),
        model=view.model,
        content=tuple(found),
        stop_reason=stop_reason(ended, called=called),
        usage=usage_of(view.usage),
    )


def tool_use(tool_call_id: str, name: str, arguments: str) -> ToolUse:
    """Return a call of the client's tool. Its input is always an object."""
    return ToolUse(tool_call_id, name, _input(arguments))


def server_tool_use(tool_call_id: str, name: str, arguments: str) -> ServerToolUse:
    """Return a call of the server's tool."""
    return ServerToolUse(tool_call_id, name, _input(arguments))


def server_tool_result(tool_call_id: str, status: str, result: str) -> ServerToolResult:
    """Return the result of a call of the server's tool."""
    return ServerToolResult(tool_call_id, status != "ok", (Text(result),))


def stop_reason(ended: RunEnded | None, *, called: bool) -> StopReason:
    """Return why a run ended. `called`: it returned calls of the client's tools."""
    if ended is not None and ended.outcome is not None:
        cut = ended.outcome.code in {"output_limit", "output_limit_in_reasoning"}
        return "max_tokens" if cut else "end_turn"
    if ended is not None and ended.status == "max_iterations":
        return "max_tokens"
    return "tool_use" if called else "end_turn"


def usage_of(usage: Usage | None) -> MessageUsage:
    """Return the token counts; zeros if the provider gave none, because clients require them."""
    if usage is None:
        return MessageUsage(0, 0, 0, 0, OutputDetails(0))
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    return MessageUsage(
        max(0, usage.input_tokens - read - written),
        usage.output_tokens,
        written,
        read,
        OutputDetails(usage.reasoning_tokens or 0),
    )


def _input(arguments: str) -> object:
    found = parsed_arguments(arguments)
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}
