"""Requests of Chat Completions. Fields that aren't listed are ignored."""

import msgspec

from thinkaloud.ports.principal import ReasoningField

Json = dict[str, object]


class ImageUrl(msgspec.Struct, frozen=True):
    """Where an image is: a data URL, or a public one."""

    url: str


class Part(msgspec.Struct, frozen=True):
    """A part of a message. Parts of unknown types are ignored."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None


class CalledFunction(msgspec.Struct, frozen=True):
    """The function of a tool call."""

    name: str
    arguments: str | Json | None = None


class Call(msgspec.Struct, frozen=True):
    """A tool call of an earlier response."""

    id: str | None = None
    function: CalledFunction | None = None


class ChatMessage(msgspec.Struct, frozen=True):
    """A message. Reasoning in it (`reasoning_content`, `reasoning`, `thinking`) is ignored."""

    role: str
    content: str | list[Part | str] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    function_call: CalledFunction | None = None
    """The deprecated form of `tool_calls`; its result has the role `function`."""


class Function(msgspec.Struct, frozen=True):
    """A function that the client executes."""

    name: str
    description: str | None = None
    parameters: Json | None = None


class ToolDeclaration(msgspec.Struct, frozen=True):
    """A tool. Those of other types than `function` are ignored."""

    type: str = "function"
    function: Function | None = None


class ChosenTool(msgspec.Struct, frozen=True):
    """The one function that must be called."""

    type: str = "function"
    function: Function | None = None


class JsonSchema(msgspec.Struct, frozen=True):
    """A named JSON Schema."""

    name: str = "response"
    schema: Json | None = None
    strict: bool | None = None


class Format(msgspec.Struct, frozen=True):
    """The format of the answer."""

    type: str = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    """Options of a streamed response."""

    include_usage: bool | None = None


class ReasoningOptions(msgspec.Struct, frozen=True):
    """OpenRouter's `reasoning`. Its presence asks for reasoning."""

    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class Thinking(msgspec.Struct, frozen=True):
    """The switch of DeepSeek, GLM and Kimi."""

    type: str = "enabled"
    budget_tokens: int | None = None


class TemplateOptions(msgspec.Struct, frozen=True):
    """Arguments of the chat template (vLLM, SGLang)."""

    enable_thinking: bool | None = None


class ChatCompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/chat/completions`."""

    model: str | None = None
    messages: list[ChatMessage]
    stream: bool | None = None
    store: bool | None = None
    """`false`: save nothing of it, not even to remember the reasoning."""
    stream_options: StreamOptions | None = None
    tools: list[ToolDeclaration] | None = None
    tool_choice: str | ChosenTool | None = None
    functions: list[Function] | None = None
    """The deprecated form of `tools`."""
    parallel_tool_calls: bool | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: str | list[str] | None = None
    response_format: Format | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningOptions | None = None
    include_reasoning: bool | None = None
    thinking: Thinking | None = None
    enable_thinking: bool | None = None
    chat_template_kwargs: TemplateOptions | None = None
    reasoning_field: ReasoningField | None = None
    """The field for the reasoning of this response; see `[wires.openai]`."""
