"""Converts requests of Ollama's clients to run requests."""

from collections.abc import Sequence
from typing import Final

import msgspec

from thinkaloud.errors import InvalidRequest
from thinkaloud.events.prompt import Image, ModelOptions, ResponseFormat, ToolCallPart, ToolSchema
from thinkaloud.server.protocols.client_tools import DeclaredTool, by_name, tool_schemas
from thinkaloud.server.protocols.history import HistoryBuilder
from thinkaloud.server.protocols.images import ImageReader
from thinkaloud.server.protocols.ollama.requests import (
    Call,
    ChatMessage,
    Generation,
    Tool,
)

MAX_STOPS: Final = 16


def read_messages(
    messages: Sequence[ChatMessage], history: HistoryBuilder, images: ImageReader
) -> None:
    """Add the messages of a request to a history. Raises `InvalidRequest`."""
    waiting: list[ToolCallPart] = []
    count = 0
    for message in messages:
        text = message.content or ""
        match message.role:
            case "system" | "developer":
                history.system(text)
            case "assistant":
                calls = [
                    _call(call, number)
                    for number, call in enumerate(message.tool_calls or [], count)
                ]
                count += len(calls)
                history.assistant(text, calls)
                waiting = [call for call in history.calls if call.name in {c.name for c in calls}]
            case "tool":
                pictures = read_images(message.images, images)
                history.result(_answered(message, waiting), text, pictures)
            case _:
                history.user(text, read_images(message.images, images))


def read_images(given: Sequence[str] | None, images: ImageReader) -> list[Image]:
    """Return the images of a message. Raises `InvalidRequest`."""
    return [images.decode(image) for image in given or ()]


def client_tools(tools: Sequence[Tool] | None) -> tuple[ToolSchema, ...]:
    """Return the tools that the client executes. Raises `InvalidRequest`."""
    declared = [
        DeclaredTool(tool.function.name, tool.function.description, tool.function.parameters)
        for tool in tools or ()
        if tool.function is not None
    ]
    return tool_schemas(by_name(tuple(declared)))


def options_of(request: Generation) -> ModelOptions:
    """Return the options of the model call. Raises `InvalidRequest`."""
    given = request.options
    response_format = _format(request.format)
    if given is None:
        return ModelOptions(response_format=response_format)
    stops = [given.stop] if isinstance(given.stop, str) else given.stop or []
    if len(stops) > MAX_STOPS:
        raise InvalidRequest(f"stop has more than {MAX_STOPS} texts.", field="options.stop")
    limit = given.num_predict
    return ModelOptions(
        temperature=given.temperature,
        top_p=given.top_p,
        top_k=given.top_k,
        stop=tuple(stop for stop in stops if stop),
        seed=given.seed,
        presence_penalty=given.presence_penalty,
        frequency_penalty=given.frequency_penalty,
        response_format=response_format,
        max_output_tokens=limit if limit is not None and limit > 0 else None,
    )


def _call(call: Call, number: int) -> ToolCallPart:
    given = call.function.arguments
    text = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
    return ToolCallPart(call.id or f"call_{number}", call.function.name, text)


def _answered(message: ChatMessage, waiting: list[ToolCallPart]) -> str:
    """Return the id of the call that a result is for, and remove it from the waiting ones."""
    for call in waiting:
        if message.tool_call_id is not None:
            found = call.tool_call_id == message.tool_call_id
        else:
            found = message.tool_name in {None, "", call.name}
        if found:
            waiting.remove(call)
            return call.tool_call_id
    return message.tool_call_id or message.tool_name or ""


def _format(asked: str | dict[str, object] | None) -> ResponseFormat | None:
    if isinstance(asked, dict):
        return ResponseFormat(asked, "response", None)
    return ResponseFormat() if asked == "json" else None
