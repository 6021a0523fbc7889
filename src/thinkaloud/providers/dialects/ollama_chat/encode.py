"""Encodes chat requests for Ollama.

Source: https://docs.ollama.com/api/chat
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
from thinkaloud.providers.dialects.ollama_chat.quirks import Quirks
from thinkaloud.providers.dialects.raw_json import arguments_object, array_of
from thinkaloud.providers.target import Family

_LEVELS = {"minimal": "low", "low": "low", "medium": "medium"}


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
    if family.reasons != "never":
        think = _think(request.effort, quirks)
        if think is not None:
            body["think"] = think
    given = {**quirks.options, **options.ollama_options(request.options)}
    if request.max_output_tokens is not None:
        given["num_predict"] = request.max_output_tokens
    if given:
        body["options"] = given
    answer_format = options.ollama_format(request.options)
    if answer_format is not None:
        body["format"] = answer_format
    return HttpRequest(path=quirks.path, body=msgspec.json.encode(body))


def _think(effort: Effort | None, quirks: Quirks) -> bool | str | None:
    if effort is None:
        return True if quirks.think == "always_flag" else None
    if effort == "none":
        return False
    if quirks.think == "level" and isinstance(effort, str):
        return _LEVELS.get(effort, "high")
    return True


def _messages(request: ModelRequest, origin: Origin) -> Iterator[bytes | msgspec.Raw]:
    if request.system:
        yield msgspec.json.encode({"role": "system", "content": request.system})
    for turn in request.turns:
        match turn:
            case UserTurn():
                yield _user(turn)
            case AssistantTurn():
                native = turn.native
                if native is not None and request.send_opaque and native.origin == origin:
                    yield native.payload
                else:
                    yield _converted_turn(turn)
            case ToolTurn():
                for result in turn.results:
                    yield msgspec.json.encode(
                        {
                            "role": "tool",
                            "tool_name": result.name,
                            "tool_call_id": result.tool_call_id,
                            "content": result.content,
                        }
                    )
            case _:
                assert_never(turn)


def _user(turn: UserTurn) -> bytes:
    message: dict[str, object] = {"role": "user", "content": turn.text}
    if turn.images:
        message["images"] = [image.base64 for image in turn.images]
    return msgspec.json.encode(message)


def _converted_turn(turn: AssistantTurn) -> bytes:
    text: list[str] = []
    calls: list[dict[str, object]] = []
    for part in turn.parts:
        match part:
            case ReasoningPart():
                continue
            case AnswerPart():
                text.append(part.text)
            case ToolCallPart():
                function = {"name": part.name, "arguments": arguments_object(part.arguments)}
                calls.append({"id": part.tool_call_id, "function": function})
            case _:
                assert_never(part)
    message: dict[str, object] = {"role": "assistant", "content": "".join(text)}
    if calls:
        message["tool_calls"] = calls
    return msgspec.json.encode(message)
