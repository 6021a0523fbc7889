"""Converts requests of the Messages API to the parts of a run request."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

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
from thinkaloud.server.protocols.anthropic_messages.requests import (
    Block,
    Content,
    Contents,
    CountTokensRequest,
    Message,
    MessagesRequest,
    Source,
    Tool,
)
from thinkaloud.server.protocols.history import HistoryBuilder

MAX_BLOCKS: Final = 100_000
"""Maximum number of messages and content blocks in one request. Anthropic's limit for messages."""
MAX_TOOLS: Final = 1_000
MAX_STOPS: Final = 16
MAX_DEPTH: Final = 4
"""The depth of blocks in blocks: a document in a tool result has three."""
_NO_PARAMETERS: Final[dict[str, object]] = {"type": "object", "properties": {}}
_CHOICES: Final[dict[str, ToolChoice]] = {"auto": "auto", "any": "required", "none": "none"}
T = TypeVar("T")

ReadImage = Callable[[Source], Awaitable[Image]]
"""Returns the image of a source. Raises `InvalidRequest`."""
Verify = Callable[[str, str], bool]
"""Whether a reasoning text with this signature is the server's own."""


async def read_request_history(
    request: CountTokensRequest, history: HistoryBuilder, read_image: ReadImage, verify: Verify
) -> None:
    """Add the system prompt and the messages to a history. Raises `InvalidRequest`."""
    sizes = (1 if isinstance(each.content, str) else len(each.content) for each in request.messages)
    if len(request.messages) > MAX_BLOCKS or sum(sizes) > MAX_BLOCKS:
        raise InvalidRequest(
            f"The request has more than {MAX_BLOCKS:,} messages or content blocks.",
            field="messages",
        )
    if request.system is not None:
        history.system(_text(_blocks(request.system)))
    for message in request.messages:
        await _read_message(message, history, read_image, verify)


def client_tools(request: CountTokensRequest) -> tuple[ToolSchema, ...]:
    """Return the tools that the client executes. Raises `InvalidRequest`."""
    tools = request.tools or []
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"tools has more than {MAX_TOOLS} tools.", field="tools")
    found = {tool.name: _schema(tool) for tool in tools if tool.name and _is_custom(tool)}
    return tuple(found.values())


def options_of(request: MessagesRequest) -> ModelOptions:
    """Return the options of the model call. Raises `InvalidRequest`."""
    stops = request.stop_sequences or []
    if len(stops) > MAX_STOPS:
        raise InvalidRequest(
            f"stop_sequences has more than {MAX_STOPS} texts.", field="stop_sequences"
        )
    if request.max_tokens < 1:
        raise InvalidRequest("max_tokens must be at least 1.", field="max_tokens")
    choice = request.tool_choice
    serial = choice is not None and choice.disable_parallel_tool_use
    return ModelOptions(
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(stop for stop in stops if stop),
        response_format=_format(request),
        tool_choice=_choice(request),
        parallel_tool_calls=False if serial else None,
        max_output_tokens=request.max_tokens,
    )


def effort_of(request: MessagesRequest, *, cheap: bool) -> str | int | None:
    """Return the requested effort; None for the default.

    As in Anthropic's API, a request without `thinking` and without an effort is one for an answer
    without reasoning: its `max_tokens` leave no room for any. `cheap`: it is housekeeping.
    """
    thinking = request.thinking
    asked = None if request.output_config is None else request.output_config.effort
    if thinking is None:
        return asked if asked is not None and not cheap else "none"
    if thinking.type == "disabled":
        return "none"
    return asked if thinking.budget_tokens is None else thinking.budget_tokens


def wants_reasoning(request: MessagesRequest) -> bool:
    """Whether the client asks for the reasoning."""
    thinking = request.thinking
    return thinking is not None and thinking.type != "disabled" and thinking.display != "omitted"


async def _read_message(
    message: Message, history: HistoryBuilder, read_image: ReadImage, verify: Verify
) -> None:
    blocks = _blocks(message.content)
    if message.role == "assistant":
        _read_response(blocks, history, verify)
        return
    if message.role == "system":
        history.system(_text(blocks))
        return
    results = [block for block in blocks if block.type == "tool_result"]
    for block in results:
        content = _content(block.content)
        history.result(
            block.tool_use_id or "",
            _text(content),
            await _images(content, read_image),
            is_error=bool(block.is_error),
        )
    own_blocks = [block for block in blocks if block.type != "tool_result"]
    images = await _images(own_blocks, read_image)
    text = _text(own_blocks)
    if text or images or not results:
        history.user(text, images)


def _read_response(blocks: Sequence[Block], history: HistoryBuilder, verify: Verify) -> None:
    # Exactly as sent: the server's memory finds a response by its text.
    text = "".join(block.text or "" for block in blocks if block.type == "text")
    calls = [
        ToolCallPart(block.id or f"toolu_{number}", block.name or "", _arguments(block.input))
        for number, block in enumerate(blocks)
        if block.type == "tool_use"
    ]
    reasoning = [
        block.thinking
        for block in blocks
        if block.type == "thinking"
        and block.thinking
        and verify(block.thinking, block.signature or "")
    ]
    history.assistant(text, calls, reasoning)


def _arguments(given: object) -> str:
    return msgspec.json.encode({} if given is None else given).decode()


def _text(blocks: Sequence[Block], depth: int = 1) -> str:
    texts = [_text_of(block, depth) for block in blocks]
    return "\n\n".join(text for text in texts if text)


def _text_of(block: Block, depth: int) -> str:
    if block.type == "text":
        return block.text or ""
    if block.type == "search_result" and depth < MAX_DEPTH:
        found = (block.title or "", _text(_content(block.content), depth + 1))
        return "\n\n".join(text for text in found if text)
    if block.type == "document" and depth < MAX_DEPTH:
        return _document(block, depth)
    return ""


def _document(block: Block, depth: int) -> str:
    source = _convert(block.source, Source)
    if source.type == "text":
        text = source.data or ""
    elif source.type == "content":
        text = _text(_content(source.content), depth + 1)
    else:
        # Ignoring it would make the model answer without having seen it.
        raise InvalidRequest(
            "Only documents of type text and content are supported.", field="messages"
        )
    return "\n\n".join(each for each in (block.title, text) if each)


async def _images(blocks: Sequence[Block], read_image: ReadImage) -> list[Image]:
    sources = [_convert(block.source, Source) for block in blocks if block.type == "image"]
    return [await read_image(source) for source in sources]


def _content(given: object) -> list[Block]:
    return _blocks(_convert({"content": "" if given is None else given}, Contents).content)


def _blocks(content: Content) -> list[Block]:
    return [Block(text=content)] if isinstance(content, str) else content


def _convert(value: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"A content block is invalid: {error}.", field="messages") from None


def _is_custom(tool: Tool) -> bool:
    return tool.type in {None, "custom"}


def _schema(tool: Tool) -> ToolSchema:
    return ToolSchema(tool.name, tool.description or "", tool.input_schema or _NO_PARAMETERS)


def _format(request: MessagesRequest) -> ResponseFormat | None:
    config = request.output_config
    asked = request.output_format if config is None or config.format is None else config.format
    if asked is None or asked.type != "json_schema":
        return None
    return ResponseFormat(asked.schema)


def _choice(request: MessagesRequest) -> ToolChoice | None:
    asked = request.tool_choice
    if asked is None:
        return None
    if asked.type == "tool":
        return NamedTool(asked.name or "")
    return _CHOICES.get(asked.type)
