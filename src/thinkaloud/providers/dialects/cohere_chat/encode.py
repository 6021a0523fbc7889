"""Encodes v2 chat requests.

Sources: https://docs.cohere.com/reference/chat-stream, https://docs.cohere.com/docs/reasoning
"""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Effort,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.cohere_chat.quirks import Quirks
from thinkaloud.providers.dialects.raw_json import array_of
from thinkaloud.providers.target import Family

_EMPTY = msgspec.Raw(b'{"role":"assistant"}')


def encode(request: ModelRequest, origin: Origin, family: Family, quirks: Quirks) -> HttpRequest:
    """Return the request for a streamed response."""
    body: dict[str, object] = {
        "model": request.model,
        "messages": array_of(_messages(request, origin)),
        "stream": True,
    }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in request.tools
        ]
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    body.update(options.cohere(request))
    if request.effort is not None and family.reasons != "never":
        body["thinking"] = _thinking(request.effort, quirks)
    return HttpRequest(path=quirks.path, body=msgspec.json.encode(body))


def _thinking(effort: Effort, quirks: Quirks) -> dict[str, object]:
    if effort == "none":
        return {"type": "disabled"}
    budget = effort if isinstance(effort, int) else quirks.budgets.get(effort)
    if budget is None:
        return {"type": "enabled"}
    return {"type": "enabled", "token_budget": budget}


def _messages(request: ModelRequest, origin: Origin) -> Iterator[bytes | msgspec.Raw]:
    if request.system:
        yield msgspec.json.encode({"role": "system", "content": request.system})
    for turn in request.turns:
        match turn:
            case UserTurn():
                yield msgspec.json.encode({"role": "user", "content": _user_content(turn)})
            case AssistantTurn():
                native = turn.native
                if native is not None and request.send_opaque and native.origin == origin:
                    message = native.payload
                else:
                    message = _converted_turn(turn)
                # Cohere rejects a message without content and calls.
                if message != _EMPTY:
                    yield message
            case ToolTurn():
                for result in turn.results:
                    yield msgspec.json.encode(
                        {
                            "role": "tool",
                            "tool_call_id": result.tool_call_id,
                            "content": result.content,
                        }
                    )
            case _:
                assert_never(turn)


def _user_content(turn: UserTurn) -> str | list[dict[str, object]]:
    if not turn.images:
        return turn.text
    content: list[dict[str, object]] = [
        {
            "type": "image_url",
            "image_url": {"url": f"data:{image.media_type};base64,{image.base64}"},
        }
        for image in turn.images
    ]
    if turn.text:
        content.append({"type": "text", "text": turn.text})
    return content


def _converted_turn(turn: AssistantTurn) -> msgspec.Raw:
    text: list[str] = []
    calls: list[dict[str, object]] = []
    for part in turn.parts:
        match part:
            case ReasoningPart():
                continue
            case AnswerPart():
                text.append(part.text)
            case ToolCallPart():
                function = {"name": part.name, "arguments": part.arguments or "{}"}
                calls.append({"id": part.tool_call_id, "type": "function", "function": function})
            case _:
                assert_never(part)
    message: dict[str, object] = {"role": "assistant"}
    whole = "".join(text)
    if whole:
        message["content"] = whole
    if calls:
        message["tool_calls"] = calls
    return msgspec.Raw(msgspec.json.encode(message))
