"""What goes to a model: one request, in no provider's shape.

A dialect's encoder turns a `ModelRequest` into its provider's JSON.
"""

from typing import Literal

import msgspec

from thinkaloud.events.model import ProviderPayload

RequestPart = str
"""A part of a request that a provider may refuse.

`tools`, `images`, `system` (the system prompt as such), `developer` (that role), `opaque` (native
payloads), `reasoning` (of earlier turns), `bare_calls` (tool calls without reasoning), `effort`, `output_limit` (above what the model can),
`output_room` (above what the prompt leaves), or `body.` and the path of a member of the JSON body,
e.g. `body.stream_options`.
"""

EffortLevel = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
"""How hard a model is asked to think. `none`: no reasoning is generated at all."""

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
    """A picture, as bytes in base64."""

    media_type: str
    """`image/png`, `image/jpeg`, `image/gif` or `image/webp`."""
    base64: str


class UserTurn(msgspec.Struct, frozen=True, tag="user"):
    """What the user said, with the material put before it."""

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
    """One earlier model response.

    `native` is sent back as it is where its origin equals the request's; otherwise the
    parts are rendered, and what an encoder does with foreign reasoning is its dialect's rule.
    """

    parts: tuple[AssistantPart, ...]
    native: ProviderPayload | None = None


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool gave back for one call."""

    tool_call_id: str
    name: str
    content: str
    is_error: bool = False


class ToolTurn(msgspec.Struct, frozen=True, tag="tool"):
    """The results of all calls of one response, in the order of the calls."""

    results: tuple[ToolResult, ...]


Turn = UserTurn | AssistantTurn | ToolTurn


class ToolSchema(msgspec.Struct, frozen=True):
    """A tool as the model sees it. `parameters` is a JSON Schema of type `object`."""

    name: str
    description: str
    parameters: dict[str, object]


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
    """False: leave every native payload behind (after a provider refused one)."""
    send_reasoning: bool = True
    """False: send no reasoning of earlier turns at all, in whatever form."""
    without: frozenset[RequestPart] = frozenset()
    """What the provider refused before: the request is made without it."""
    conversation_id: str | None = None
    """For providers that route or cache by conversation; never required."""
