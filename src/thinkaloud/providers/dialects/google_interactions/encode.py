"""Encodes stateless Interactions requests: all steps are sent, nothing is stored.

Source: https://ai.google.dev/api/interactions-api
"""

from collections.abc import Iterator
from typing import assert_never

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.google_interactions.quirks import Quirks
from thinkaloud.providers.dialects.raw_json import arguments_object, array_of, items_of
from thinkaloud.providers.target import Family


def encode(request: ModelRequest, origin: Origin, family: Family, quirks: Quirks) -> HttpRequest:
    """Return the request for a streamed response.

    Raises `thinkaloud.errors.InvalidRequest` for a number of reasoning tokens, as the API only
    supports levels.
    """
    body: dict[str, object] = {
        "model": request.model,
        "input": array_of(_steps(request, origin, quirks)),
        "store": False,
        "stream": True,
    }
    if request.system:
        body["system_instruction"] = request.system
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            }
            for tool in request.tools
        ]
    generation = _generation(request, family, quirks)
    if generation:
        body["generation_config"] = generation
    headers = {} if quirks.api_revision is None else {"Api-Revision": quirks.api_revision}
    return HttpRequest(path=quirks.path, body=msgspec.json.encode(body), headers=headers)


def _generation(request: ModelRequest, family: Family, quirks: Quirks) -> dict[str, object]:
    generation = options.interactions_generation(request.options)
    if request.max_output_tokens is not None:
        generation["max_output_tokens"] = request.max_output_tokens
    if family.reasons == "never":
        return generation
    effort = request.effort
    if isinstance(effort, int):
        raise InvalidRequest(
            "This model accepts a reasoning effort level, not a number of tokens.",
            field="reasoning_effort",
        )
    generation["thinking_summaries"] = "none" if effort == "none" else "auto"
    if effort is not None:
        generation["thinking_level"] = quirks.levels.get(effort, effort)
    return generation


def _steps(request: ModelRequest, origin: Origin, quirks: Quirks) -> Iterator[bytes | msgspec.Raw]:
    for turn in request.turns:
        match turn:
            case UserTurn():
                yield msgspec.json.encode({"type": "user_input", "content": _user_content(turn)})
            case AssistantTurn():
                native = turn.native
                if native is not None and request.send_opaque and native.origin == origin:
                    yield from items_of(native.payload)
                else:
                    yield from _converted_turn(turn, quirks)
            case ToolTurn():
                yield from _results(turn)
            case _:
                assert_never(turn)


def _user_content(turn: UserTurn) -> list[dict[str, str]]:
    content = [
        {"type": "image", "mime_type": image.media_type, "data": image.base64}
        for image in turn.images
    ]
    if turn.text or not content:
        content.append({"type": "text", "text": turn.text})
    return content


def _converted_turn(turn: AssistantTurn, quirks: Quirks) -> Iterator[bytes]:
    signature = quirks.foreign_signature
    for part in turn.parts:
        match part:
            case ReasoningPart():
                continue
            case AnswerPart():
                if part.text:
                    content = [{"type": "text", "text": part.text}]
                    yield msgspec.json.encode({"type": "model_output", "content": content})
            case ToolCallPart():
                call: dict[str, object] = {
                    "type": "function_call",
                    "id": part.tool_call_id,
                    "name": part.name,
                    "arguments": arguments_object(part.arguments),
                }
                if signature is not None:
                    call["signature"] = signature
                    signature = None
                yield msgspec.json.encode(call)
            case _:
                assert_never(part)


def _results(turn: ToolTurn) -> Iterator[bytes]:
    for result in turn.results:
        step: dict[str, object] = {
            "type": "function_result",
            "call_id": result.tool_call_id,
            "name": result.name,
            "result": [{"type": "text", "text": result.content}],
        }
        if result.is_error:
            step["is_error"] = True
        yield msgspec.json.encode(step)
