"""Requests of the Messages API. Fields that aren't listed are ignored.

Fields whose type depends on the type of their block are decoded with it, so that blocks of unknown
types can have any.
"""

import msgspec

Json = dict[str, object]


class Source(msgspec.Struct, frozen=True):
    """Where the content of an image or a document is: base64, a URL, text or blocks."""

    type: str = "base64"
    data: str | None = None
    url: str | None = None
    content: object = None


class Block(msgspec.Struct, frozen=True):
    """A content block. Those of unknown types are ignored."""

    type: str = "text"
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    source: object = None
    """A `Source`, of an image or a document."""
    id: str | None = None
    name: str | None = None
    input: object = None
    tool_use_id: str | None = None
    content: object = None
    """Of a `tool_result`, a text or blocks."""
    is_error: bool | None = None
    title: str | None = None


Content = str | list[Block]


class Contents(msgspec.Struct, frozen=True):
    """What is in a block that contains others."""

    content: Content


class Message(msgspec.Struct, frozen=True):
    """A message of the user or the assistant. Some betas send `system` messages, too."""

    role: str
    content: Content


class Tool(msgspec.Struct, frozen=True):
    """A tool. Those that Anthropic defines or executes are ignored: they have another type."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Json | None = None


class ToolChoice(msgspec.Struct, frozen=True):
    """Whether tools may, must not or must be called."""

    type: str = "auto"
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct, frozen=True):
    """Whether to reason, and whether to send the reasoning."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None
    """`omitted`: reason, but don't send it."""


class OutputFormat(msgspec.Struct, frozen=True):
    """The format of the answer."""

    type: str = "text"
    schema: Json | None = None


class OutputConfig(msgspec.Struct, frozen=True):
    """Effort and format."""

    effort: str | None = None
    format: OutputFormat | None = None


class CountTokensRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/messages/count_tokens`."""

    model: str
    messages: list[Message]
    system: Content | None = None
    tools: list[Tool] | None = None


class MessagesRequest(CountTokensRequest, frozen=True, kw_only=True):
    """`POST /v1/messages`."""

    max_tokens: int
    stream: bool | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    """The beta form of `output_config.format`."""
    tool_choice: ToolChoice | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None


class ModelsQuery(msgspec.Struct, frozen=True):
    """The query of `GET /v1/models`."""

    limit: int = 1_000
    after_id: str | None = None
    before_id: str | None = None
