"""Model events: what every decoder produces, whatever the provider's API format.

A decoder turns bytes into these, in the order in which the provider sent them; nothing is
merged, dropped or invented. Exactly one `ModelFinished` or `ModelFailed` comes last.
"""

from typing import Literal

import msgspec

from thinkaloud.errors import ProviderCode

FinishReason = Literal["stop", "length", "tool_calls", "pause"]
"""Why the model stopped, normalised. `pause`: the provider wants to be called again as is."""

ReasoningStatus = Literal["none", "shown", "hidden_by_provider"]
"""Whether the response had reasoning, and whether the provider sent its text."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an opaque payload was issued. It is sent back only to an equal origin (P13)."""

    dialect: str
    """The API format, e.g. `anthropic-messages`."""
    endpoint: str
    """The host's base URL."""
    model: str
    """The provider's own name for the model."""


class ProviderPayload(msgspec.Struct, frozen=True, gc=False):
    """One assistant response exactly as its provider expects it back.

    `payload` is JSON in the dialect's own shape (content blocks, output items, parts, a
    message). It contains opaque fields (signatures, encrypted items) byte for byte.
    It holds reasoning: it is never shown, searched, logged or exported (P1, P7).
    """

    origin: Origin
    payload: msgspec.Raw


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Token counts of a response or a run. Output tokens include reasoning."""

    input_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int | None = None
    """None if the provider doesn't report it."""
    cache_read_tokens: int | None = None
    """Input tokens read from the provider's cache; included in `input_tokens`."""
    cache_write_tokens: int | None = None
    """Input tokens written to the provider's cache; included in `input_tokens`."""
    estimated: bool = False
    raw: dict[str, object] | None = None
    """The provider's own figures, unchanged."""


class ReasoningText(msgspec.Struct, frozen=True, tag="reasoning", gc=False):
    """The next piece of reasoning; never empty.

    `part` rises where the provider itself begins a new block or summary part, so that a
    reader may break the paragraph there; no byte is added to the text.
    """

    text: str
    part: int = 0


class AnswerText(msgspec.Struct, frozen=True, tag="answer", gc=False):
    """The next piece of the answer; never empty.

    `block` differs from the last one's where the provider itself begins a new block of text.
    """

    text: str
    block: int = 0


class Reclassified(msgspec.Struct, frozen=True, tag="reclassified", gc=False):
    """What this response has said so far was of another kind.

    `reasoning`: all its answer text was reasoning, because a closing tag came that no tag had
    opened. `withdrawn`: its reasoning was the answer, which follows as answer text.
    """

    to: Literal["reasoning", "withdrawn"]


class ToolCallOpened(msgspec.Struct, frozen=True, tag="tool_call_opened", gc=False):
    """The model began to write a tool call. Its arguments follow in a `ToolCall`."""

    tool_call_id: str
    name: str


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call", gc=False):
    """A whole tool call. `arguments` is the JSON text that the model wrote, unparsed."""

    tool_call_id: str
    name: str
    arguments: str


class ServerToolActivity(msgspec.Struct, frozen=True, tag="server_item", gc=False):
    """Something that the provider did on its own side: a web search, code execution."""

    kind: str


class Keepalive(msgspec.Struct, frozen=True, tag="alive", gc=False):
    """The provider is at work without a word to show: a ping, hidden reasoning, argument text."""


class ModelFinished(msgspec.Struct, frozen=True, tag="finished", gc=False):
    """The response ended as its dialect says it should."""

    finish_reason: FinishReason
    raw_finish_reason: str = ""
    """The provider's own word."""
    reasoning_status: ReasoningStatus = "none"
    usage: Usage | None = None
    native: ProviderPayload | None = None
    """None where the dialect needs nothing back but the plain text and calls."""


class ModelFailed(msgspec.Struct, frozen=True, tag="failed", gc=False):
    """The response broke off, was refused or reported an error; what came before stands.

    `usage` is what the provider had counted by then.
    """

    code: ProviderCode
    message: str
    retryable: bool = False
    retry_after: float | None = None
    usage: Usage | None = None
    rejected: str = ""
    """The part of the request that the provider refused, such as `tools` (`RequestPart`): a request
    without it may succeed."""


ModelEvent = (
    ReasoningText
    | AnswerText
    | Reclassified
    | ToolCallOpened
    | ToolCall
    | ServerToolActivity
    | Keepalive
    | ModelFinished
    | ModelFailed
)
"""Everything that a decoder can say."""
