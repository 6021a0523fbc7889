"""Converts the events of a run, and the runs of a conversation, to session updates. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec

from thinkaloud.cli.acp.messages import (
    MessageChunk,
    PromptResult,
    StopReason,
    TextContent,
    ThoughtChunk,
    TokenCounts,
    ToolCallStart,
    ToolCallUpdate,
    ToolContent,
    ToolKind,
    Update,
    UserMessageChunk,
)
from thinkaloud.events.event import (
    AnswerDelta,
    Event,
    ReasoningDelta,
    RunEnded,
    RunStatus,
    ToolEnded,
    ToolStarted,
)
from thinkaloud.events.model import Usage
from thinkaloud.events.view import AnswerBlock, ReasoningBlock, RunView, ToolBlock

_STOP_REASONS: Final[dict[RunStatus, StopReason]] = {
    "completed": "end_turn",
    "stopped": "cancelled",
    "max_iterations": "max_turn_requests",
}
_KINDS: Final[dict[str, ToolKind]] = {
    "search": "search",
    "fetch": "fetch",
    "read": "read",
    "list": "read",
    "exec": "execute",
    "run": "execute",
}
"""Kinds by what the name of a tool contains; the protocol shows icons for them."""


def update_for(event: Event) -> Update | None:
    """Return the update for an event; None if the protocol doesn't show it.

    Message ids are segment ids, so that a client can tell two segments in a row apart.
    """
    match event:
        case ReasoningDelta():
            return ThoughtChunk(content=TextContent(text=event.text), message_id=event.segment_id)
        case AnswerDelta():
            return MessageChunk(content=TextContent(text=event.text), message_id=event.segment_id)
        case ToolStarted():
            return _tool_start(event.tool_call_id, event.name, event.arguments)
        case ToolEnded():
            return ToolCallUpdate(
                tool_call_id=event.tool_call_id,
                status="completed" if event.status == "ok" else "failed",
                content=_shown(event.result),
            )
        case _:
            return None


def replay(run: RunView) -> Iterator[Update]:
    """Yield a run as updates: the user's message, reasoning, answers and tool calls, in order."""
    if run.input.text:
        yield UserMessageChunk(content=TextContent(text=run.input.text), message_id=run.run_id)
    for block in run.blocks:
        match block:
            case ReasoningBlock(text=text) if text:
                yield ThoughtChunk(content=TextContent(text=text), message_id=block.segment_id)
            case AnswerBlock(text=text) if text:
                yield MessageChunk(content=TextContent(text=text), message_id=block.segment_id)
            case ToolBlock():
                start = _tool_start(block.tool_call_id, block.name, block.arguments)
                status = "completed" if block.status == "ok" else "failed"
                if block.status == "running":
                    status = "in_progress"
                yield msgspec.structs.replace(start, status=status, content=_shown(block.result))
            case _:
                pass


def result_of(ended: RunEnded) -> PromptResult:
    """Return the response to a prompt whose run did not fail."""
    reason = _STOP_REASONS[ended.status]
    if ended.outcome is not None and ended.outcome.code != "empty_answer":
        reason = "max_tokens"
    return PromptResult(
        stop_reason=reason, usage=None if ended.usage is None else _counts(ended.usage)
    )


def _counts(usage: Usage) -> TokenCounts:
    return TokenCounts(
        total_tokens=usage.input_tokens + usage.output_tokens,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        thought_tokens=usage.reasoning_tokens,
        cached_read_tokens=usage.cache_read_tokens,
        cached_write_tokens=usage.cache_write_tokens,
    )


def _tool_start(tool_call_id: str, name: str, arguments: str) -> ToolCallStart:
    kinds: list[ToolKind] = [kind for word, kind in _KINDS.items() if word in name]
    return ToolCallStart(
        tool_call_id=tool_call_id,
        title=name,
        kind=kinds[0] if kinds else "other",
        status="in_progress",
        raw_input=_parsed(arguments),
    )


def _parsed(arguments: str) -> object:
    """Return the arguments that the model wrote as JSON, or else as text."""
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments


def _shown(result: str) -> tuple[ToolContent, ...]:
    return (ToolContent(content=TextContent(text=result)),) if result else ()
