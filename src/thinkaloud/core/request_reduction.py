"""Remove the parts of a model request that its provider rejects. Pure.

Parts specific to an API format (`body.…`, `developer`, `effort`) are handled by
`thinkaloud.providers.trimming`.
"""

from typing import Final, assert_never

import msgspec

from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantPart,
    AssistantTurn,
    ModelRequest,
    ReasoningPart,
    RequestPart,
    ToolCallPart,
    ToolTurn,
    Turn,
    UserTurn,
)

SAFE_OUTPUT_TOKENS: Final = 4096
"""An output limit that every provider accepts."""
_NO_PICTURE: Final = "[An image was attached, but this model does not accept images.]"


def reduced(request: ModelRequest, parts: frozenset[RequestPart]) -> ModelRequest:
    """Return the request without these parts, keeping the text of the conversation.

    Earlier tool calls and their results become text, an image becomes a note, and the system
    prompt moves into the first user message.
    """
    if not parts:
        return request
    turns = request.turns
    if "tools" in parts:
        turns = tuple(_without_calls(turn) for turn in turns)
    if "images" in parts:
        turns = tuple(without_images(turn) for turn in turns)
    system = request.system
    if "system" in parts and system:
        turns, system = _with_system(turns, system)
    limit = request.max_output_tokens
    if "output_limit" in parts or "output_room" in parts:
        limit = min(limit or SAFE_OUTPUT_TOKENS, SAFE_OUTPUT_TOKENS)
    without_reasoning = "reasoning" in parts
    if without_reasoning:
        turns = tuple(_without_reasoning(turn) for turn in turns)
    return msgspec.structs.replace(
        request,
        turns=turns,
        system=system,
        tools=() if "tools" in parts else request.tools,
        effort=None if "effort" in parts else request.effort,
        max_output_tokens=limit,
        send_opaque=request.send_opaque and not without_reasoning and "opaque" not in parts,
        send_reasoning=request.send_reasoning and not without_reasoning,
        without=parts,
    )


def _without_calls(turn: Turn) -> Turn:
    match turn:
        case UserTurn():
            return turn
        case AssistantTurn():
            if not any(isinstance(part, ToolCallPart) for part in turn.parts):
                return turn
            return AssistantTurn(tuple(_as_text(part) for part in turn.parts))
        case ToolTurn():
            results = (f"[Result of {each.name}]\n{each.content}" for each in turn.results)
            return UserTurn("\n\n".join(results))
        case _:
            assert_never(turn)


def _as_text(part: AssistantPart) -> AssistantPart:
    if not isinstance(part, ToolCallPart):
        return part
    return AnswerPart(f"[Called {part.name} with {part.arguments or '{}'}]\n")


def without_images(turn: Turn) -> Turn:
    """Return a turn with a note instead of each image. The text of a tool result has one anyway."""
    if isinstance(turn, ToolTurn) and any(result.images for result in turn.results):
        results = (msgspec.structs.replace(result, images=()) for result in turn.results)
        return ToolTurn(tuple(results))
    if not isinstance(turn, UserTurn) or not turn.images:
        return turn
    notes = [_NO_PICTURE] * len(turn.images)
    return UserTurn("\n\n".join([*notes, turn.text] if turn.text else notes))


def _without_reasoning(turn: Turn) -> Turn:
    if not isinstance(turn, AssistantTurn):
        return turn
    parts = tuple(part for part in turn.parts if not isinstance(part, ReasoningPart))
    return AssistantTurn(parts)


def _with_system(turns: tuple[Turn, ...], system: str) -> tuple[tuple[Turn, ...], str | None]:
    for at, turn in enumerate(turns):
        if isinstance(turn, UserTurn):
            first = UserTurn(f"{system}\n\n{turn.text}" if turn.text else system, turn.images)
            return (*turns[:at], first, *turns[at + 1 :]), None
    return turns, system
