"""Converts requests of Chat Completions to run requests."""

from collections.abc import Sequence
from typing import Final

import msgspec
from starlette.datastructures import Headers

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
from thinkaloud.server.protocols.openai_chat.requests import (
    CalledFunction,
    ChatCompletionRequest,
    ChatMessage,
    ChosenTool,
    Format,
    Function,
    Part,
)

INCLUDE_REASONING: Final = "X-Include-Reasoning"
"""Request header: like `include_reasoning` in the body, for clients that can only set headers."""
MAX_TOOLS: Final = 1_000
MAX_STOPS: Final = 16
_NO_PARAMETERS: Final[dict[str, object]] = {"type": "object", "properties": {}}
_YES: Final = frozenset({"true", "1", "yes"})
_INSTRUCTIONS: Final = frozenset({"system", "developer"})


async def read_messages(
    messages: Sequence[ChatMessage], history: HistoryBuilder, images: ImageReader
) -> None:
    """Add the messages of a request to a history. Raises `InvalidRequest`."""
    called: dict[str, str] = {}
    for message in messages:
        if message.role in _INSTRUCTIONS:
            history.system(_text(message))
        elif message.role == "assistant":
            calls = _calls(message)
            called = {call.name: call.tool_call_id for call in calls}
            history.assistant(_text(message), calls)
        elif message.role == "tool":
            pictures = await _images(message, images)
            history.result(message.tool_call_id or "", _text(message), pictures)
        elif message.role == "function":
            history.result(called.get(message.name or "", ""), _text(message))
        else:
            history.user(_text(message), await _images(message, images))


def client_tools(request: ChatCompletionRequest) -> tuple[ToolSchema, ...]:
    """Return the tools that the client executes. Raises `InvalidRequest`."""
    declared = [
        *(tool.function for tool in request.tools or () if tool.type == "function"),
        *(request.functions or ()),
    ]
    if len(declared) > MAX_TOOLS:
        raise InvalidRequest(f"tools has more than {MAX_TOOLS} tools.", field="tools")
    found = {tool.name: _schema(tool) for tool in declared if tool is not None and tool.name}
    return tuple(found.values())


def options_of(request: ChatCompletionRequest) -> ModelOptions:
    """Return the options of the model call. Raises `InvalidRequest`."""
    if request.n is not None and request.n != 1:
        raise InvalidRequest("n must be 1: this server returns one choice.", field="n")
    stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
    if len(stops) > MAX_STOPS:
        raise InvalidRequest(f"stop has more than {MAX_STOPS} texts.", field="stop")
    return ModelOptions(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(stop for stop in stops if stop),
        seed=request.seed,
        presence_penalty=request.presence_penalty,
        frequency_penalty=request.frequency_penalty,
        response_format=_format(request.response_format),
        tool_choice=_choice(request.tool_choice),
        parallel_tool_calls=request.parallel_tool_calls,
        max_output_tokens=_max_tokens(request),
    )


def effort_of(request: ChatCompletionRequest) -> str | int | None:
    """Return the requested effort, in whichever way it is requested."""
    reasoning, thinking = request.reasoning, request.thinking
    switches = (
        request.enable_thinking,
        request.chat_template_kwargs and request.chat_template_kwargs.enable_thinking,
        reasoning and reasoning.enabled,
        None if thinking is None else thinking.type != "disabled",
    )
    if any(switch is False for switch in switches):
        return "none"
    if request.reasoning_effort is not None:
        return request.reasoning_effort
    if reasoning is not None and (reasoning.effort or reasoning.max_tokens):
        return reasoning.effort or reasoning.max_tokens
    return None if thinking is None else thinking.budget_tokens


def asks_for_reasoning(request: ChatCompletionRequest) -> bool | None:
    """Whether the client asks for the reasoning; None if it doesn't say."""
    if request.include_reasoning is not None:
        return request.include_reasoning
    if request.reasoning is not None:
        return not request.reasoning.exclude and request.reasoning.enabled is not False
    if request.thinking is not None:
        return request.thinking.type != "disabled"
    return None


def wants_reasoning(asked: bool | None, headers: Headers, *, default: bool) -> bool:
    """Return whether to send reasoning: as the body says, else the header, else `default`."""
    header = headers.get(INCLUDE_REASONING)
    if asked is None and header is not None:
        return is_yes(header)
    return default if asked is None else asked


def is_yes(text: str) -> bool:
    """Return whether a header or a query parameter says yes."""
    return text.strip().lower() in _YES


def _calls(message: ChatMessage) -> list[ToolCallPart]:
    calls: list[ToolCallPart] = []
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is not None:
            calls.append(_call(call.id or f"call_{number}", call.function))
    if message.function_call is not None:
        calls.append(_call(f"call_{len(calls)}", message.function_call))
    return calls


def _call(tool_call_id: str, function: CalledFunction) -> ToolCallPart:
    given = function.arguments
    text = given if isinstance(given, str) else msgspec.json.encode(given or {}).decode()
    return ToolCallPart(tool_call_id, function.name, text)


def _text(message: ChatMessage) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    texts: list[str] = []
    for part in message.content:
        if isinstance(part, str):
            texts.append(part)
        else:
            texts.append(part.text or part.refusal or "")
    return "\n\n".join(text for text in texts if text)


async def _images(message: ChatMessage, images: ImageReader) -> list[Image]:
    if message.content is None or isinstance(message.content, str):
        return []
    urls = [_url(part) for part in message.content if isinstance(part, Part)]
    return [await images.read(url) for url in urls if url is not None]


def _url(part: Part) -> str | None:
    if part.image_url is None or isinstance(part.image_url, str):
        return part.image_url
    return part.image_url.url


def _schema(tool: Function) -> ToolSchema:
    return ToolSchema(tool.name, tool.description or "", tool.parameters or _NO_PARAMETERS)


def _format(asked: Format | None) -> ResponseFormat | None:
    if asked is None or asked.type not in {"json_object", "json_schema"}:
        return None
    given = asked.json_schema
    if given is None:
        return ResponseFormat()
    return ResponseFormat(given.schema, given.name, given.strict)


def _choice(asked: str | ChosenTool | None) -> ToolChoice | None:
    match asked:
        case "auto" | "none" | "required":
            return asked
        case ChosenTool(function=Function(name=name)):
            return NamedTool(name)
        case _:
            return None


def _max_tokens(request: ChatCompletionRequest) -> int | None:
    for field in ("max_completion_tokens", "max_tokens"):
        limit: int | None = getattr(request, field)
        if limit is not None and limit < 1:
            raise InvalidRequest(f"{field} must be at least 1.", field=field)
    return request.max_completion_tokens or request.max_tokens
