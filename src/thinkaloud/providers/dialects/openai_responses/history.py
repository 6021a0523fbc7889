"""Rebuilds an assistant turn as input items if its native payload cannot be sent back."""

from typing import assert_never

from thinkaloud.events.prompt import AnswerPart, AssistantTurn, ReasoningPart, ToolCallPart
from thinkaloud.providers.dialects.openai_responses.quirks import Quirks

_Item = dict[str, object]


def rendered(turn: AssistantTurn, quirks: Quirks, *, reasons: bool) -> list[_Item]:
    """Return the turn's answers and calls, without ids, so that nothing is looked up.

    If the host expects readable reasoning and `reasons` is set, reasoning precedes the item it led
    to; reasoning that nothing follows is left out.
    """
    items: list[_Item] = []
    pending: list[str] = []
    latest: _Item | None = None
    for part in turn.parts:
        match part:
            case ReasoningPart():
                pending.append(part.text)
                continue
            case AnswerPart():
                item: _Item = {"role": "assistant", "content": part.text}
                if not part.text:
                    continue
                needed = bool(pending)
            case ToolCallPart():
                item = _call(part)
                again = quirks.reasoning_before_each_call and bool(items) and _is_call(items[-1])
                needed = bool(pending) or latest is None or again
            case _:
                assert_never(part)
        if needed and reasons and quirks.readable_reasoning:
            if pending or latest is None:
                latest = _reasoning(pending or [""])
            items.append(latest)
        pending = []
        items.append(item)
    return items


def _call(part: ToolCallPart) -> _Item:
    return {
        "type": "function_call",
        "call_id": part.tool_call_id,
        "name": part.name,
        "arguments": part.arguments or "{}",
    }


def _is_call(item: _Item) -> bool:
    return item.get("type") == "function_call"


def _reasoning(texts: list[str]) -> _Item:
    content = [{"type": "reasoning_text", "text": text} for text in texts]
    return {"type": "reasoning", "summary": [], "content": content}
