"""A model request, independent of the provider.

A dialect's encoder converts a `ModelRequest` to the JSON of its API.
"""

from typing import Literal

import msgspec

from thinkaloud.events.model import ProviderPayload

RequestPart = str
"""A part of a request that a provider may reject.

`tools`, `images`, `system` (the system prompt as such), `developer` (that role), `opaque` (native
payloads), `reasoning` (of earlier turns), `bare_calls` (tool calls without reasoning), `effort`,
`output_limit` (above the model's maximum), `output_room` (above what the prompt leaves), or `body.`
and the path of a field of the JSON body, e.g. `body.stream_options`.
"""

EffortLevel = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""The reasoning effort. `none`: the model generates no reasoning."""

Effort = EffortLevel | int
"""A level, or a budget in reasoning tokens."""

EFFORT_LEVELS: tuple[EffortLevel, ...] = (
    "none",
    "minimal",
    "low",
    "medium",
    "high",
    "xhigh",
    "max",
)


class Image(msgspec.Struct, frozen=True):
    """An image, encoded as base64."""

    media_type: str
    """`image/png`, `image/jpeg`, `image/gif` or `image/webp`."""
    base64: str


class UserTurn(msgspec.Struct, frozen=True, tag="user"):
    """A user message, including its context and attached files."""

    text: str
    images: tuple[Image, ...] = ()


class ReasoningPart(msgspec.Struct, frozen=True, tag="reasoning"):
    """Readable reasoning of an earlier response."""

    text: str


class AnswerPart(msgspec.Struct, frozen=True, tag="answer"):
    """Answer text of an earlier response."""

    text: str


class ToolCallPart(msgspec.Struct, frozen=True, tag="tool_call"):
    """A tool call of an earlier response; `arguments` is JSON text."""

    tool_call_id: str
    name: str
    arguments: str


AssistantPart = ReasoningPart | AnswerPart | ToolCallPart


class AssistantTurn(msgspec.Struct, frozen=True, tag="assistant"):
    """An earlier model response.

    `native` is sent back unchanged if its origin equals the request's. Otherwise, the encoder
    renders `parts`; each dialect decides what to do with reasoning of other origins.
    """

    parts: tuple[AssistantPart, ...]
    native: ProviderPayload | None = None


class ToolResult(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The result of one tool call."""

    tool_call_id: str
    name: str
    content: str
    is_error: bool = False
    images: tuple[Image, ...] = ()
    """Its images, which `content` mentions. Dialects whose API accepts none leave them out."""


class ToolTurn(msgspec.Struct, frozen=True, tag="tool"):
    """The results of all tool calls of one response, in the order of the calls."""

    results: tuple[ToolResult, ...]


Turn = UserTurn | AssistantTurn | ToolTurn


class ToolSchema(msgspec.Struct, frozen=True):
    """A tool as the model sees it. `parameters` is a JSON Schema of type `object`."""

    name: str
    description: str
    parameters: dict[str, object]


class NamedTool(msgspec.Struct, frozen=True):
    """The one tool that a response must call."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
"""Whether a response may, must not or must call tools, or which one it must call."""


class ResponseFormat(msgspec.Struct, frozen=True):
    """The answer must be JSON."""

    schema: dict[str, object] | None = None
    """A JSON Schema that it must match. None: any object."""
    name: str = "response"
    strict: bool | None = None


class ModelOptions(msgspec.Struct, frozen=True):
    """Optional parameters of a model call. A dialect leaves out what its API doesn't have.

    None: the provider's default. The values are those of the Chat Completions API.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_format: ResponseFormat | None = None
    tool_choice: ToolChoice | None = None
    """Only for the first model call of a run: the others are free to answer."""
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    """Applies if it is lower than the operator's limit."""


class ModelRequest(msgspec.Struct, frozen=True):
    """One model call."""

    model: str
    """The provider's own name of the model, without the host."""
    turns: tuple[Turn, ...]
    system: str | None = None
    tools: tuple[ToolSchema, ...] = ()
    effort: Effort | None = None
    """None: the provider's default."""
    max_output_tokens: int | None = None
    send_opaque: bool = True
    """False: send no native payloads (after a provider rejected one)."""
    send_reasoning: bool = True
    """False: send no reasoning of earlier turns, in any form."""
    without: frozenset[RequestPart] = frozenset()
    """The parts that the provider rejected, which are left out."""
    conversation_id: str | None = None
    """For providers that route or cache by conversation; never required."""
    options: ModelOptions = ModelOptions()
