"""Encodes a `ModelRequest` as the body of `POST /responses`. Pure.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.model import Origin
from thinkaloud.events.prompt import (
    AssistantTurn,
    Effort,
    Image,
    ModelRequest,
    ToolResult,
    ToolTurn,
    UserTurn,
)
from thinkaloud.ports.model import HttpRequest
from thinkaloud.providers.dialects import options
from thinkaloud.providers.dialects.openai_responses.history import rendered
from thinkaloud.providers.dialects.openai_responses.quirks import Quirks
from thinkaloud.providers.target import Family

_items = msgspec.json.Decoder(list[msgspec.Raw])


class RequestEncoder:
    """Encodes requests to one model on one host."""

    def __init__(self, origin: Origin, family: Family, quirks: Quirks) -> None:
        self._origin = origin
        self._family = family
        self._quirks = quirks

    def encode(self, request: ModelRequest) -> HttpRequest:
        """Return the request for a streamed response.

        Raises `InvalidRequest` for images if the model does not accept them, and for a token
        budget if the host does not.
        """
        quirks = self._quirks
        system = request.system or quirks.default_instructions
        body: dict[str, object] = {"model": request.model, "input": self._input(request, system)}
        if system and quirks.system == "instructions":
            body["instructions"] = system
        body["stream"] = True
        if quirks.store is not None:
            body["store"] = quirks.store
        body.update(self._reasoning(request.effort))
        if request.tools:
            body["tools"] = self._tools(request)
        if request.max_output_tokens is not None and quirks.max_output_tokens_field:
            body[quirks.max_output_tokens_field] = request.max_output_tokens
        body.update(options.responses(request))
        headers: dict[str, str] = {}
        if request.conversation_id is not None:
            if quirks.conversation_field:
                body[quirks.conversation_field] = request.conversation_id
            if quirks.conversation_header:
                headers[quirks.conversation_header] = request.conversation_id
        body.update(quirks.extra)
        return HttpRequest(quirks.path, msgspec.json.encode(body), headers)

    def _reasoning(self, effort: Effort | None) -> dict[str, object]:
        if self._family.reasons == "never":
            return {}
        fields: dict[str, object] = {}
        if self._quirks.include:
            fields["include"] = self._quirks.include
        reasoning = self._quirks.effort_off if effort == "none" else self._reasoning_fields(effort)
        if reasoning:
            fields["reasoning"] = reasoning
        return fields

    def _reasoning_fields(self, effort: Effort | None) -> dict[str, object]:
        quirks = self._quirks
        wanted: dict[str, object] = {}
        if isinstance(effort, int):
            if quirks.budget_field is None:
                raise InvalidRequest(
                    "This model accepts a reasoning effort level, not a number of tokens.",
                    field="reasoning_effort",
                )
            wanted[quirks.budget_field] = effort
        elif effort is not None:
            wanted["effort"] = quirks.effort_names.get(effort, effort)
        if quirks.summary is not None:
            wanted["summary"] = quirks.summary
        return wanted

    def _tools(self, request: ModelRequest) -> list[dict[str, object]]:
        strict = self._quirks.strict_tools
        return [
            {
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
                **({} if strict is None else {"strict": strict}),
            }
            for tool in request.tools
        ]

    def _input(self, request: ModelRequest, system: str | None) -> list[object]:
        items: list[object] = []
        if system and self._quirks.system != "instructions":
            items.append({"role": self._quirks.system, "content": system})
        for turn in request.turns:
            match turn:
                case UserTurn():
                    items.append(self._user(turn))
                case AssistantTurn():
                    items.extend(self._assistant(turn, request))
                case ToolTurn():
                    items.extend(
                        {
                            "type": "function_call_output",
                            "call_id": result.tool_call_id,
                            "output": self._output(result),
                        }
                        for result in turn.results
                    )
                case _:
                    assert_never(turn)
        return items

    def _output(self, result: ToolResult) -> object:
        if not (result.images and self._quirks.images and self._family.images):
            return result.content
        return [
            {"type": "input_text", "text": result.content},
            *(_image(image) for image in result.images),
        ]

    def _user(self, turn: UserTurn) -> dict[str, object]:
        if not turn.images:
            return {"role": "user", "content": turn.text}
        if not (self._quirks.images and self._family.images):
            raise InvalidRequest("This model does not accept images.", field="image_path")
        content: list[object] = [_image(image) for image in turn.images]
        if turn.text:
            content.insert(0, {"type": "input_text", "text": turn.text})
        return {"role": "user", "content": content}

    def _assistant(self, turn: AssistantTurn, request: ModelRequest) -> Sequence[object]:
        native = turn.native
        if native is not None and request.send_opaque and native.origin == self._origin:
            return _items.decode(native.payload)
        quirks = self._quirks
        if "bare_calls" in request.without:
            quirks = msgspec.structs.replace(quirks, readable_reasoning=True)
        reasons = request.send_reasoning and request.effort != "none"
        return rendered(turn, quirks, reasons=reasons)


def _image(image: Image) -> dict[str, object]:
    address = f"data:{image.media_type};base64,{image.base64}"
    return {"type": "input_image", "image_url": address, "detail": "auto"}
