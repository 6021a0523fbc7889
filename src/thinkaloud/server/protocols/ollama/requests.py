"""Requests of Ollama's clients. Fields that aren't listed are ignored."""

import msgspec

Json = dict[str, object]


class CalledFunction(msgspec.Struct, frozen=True):
    """The function of a tool call. The arguments are an object; some clients send JSON text."""

    name: str
    arguments: Json | str | None = None


class Call(msgspec.Struct, frozen=True):
    """A tool call of an earlier response."""

    function: CalledFunction
    id: str | None = None


class ChatMessage(msgspec.Struct, frozen=True):
    """A message. Its `thinking` is ignored: see `turn_memory`."""

    role: str
    content: str | None = None
    images: list[str] | None = None
    """Base64."""
    tool_calls: list[Call] | None = None
    tool_name: str | None = None
    """For the result of a tool: which one. Without it or an id, results are in order of the calls."""
    tool_call_id: str | None = None


class Function(msgspec.Struct, frozen=True):
    """A function that the client executes."""

    name: str
    description: str | None = None
    parameters: Json | None = None


class Tool(msgspec.Struct, frozen=True):
    """A tool of the client."""

    type: str = "function"
    function: Function | None = None


class Options(msgspec.Struct, frozen=True):
    """Options of the model call. Those of Ollama's own runner are ignored."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stop: list[str] | str | None = None
    num_predict: int | None = None
    """The maximum of output tokens; negative: no maximum."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of both endpoints."""

    model: str
    stream: bool | None = None
    """By default true."""
    think: bool | str | None = None
    """Whether to reason, and to send the reasoning; or with which effort."""
    format: str | Json | None = None
    """`json`, or a JSON Schema."""
    options: Options | None = None


class ChatRequest(Generation, frozen=True, kw_only=True):
    """`POST /api/chat`. Without messages, it only loads the model."""

    messages: list[ChatMessage] | None = None
    tools: list[Tool] | None = None


class GenerateRequest(Generation, frozen=True, kw_only=True):
    """`POST /api/generate`. Without a prompt, it only loads the model."""

    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None


class ShowRequest(msgspec.Struct, frozen=True):
    """`POST /api/show`."""

    model: str | None = None
    name: str | None = None
    """The old name of `model`."""
