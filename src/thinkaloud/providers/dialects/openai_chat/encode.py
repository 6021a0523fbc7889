"""Encodes model requests as Chat Completions bodies. Pure.

Source: OpenAI API reference, "Create chat completion". See `quirks` for differences of servers.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Final, assert_never

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import (
    AssistantTurn,
    Effort,
    ModelRequest,
    ToolCallPart,
    ToolSchema,
    ToolTurn,
    Turn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.openai_chat.message import rendered
from thinkaloud.providers.dialects.openai_chat.quirks import EffortWire, Quirks, ReasoningBack

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


def encode(request: ModelRequest, quirks: Quirks, origin: Origin) -> HttpRequest:
    """Return the request for a streamed response with usage.

    Raises `InvalidRequest` for an image or a token budget that the host does not support.
    """
    back = _reasoning_back(request, quirks.back)
    if back is not quirks.back:
        quirks = msgspec.structs.replace(quirks, back=back)
    body: dict[str, object] = {
        "model": request.model,
        "messages": _messages(request, quirks, origin),
        "stream": True,
    }
    if quirks.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.max_output_tokens is not None:
        body[quirks.max_tokens_field] = request.max_output_tokens
    _effort(body, request.effort, quirks.effort)
    body.update(options.chat_completions(request))
    headers = {"content-type": "application/json", "accept": "text/event-stream"}
    if request.conversation_id is not None:
        if quirks.conversation_field is not None:
            body[quirks.conversation_field] = request.conversation_id
        if quirks.conversation_header is not None:
            headers[quirks.conversation_header] = request.conversation_id
    _merge(body, quirks.extra)
    return HttpRequest(path=quirks.path, body=msgspec.json.encode(body), headers=headers)


def _reasoning_back(request: ModelRequest, back: ReasoningBack) -> ReasoningBack:
    """Return how to send reasoning back, given the parts that the provider has refused."""
    if not request.send_reasoning:
        return ReasoningBack(carrier="nothing")
    if "bare_calls" not in request.without:
        return back
    carrier = back.carrier if back.carrier == "reasoning" else "reasoning_content"
    # Some hosts that require reasoning treat an empty text as missing.
    return ReasoningBack(carrier=carrier, rendered="all", placeholder=" ")


def _messages(request: ModelRequest, quirks: Quirks, origin: Origin) -> list[object]:
    messages: list[object] = []
    if request.system is not None:
        messages.append({"role": quirks.system_role, "content": request.system})
    own = [request.send_opaque and _issued_by(turn, origin) for turn in request.turns]
    ids = _ids(request.turns, own, quirks.tool_call_id_pattern)
    after_tools = False
    for turn, as_it_came in zip(request.turns, own, strict=True):
        match turn:
            case UserTurn():
                messages.append({"role": "user", "content": _user_content(turn, quirks)})
            case AssistantTurn():
                after_tools = after_tools or _has_calls(turn)
                if as_it_came and turn.native is not None:
                    messages.append(turn.native.payload)
                else:
                    messages.append(rendered(turn, quirks, ids, after_tools=after_tools))
            case ToolTurn():
                messages.extend(
                    {
                        "role": "tool",
                        "tool_call_id": ids.get(result.tool_call_id, result.tool_call_id),
                        "content": result.content,
                    }
                    for result in turn.results
                )
            case _:
                assert_never(turn)
    return messages


def _issued_by(turn: Turn, origin: Origin) -> bool:
    return isinstance(turn, AssistantTurn) and (
        turn.native is not None and turn.native.origin == origin
    )


def _has_calls(turn: AssistantTurn) -> bool:
    return any(isinstance(part, ToolCallPart) for part in turn.parts)


def _ids(turns: tuple[Turn, ...], own: list[bool], pattern: str | None) -> dict[str, str]:
    """Map tool call ids that the host would reject. Turns sent back as received keep theirs."""
    if pattern is None:
        return {}
    return {
        part.tool_call_id: _short_id(part.tool_call_id)
        for turn, as_it_came in zip(turns, own, strict=True)
        if isinstance(turn, AssistantTurn) and not as_it_came
        for part in turn.parts
        if isinstance(part, ToolCallPart) and not re.fullmatch(pattern, part.tool_call_id)
    }


def _short_id(name: str) -> str:
    """Return nine letters and digits derived from a name."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    letters: list[str] = []
    for _ in range(9):
        number, place = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[place])
    return "".join(letters)


def _user_content(turn: UserTurn, quirks: Quirks) -> object:
    if not turn.images:
        return turn.text
    if not quirks.images:
        raise InvalidRequest("This model does not accept images.", field="image_path")
    content: list[object] = [{"type": "text", "text": turn.text}] if turn.text else []
    for image in turn.images:
        url = f"data:{image.media_type};base64,{image.base64}"
        content.append({"type": "image_url", "image_url": {"url": url}})
    return content


def _tool(tool: ToolSchema) -> dict[str, object]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _effort(body: dict[str, object], effort: Effort | None, wire: EffortWire) -> None:
    if effort == "none" and wire.off:
        _merge(body, wire.off)
        return
    if effort != "none":
        _merge(body, wire.shown)
    if effort is None:
        return
    if effort != "none":
        _merge(body, wire.on)
    value = effort if isinstance(effort, int) else wire.levels.get(effort, effort)
    if isinstance(value, str):
        if wire.level_field is not None:
            _set_path(body, wire.level_field, value)
    elif wire.budget_field is None:
        raise InvalidRequest(
            "This model accepts a reasoning effort level, not a number of tokens.",
            field="reasoning_effort",
        )
    else:
        _set_path(body, wire.budget_field, value)


def _set_path(body: dict[str, object], path: str, value: object) -> None:
    """Set the field at a dotted path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    _merge(body, msgspec.convert(value, dict[str, object]))


def _merge(body: dict[str, object], members: Mapping[str, object]) -> None:
    """Deep-merge fields into a body. Nested objects are copied, never modified in place."""
    for name, value in members.items():
        if not isinstance(value, dict):
            body[name] = value
            continue
        there = body.get(name)
        coalesced: dict[str, object] = (
            msgspec.convert(there, dict[str, object]) if isinstance(there, dict) else {}
        )
        _merge(coalesced, msgspec.convert(value, dict[str, object]))
        body[name] = coalesced
