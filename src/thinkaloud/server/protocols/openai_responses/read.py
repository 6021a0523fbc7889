"""Converts requests of the Responses API to run requests."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import (
    Image,
    ModelOptions,
    NamedTool,
    ResponseFormat,
    ToolCallPart,
    ToolChoice,
    ToolSchema,
)
from thinkaloud.server.protocols.history import HistoryBuilder
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.openai_responses.requests import (
    ChosenTool,
    InputItem,
    Part,
    ResponsesRequest,
)

MAX_TOOLS: Final = 1_000
_NO_PARAMETERS: Final[dict[str, object]] = {"type": "object", "properties": {}}
_INSTRUCTIONS: Final = frozenset({"system", "developer"})

Content = str | list[Part | str] | dict[str, object] | None
"""The content of a message, or the output of a tool."""
FindItem = Callable[[str], Awaitable[InputItem]]
"""Finds the output item that an `item_reference` names."""


class InputReader:
    """Adds the input items of a request to a history.

    A response has several items; adjacent ones are one message of the assistant.
    """

    def __init__(self, history: HistoryBuilder, images: ImageReader, find: FindItem) -> None:
        self._history = history
        self._images = images
        self._find = find
        self._texts: list[str] = []
        self._calls: list[ToolCallPart] = []
        self.developer: list[str] = []
        """The instructions among the items, which belong to the conversation."""

    async def read(self, given: str | Sequence[InputItem]) -> None:
        """Add the items. Raises `InvalidRequest`, and what finding a referenced item raises."""
        if isinstance(given, str):
            if given:
                self._history.user(given)
            return
        for item in given:
            found = item
            if item.type == "item_reference" or (item.type is None and item.role is None):
                found = await self._find(item.id or "")
            await self._add(found)
        self._flush()

    async def _add(self, item: InputItem) -> None:
        kind = item.type or "message"
        if kind == "function_call":
            self._calls.append(_call(item))
        elif kind == "function_call_output":
            self._flush()
            pictures = await self._pictures(item.output)
            self._history.result(item.call_id or "", _output(item), pictures)
        elif kind == "message" and item.role == "assistant":
            self._texts.append(_text(item.content))
        elif kind == "message":
            self._flush()
            if item.role in _INSTRUCTIONS:
                self.developer.append(_text(item.content))
            else:
                self._history.user(_text(item.content), await self._pictures(item.content))

    def _flush(self) -> None:
        """End the message of the assistant."""
        if self._texts or self._calls:
            self._history.assistant("".join(self._texts), self._calls)
            self._texts, self._calls = [], []

    async def _pictures(self, content: Content) -> list[Image]:
        if not isinstance(content, list):
            return []
        urls = [part.image_url for part in content if isinstance(part, Part)]
        return [await self._images.read(url) for url in urls if url is not None]


def client_tools(request: ResponsesRequest) -> tuple[ToolSchema, ...]:
    """Return the tools that the client executes. Raises `InvalidRequest`."""
    declared = [tool for tool in request.tools or () if tool.type == "function" and tool.name]
    if len(declared) > MAX_TOOLS:
        raise InvalidRequest(f"tools has more than {MAX_TOOLS} tools.", field="tools")
    found = {
        tool.name: ToolSchema(tool.name, tool.description or "", tool.parameters or _NO_PARAMETERS)
        for tool in declared
        if tool.name
    }
    return tuple(found.values())


def options_of(request: ResponsesRequest) -> ModelOptions:
    """Return the options of the model call. Raises `InvalidRequest`."""
    limit = request.max_output_tokens
    if limit is not None and limit < 1:
        raise InvalidRequest("max_output_tokens must be at least 1.", field="max_output_tokens")
    return ModelOptions(
        temperature=request.temperature,
        top_p=request.top_p,
        response_format=_format(request),
        tool_choice=_choice(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        max_output_tokens=limit,
    )


def asks_for_reasoning(request: ResponsesRequest) -> bool | None:
    """Whether the client asks for reasoning; None if it doesn't say."""
    if request.include_reasoning is not None:
        return request.include_reasoning
    options = request.reasoning
    if options is None or not (options.summary or options.generate_summary):
        return None
    return True


def _call(item: InputItem) -> ToolCallPart:
    given = item.arguments
    text = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
    return ToolCallPart(item.call_id or item.id or "", item.name or "", text)


def _text(content: str | list[Part | str] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = [part if isinstance(part, str) else part.text or part.refusal or "" for part in content]
    return "\n\n".join(text for text in texts if text)


def _output(item: InputItem) -> str:
    if isinstance(item.output, dict):
        return msgspec.json.encode(item.output).decode()
    return _text(item.output)


def _format(request: ResponsesRequest) -> ResponseFormat | None:
    asked = None if request.text is None else request.text.format
    if asked is None or asked.type not in {"json_object", "json_schema"}:
        return None
    return ResponseFormat(asked.schema, asked.name, asked.strict)


def _choice(asked: str | ChosenTool | None) -> ToolChoice | None:
    match asked:
        case "auto" | "none" | "required":
            return asked
        case ChosenTool(type="function", name=str(name)):
            return NamedTool(name)
        case _:
            return None
