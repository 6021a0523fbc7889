"""Requests of the Responses API. Fields that aren't listed are ignored."""

from typing import Literal

import msgspec

Json = dict[str, object]


class Part(msgspec.Struct, frozen=True):
    """A part of a message or of a tool's output. Parts of unknown types are ignored."""

    type: str = "input_text"
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None


class InputItem(msgspec.Struct, frozen=True, kw_only=True):
    """An input item: a message if it has no type. Items of unknown types are ignored."""

    type: str | None = None
    id: str | None = None
    role: str | None = None
    content: str | list[Part | str] | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | Json | None = None
    output: str | list[Part | str] | Json | None = None


class ToolDeclaration(msgspec.Struct, frozen=True):
    """A tool. Those of other types than `function` are ignored."""

    type: str = "function"
    name: str | None = None
    description: str | None = None
    parameters: Json | None = None


class ChosenTool(msgspec.Struct, frozen=True):
    """The one tool that must be called."""

    type: str = "function"
    name: str | None = None


class ReasoningOptions(msgspec.Struct, frozen=True):
    """Options for reasoning. A `summary` asks for it."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    """The deprecated name of `summary`."""


class Format(msgspec.Struct, frozen=True):
    """The format of the answer."""

    type: str = "text"
    name: str = "response"
    schema: Json | None = None
    strict: bool | None = None


class TextOptions(msgspec.Struct, frozen=True):
    """Options for the answer."""

    format: Format | None = None


class NamedConversation(msgspec.Struct, frozen=True):
    """A stored conversation."""

    id: str


class ResponsesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/responses`."""

    model: str | None = None
    input: str | list[InputItem] = ""
    instructions: str | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    conversation: str | NamedConversation | None = None
    include: list[str] | None = None
    tools: list[ToolDeclaration] | None = None
    tool_choice: str | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningOptions | None = None
    text: TextOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    metadata: Json | None = None
    include_reasoning: bool | None = None
    """Asks for reasoning, like `reasoning.summary`; false: no reasoning."""
    reasoning_events: Literal["summary", "text"] | None = None
    """The form of the reasoning; see `[wires.openai]`."""
