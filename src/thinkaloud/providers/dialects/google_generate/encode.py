"""Encodes generateContent requests.

Sources: https://ai.google.dev/api/generate-content, https://ai.google.dev/gemini-api/docs/thinking,
https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from typing import assert_never
from urllib.parse import quote

import msgspec

from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import (
    AnswerPart,
    AssistantTurn,
    Effort,
    ModelRequest,
    ReasoningPart,
    ToolCallPart,
    ToolSchema,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.google_generate.quirks import Quirks
from thinkaloud.providers.dialects.google_generate.schema import openapi
from thinkaloud.providers.dialects.raw_json import arguments_object, array_of
from thinkaloud.providers.target import Family


class _NativeCall(msgspec.Struct):
    id: str | None = None


class _NativePart(msgspec.Struct):
    call: _NativeCall | None = msgspec.field(default=None, name="functionCall")


_native_parts = msgspec.json.Decoder(list[_NativePart])


def encode(request: ModelRequest, origin: Origin, family: Family, quirks: Quirks) -> HttpRequest:
    """Return the request for a streamed response."""
    body: dict[str, object] = {"contents": _Contents(request, origin, quirks).all()}
    if request.system:
        body["systemInstruction"] = {"parts": [{"text": request.system}]}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool, quirks) for tool in request.tools]}]
    tool_config = options.google_tool_config(request.options) if request.tools else None
    if tool_config is not None:
        body["toolConfig"] = tool_config
    generation = options.google_generation(request.options)
    if request.max_output_tokens is not None:
        generation["maxOutputTokens"] = request.max_output_tokens
    if family.reasons != "never":
        generation["thinkingConfig"] = _thinking(request.effort, quirks)
    if generation:
        body["generationConfig"] = generation
    path = quirks.path.format(
        model=quote(request.model, safe=""), project=quirks.project, location=quirks.location
    )
    return HttpRequest(path=path, body=msgspec.json.encode(body))


def _thinking(effort: Effort | None, quirks: Quirks) -> dict[str, object]:
    if effort is None:
        return {"includeThoughts": True}
    if effort == "none":
        return {"includeThoughts": False, "thinkingBudget": 0}
    if isinstance(effort, int):
        return {"includeThoughts": True, "thinkingBudget": effort}
    if quirks.thinking == "budget":
        return {"includeThoughts": True, "thinkingBudget": quirks.budgets.get(effort, -1)}
    return {"includeThoughts": True, "thinkingLevel": quirks.levels.get(effort, effort)}


def _tool(tool: ToolSchema, quirks: Quirks) -> dict[str, object]:
    declared: dict[str, object] = {"name": tool.name, "description": tool.description}
    if quirks.tool_schema == "json_schema":
        declared["parametersJsonSchema"] = tool.parameters
    elif tool.parameters.get("properties"):
        # An object without properties is rejected there; a missing field means no parameters.
        declared["parameters"] = openapi(tool.parameters)
    return declared


class _Contents:
    """Converts turns to contents. Remembers which calls have an id in this API."""

    def __init__(self, request: ModelRequest, origin: Origin, quirks: Quirks) -> None:
        self._request = request
        self._origin = origin
        self._quirks = quirks
        self._ids: set[str] = set()

    def all(self) -> list[dict[str, object]]:
        contents: list[dict[str, object]] = []
        for turn in self._request.turns:
            match turn:
                case UserTurn():
                    contents.append({"role": "user", "parts": _user_parts(turn)})
                case AssistantTurn():
                    parts = self._model_parts(turn)
                    # Google rejects a content without parts.
                    if parts != msgspec.Raw(b"[]"):
                        contents.append({"role": "model", "parts": parts})
                case ToolTurn():
                    contents.append({"role": "user", "parts": self._results(turn)})
                case _:
                    assert_never(turn)
        return contents

    def _model_parts(self, turn: AssistantTurn) -> msgspec.Raw:
        native = turn.native
        if native is not None and self._request.send_opaque and native.origin == self._origin:
            calls = [part.call for part in _native_parts.decode(native.payload)]
            self._ids = {call.id for call in calls if call is not None and call.id}
            return native.payload
        parts: list[bytes] = []
        signature = self._quirks.foreign_signature
        self._ids = set()
        for part in turn.parts:
            match part:
                case ReasoningPart():
                    continue
                case AnswerPart():
                    if part.text:
                        parts.append(msgspec.json.encode({"text": part.text}))
                case ToolCallPart():
                    parts.append(msgspec.json.encode(self._call(part, signature)))
                    signature = None
                case _:
                    assert_never(part)
        return array_of(parts)

    def _call(self, part: ToolCallPart, signature: str | None) -> dict[str, object]:
        call: dict[str, object] = {"name": part.name, "args": arguments_object(part.arguments)}
        if self._quirks.call_ids:
            call["id"] = part.tool_call_id
            self._ids.add(part.tool_call_id)
        encoded: dict[str, object] = {"functionCall": call}
        if signature:
            encoded["thoughtSignature"] = signature
        return encoded

    def _results(self, turn: ToolTurn) -> list[dict[str, object]]:
        parts: list[dict[str, object]] = []
        for result in turn.results:
            key = "error" if result.is_error else "output"
            response: dict[str, object] = {"name": result.name, "response": {key: result.content}}
            if result.tool_call_id in self._ids:
                response["id"] = result.tool_call_id
            parts.append({"functionResponse": response})
        return parts


def _user_parts(turn: UserTurn) -> list[dict[str, object]]:
    parts: list[dict[str, object]] = [
        {"inlineData": {"mimeType": image.media_type, "data": image.base64}}
        for image in turn.images
    ]
    if turn.text or not parts:
        parts.append({"text": turn.text})
    return parts
