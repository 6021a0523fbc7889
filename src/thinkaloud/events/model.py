"""Model events: what every decoder produces, whatever the provider's API format.

A decoder converts bytes into these events, in the order in which the provider sent them, without
merging or dropping any. The last event is a single `ModelFinished` or `ModelFailed`.
"""

from typing import Literal

import msgspec

from thinkaloud.errors import ProviderCode

FinishReason = Literal["stop", "length", "tool_calls", "pause"]
"""Why the model stopped, normalized. `pause`: the provider wants to be called again as is."""

ReasoningStatus = Literal["none", "shown", "hidden_by_provider", "hidden_by_policy"]
"""Whether the response had reasoning, and who hid its text: the provider did not send it, or the
operator's policy denied recording it."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an opaque payload comes from. It is sent back only to an equal origin (P13)."""

    dialect: str
    """The API format, e.g. `anthropic-messages`."""
    endpoint: str
    """The host's base URL."""
    model: str
    """The provider's own name for the model."""


class ProviderPayload(msgspec.Struct, frozen=True, gc=False):
    """An assistant response in the form in which its provider expects it back.

    `payload` is JSON in the dialect's own format (content blocks, output items, parts, a message),
    with opaque fields (signatures, encrypted items) unchanged byte for byte. It contains reasoning,
    so it is never shown, searched, logged or exported (P1, P7).
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
    """A reasoning delta, never empty.

    `part` increases where the provider starts a new block or summary part, so that clients can
    start a new paragraph there. The text itself is unchanged.
    """

    text: str
    part: int = 0


class AnswerText(msgspec.Struct, frozen=True, tag="answer", gc=False):
    """An answer delta, never empty.

    `block` changes where the provider starts a new block of text.
    """

    text: str
    block: int = 0


class Reclassified(msgspec.Struct, frozen=True, tag="reclassified", gc=False):
    """The output of this response so far turned out to be of another kind.

    `reasoning`: all its answer text was reasoning, because of a closing tag without an opening
    tag. `withdrawn`: its reasoning was the answer, which follows as answer text.
    """

    to: Literal["reasoning", "withdrawn"]


class ToolCallOpened(msgspec.Struct, frozen=True, tag="tool_call_opened", gc=False):
    """The model started a tool call. Its arguments follow in a `ToolCall`."""

    tool_call_id: str
    name: str


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call", gc=False):
    """A complete tool call. `arguments` is the JSON text that the model wrote, unparsed."""

    tool_call_id: str
    name: str
    arguments: str


class ServerToolActivity(msgspec.Struct, frozen=True, tag="server_item", gc=False):
    """Activity of the provider itself, such as a web search or code execution."""

    kind: str


class Keepalive(msgspec.Struct, frozen=True, tag="alive", gc=False):
    """The provider is active without visible output: a ping, hidden reasoning, argument text."""


class ModelFinished(msgspec.Struct, frozen=True, tag="finished", gc=False):
    """The response is complete."""

    finish_reason: FinishReason
    raw_finish_reason: str = ""
    """The provider's own value."""
    reasoning_status: ReasoningStatus = "none"
    usage: Usage | None = None
    native: ProviderPayload | None = None
    """None if the dialect needs only the text and the tool calls back."""


class ModelFailed(msgspec.Struct, frozen=True, tag="failed", gc=False):
    """The response was cut off, rejected or reported an error. The output before it remains valid.

    `usage` is what the provider had reported by then.
    """

    code: ProviderCode
    message: str
    retryable: bool = False
    retry_after: float | None = None
    usage: Usage | None = None
    rejected: str = ""
    """The part of the request that the provider rejected (a `RequestPart`), such as `tools`: a
    request without it may succeed."""


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
"""Everything that a decoder can produce."""
