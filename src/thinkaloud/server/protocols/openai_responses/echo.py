"""What a response repeats of its request. Pure."""

from collections.abc import Sequence

import msgspec

from thinkaloud.events.prompt import Effort
from thinkaloud.server.protocols.openai_responses.requests import InputItem, ResponsesRequest
from thinkaloud.server.wires.openai_responses.objects import (
    Conversation,
    Echo,
    Reasoning,
    TextOptions,
)

_FUNCTION = {"type": "function", "strict": False}


def echo_of(asked: ResponsesRequest, effort: Effort | None, conversation_id: str | None) -> Echo:
    """Return the options of a request, with the effort that applies."""
    options = asked.reasoning
    summary = None if options is None else options.summary or options.generate_summary
    format_ = None if asked.text is None else asked.text.format
    given = {"type": "text"} if format_ is None else _present(format_)
    return Echo(
        background=bool(asked.background),
        conversation=None if conversation_id is None else Conversation(conversation_id),
        instructions=asked.instructions,
        max_output_tokens=asked.max_output_tokens,
        metadata=asked.metadata or {},
        parallel_tool_calls=asked.parallel_tool_calls is not False,
        previous_response_id=asked.previous_response_id,
        reasoning=Reasoning(None if effort is None else str(effort), summary),
        store=asked.store is not False,
        temperature=asked.temperature,
        text=TextOptions(given),
        tool_choice=asked.tool_choice or "auto",
        tools=tuple(
            {**_FUNCTION, **_present(tool), "parameters": tool.parameters}
            for tool in asked.tools or ()
            if tool.type == "function" and tool.name
        ),
        top_p=asked.top_p,
    )


def input_items(
    response_id: str, given: str | Sequence[InputItem]
) -> tuple[dict[str, object], ...]:
    """Return the input items of a request as the API lists them, oldest first."""
    items = [InputItem(role="user", content=given)] if isinstance(given, str) else given
    prefix = response_id or "item"
    return tuple(_listed(item, f"{prefix}_{place}") for place, item in enumerate(items, 1))


def _listed(item: InputItem, name: str) -> dict[str, object]:
    found = _present(item)
    found.setdefault("id", name)
    found.setdefault("type", "message")
    if found["type"] == "message" and isinstance(item.content, str):
        kind = "output_text" if item.role == "assistant" else "input_text"
        found["content"] = [{"type": kind, "text": item.content}]
    if found["type"] == "message":
        found["status"] = "completed"
    return found


def _present(value: msgspec.Struct) -> dict[str, object]:
    """Return the members of a value that are not null."""
    members: dict[str, object] = msgspec.to_builtins(value)
    return {name: each for name, each in members.items() if each is not None}
