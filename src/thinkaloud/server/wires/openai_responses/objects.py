"""Response objects and output items.

Source: OpenAI API reference, "Responses", and the types of the `openai` package.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from thinkaloud.events.event import RunError
from thinkaloud.events.fold import RunFold
from thinkaloud.events.model import Usage
from thinkaloud.events.view import AnswerBlock, BlockStatus, ReasoningBlock, RunView, ToolBlock

_UNSET: Final = msgspec.UNSET
SERVER_LABEL: Final = "thinkaloud"
"""The `server_label` of the calls that the server executed."""
_ITEM_STATUS: Final[Mapping[BlockStatus, "ItemStatus"]] = {
    "open": "in_progress",
    "closed": "completed",
    "interrupted": "incomplete",
}
_ERROR_CODES: Final[Mapping[str, str]] = {
    "provider_rate_limit": "rate_limit_exceeded",
    "rate_limited": "rate_limit_exceeded",
    "provider_bad_request": "invalid_prompt",
    "provider_refusal": "invalid_prompt",
}
"""The codes that clients know; every other one is `server_error`."""
_CUT: Final = frozenset({"output_limit", "output_limit_in_reasoning"})

ItemStatus = Literal["in_progress", "completed", "incomplete"]
ReasoningEvents = Literal["summary", "text"]
ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]


class SummaryPart(msgspec.Struct, frozen=True):
    """A part of a reasoning summary."""

    text: str
    type: Literal["summary_text"] = "summary_text"


class ReasoningPart(msgspec.Struct, frozen=True):
    """A part of raw reasoning."""

    text: str
    type: Literal["reasoning_text"] = "reasoning_text"


class ReasoningItem(msgspec.Struct, frozen=True, kw_only=True):
    """A reasoning segment, as summary or raw text. `encrypted_content` only if requested."""

    id: str
    type: Literal["reasoning"] = "reasoning"
    summary: tuple[SummaryPart, ...] = ()
    content: tuple[ReasoningPart, ...] | msgspec.UnsetType = _UNSET
    encrypted_content: str | msgspec.UnsetType = _UNSET
    status: ItemStatus


class TextPart(msgspec.Struct, frozen=True):
    """A part of the answer."""

    text: str
    type: Literal["output_text"] = "output_text"
    annotations: tuple[()] = ()
    logprobs: tuple[()] = ()


class MessageItem(msgspec.Struct, frozen=True, kw_only=True):
    """An answer segment."""

    id: str
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: ItemStatus
    content: tuple[TextPart, ...] = ()


class FunctionCallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the client's tool; `arguments` is JSON text."""

    id: str
    type: Literal["function_call"] = "function_call"
    call_id: str
    name: str
    arguments: str
    status: ItemStatus = "completed"


class ServerCallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A call that the server executed. `error` is the result of a call that failed."""

    id: str
    type: Literal["mcp_call"] = "mcp_call"
    server_label: str = SERVER_LABEL
    name: str
    arguments: str
    output: str | None = None
    error: str | None = None
    status: Literal["in_progress", "completed", "failed"]


Item = ReasoningItem | MessageItem | FunctionCallItem | ServerCallItem


class InputDetails(msgspec.Struct, frozen=True):
    """Parts of the input tokens."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(msgspec.Struct, frozen=True):
    """Parts of the output tokens."""

    reasoning_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    """Token counts of all model calls of the run. Reasoning is part of the output."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseError(msgspec.Struct, frozen=True):
    """Why a response failed. `code` is one of those that OpenAI's clients know."""

    code: str
    message: str


class IncompleteDetails(msgspec.Struct, frozen=True):
    """Why a response is incomplete."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class Reasoning(msgspec.Struct, frozen=True):
    """The reasoning options of the request."""

    effort: str | None = None
    summary: str | None = None


class Conversation(msgspec.Struct, frozen=True):
    """The stored conversation of a response."""

    id: str


class TextOptions(msgspec.Struct, frozen=True):
    """The options for the answer."""

    format: Mapping[str, object] = msgspec.field(default_factory=lambda: {"type": "text"})


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a request, which its response repeats."""

    background: bool = False
    conversation: Conversation | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    metadata: Mapping[str, object] = {}
    parallel_tool_calls: bool = True
    previous_response_id: str | None = None
    reasoning: Reasoning = Reasoning()
    store: bool = True
    temperature: float | None = None
    text: TextOptions = msgspec.field(default_factory=TextOptions)
    tool_choice: object = "auto"
    tools: Sequence[object] = ()
    top_p: float | None = None
    truncation: Literal["disabled"] = "disabled"


class ResponseObject(Echo, frozen=True, kw_only=True):
    """A response."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: ResponseStatus
    model: str
    output: tuple[Item, ...] = ()
    usage: ResponseUsage | None = None
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None = None


class Shown(msgspec.Struct, frozen=True):
    """What a reader gets of reasoning."""

    reasoning: ReasoningEvents | None
    """The form of the text; None: no text."""
    encrypted: bool = False
    """Whether reasoning items have `encrypted_content`."""

    @property
    def items(self) -> bool:
        """Whether there are reasoning items."""
        return self.reasoning is not None or self.encrypted


def response_id(run_id: str) -> str:
    """Return the id of the response of a run."""
    return f"resp_{run_id.removeprefix('run_')}"


def item_id(kind: str, run_id: str, name: str) -> str:
    """Return the id of an item: its kind, its run, and the segment or the number of its call."""
    return f"{kind}_{run_id.removeprefix('run_')}_{name.rpartition(':')[2]}"


def queued_response(run_id: str, model: str, at_ms: int, echo: Echo) -> ResponseObject:
    """Return the response of a run that has not started."""
    return ResponseObject(
        id=response_id(run_id),
        created_at=at_ms // 1000,
        status="queued",
        model=model,
        **_fields(echo),
    )


def response_of(run: RunFold, echo: Echo, shown: Shown) -> ResponseObject:
    """Return the response of a run in its current state."""
    view = run.view()
    status = _status(view)
    return ResponseObject(
        id=response_id(view.run_id),
        created_at=view.started_at_ms // 1000,
        status=status,
        model=view.model,
        output=items_of(view, shown),
        usage=_usage(view.usage),
        error=None if view.error is None else _error(view.error),
        incomplete_details=IncompleteDetails() if status == "incomplete" else None,
        **_fields(echo),
    )


def items_of(view: RunView, shown: Shown) -> tuple[Item, ...]:
    """Return the output items of a run, in order."""
    found: list[Item] = []
    calls = 0
    for block in view.blocks:
        match block:
            case ReasoningBlock():
                if shown.items:
                    found.append(_reasoning(view.run_id, block, shown))
            case AnswerBlock():
                name = item_id("msg", view.run_id, block.segment_id)
                status = _ITEM_STATUS[block.status]
                content = (TextPart(block.text),) if block.text else ()
                found.append(MessageItem(id=name, status=status, content=content))
            case ToolBlock():
                calls += 1
                found.append(_call(view.run_id, block, calls))
            case _:
                pass
    return tuple(found)


def reasoning_item(
    name: str, parts: Sequence[str], shown: Shown, status: ItemStatus
) -> ReasoningItem:
    """Return a reasoning item with the text of these parts, if any is shown."""
    summary = tuple(SummaryPart(text) for text in parts) if shown.reasoning == "summary" else ()
    content = tuple(ReasoningPart(text) for text in parts) if shown.reasoning == "text" else _UNSET
    return ReasoningItem(
        id=name,
        summary=summary,
        content=content,
        # Says nothing but which item it is: the reasoning itself stays in the server's memory.
        encrypted_content=f"thinkaloud.{name}" if shown.encrypted else _UNSET,
        status=status,
    )


def _reasoning(run_id: str, block: ReasoningBlock, shown: Shown) -> ReasoningItem:
    parts = [part for part in block.parts if part]
    name = item_id("rs", run_id, block.segment_id)
    return reasoning_item(name, parts, shown, _ITEM_STATUS[block.status])


def _call(run_id: str, block: ToolBlock, number: int) -> Item:
    if block.status == "requested":
        return function_call(run_id, number, block.tool_call_id, block.name, block.arguments)
    ended = None if block.status == "running" else (block.status == "ok", block.result)
    return server_call(run_id, number, block.name, block.arguments, ended)


def function_call(
    run_id: str, number: int, call_id: str, name: str, arguments: str
) -> FunctionCallItem:
    """Return the call number `number` of a run: one of the client's tools."""
    # Clients parse the arguments; some models write none for a tool without parameters.
    return FunctionCallItem(
        id=item_id("fc", run_id, str(number)),
        call_id=call_id,
        name=name,
        arguments=arguments or "{}",
    )


def server_call(
    run_id: str, number: int, name: str, arguments: str, ended: tuple[bool, str] | None
) -> ServerCallItem:
    """Return the call number `number` of a run: one of the server's tools.

    `ended`: whether it succeeded, and its result; None while it is running.
    """
    succeeded, result = ended or (False, None)
    return ServerCallItem(
        id=item_id("mcp", run_id, str(number)),
        name=name,
        arguments=arguments or "{}",
        output=result if succeeded else None,
        error=None if succeeded else result,
        status="in_progress" if ended is None else "completed" if succeeded else "failed",
    )


def _status(view: RunView) -> ResponseStatus:
    match view.status:
        case "running" | "waiting":
            return "in_progress"
        case "stopped":
            return "cancelled"
        case "max_iterations":
            return "incomplete"
        case "completed":
            cut = view.outcome is not None and view.outcome.code in _CUT
            return "incomplete" if cut else "completed"
        case "failed":
            return "failed"


def _error(error: RunError) -> ResponseError:
    return ResponseError(_ERROR_CODES.get(error.code, "server_error"), error.message)


def _usage(usage: Usage | None) -> ResponseUsage | None:
    if usage is None:
        return None
    return ResponseUsage(
        usage.input_tokens,
        InputDetails(usage.cache_read_tokens or 0, usage.cache_write_tokens or 0),
        usage.output_tokens,
        OutputDetails(usage.reasoning_tokens or 0),
        usage.input_tokens + usage.output_tokens,
    )


def _fields(echo: Echo) -> dict[str, Any]:
    return {name: getattr(echo, name) for name in Echo.__struct_fields__}
