"""The chunks of the AI SDK's UI message stream, version 1.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and the schema in the `ai` package
(versions 6 and 7). Its clients end a chat in an error at a chunk of an unknown type, or with a null
in an optional field: an unset field is omitted, and our own data is in `data-*` chunks and metadata.
"""

from typing import Literal

import msgspec

from thinkaloud.events.event import Outcome, RunError, RunStatus, Timing
from thinkaloud.events.model import Usage
from thinkaloud.events.prompt import Effort

FinishReason = Literal["stop", "length", "tool-calls"]


class Chunk(msgspec.Struct, frozen=True, tag_field="type", rename="camel", omit_defaults=True):
    """The base of all chunks."""


class SegmentDetails(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a part says about its segment in the log."""

    segment_id: str
    duration_ms: int | None = None
    """From the first delta of a reasoning segment to its end, by the server's clock."""
    interrupted: bool = False


class ProviderMetadata(msgspec.Struct, frozen=True):
    """The `providerMetadata` of a part: our own fields are under `thinkaloud`."""

    thinkaloud: SegmentDetails


class StartMetadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The metadata of a message while its run is active."""

    conversation_id: str
    run_id: str
    model: str
    """`host/model`."""
    started_at_ms: int
    """Unix time in milliseconds, by the server's clock."""
    reasoning_effort: Effort | None = None


class TokenUsage(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The tokens of a run. `outputTokens` includes `reasoningTokens`."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    reasoning_tokens: int | None = None
    cached_input_tokens: int | None = None
    estimated: bool = False


class EndMetadata(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the end of the run adds to the metadata of its message."""

    status: RunStatus
    timing: "Durations"
    usage: TokenUsage | None = None
    outcome: Outcome | None = None
    error: RunError | None = None


class Durations(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Durations in milliseconds, by the server's clock."""

    reasoning_ms: int
    total_ms: int
    time_to_first_reasoning_ms: int | None = None
    time_to_first_answer_ms: int | None = None


class Start(Chunk, frozen=True, tag="start"):
    """The message begins."""

    message_id: str
    message_metadata: StartMetadata


class MessageMetadata(Chunk, frozen=True, tag="message-metadata"):
    """Adds to the metadata of the message. Sent before the end of a failed or stopped run."""

    message_metadata: EndMetadata


class StartStep(Chunk, frozen=True, tag="start-step"):
    """A model call begins."""


class FinishStep(Chunk, frozen=True, tag="finish-step"):
    """A model call and its tools have ended."""


class TextStart(Chunk, frozen=True, tag="text-start"):
    """An answer segment begins."""

    id: str
    provider_metadata: ProviderMetadata


class TextDelta(Chunk, frozen=True, tag="text-delta", gc=False):
    """An answer delta."""

    id: str
    delta: str


class TextEnd(Chunk, frozen=True, tag="text-end"):
    """An answer segment has ended."""

    id: str


class ReasoningStart(Chunk, frozen=True, tag="reasoning-start"):
    """A reasoning segment, or a further block of the provider in it, begins."""

    id: str
    provider_metadata: ProviderMetadata


class ReasoningDelta(Chunk, frozen=True, tag="reasoning-delta", gc=False):
    """A reasoning delta."""

    id: str
    delta: str


class ReasoningEnd(Chunk, frozen=True, tag="reasoning-end"):
    """A reasoning segment, or a block in it, has ended."""

    id: str
    provider_metadata: ProviderMetadata | None = None


class ToolInput(Chunk, frozen=True, tag="tool-input-available"):
    """A tool call. `provider_executed`: the server runs it, so the client must not."""

    tool_call_id: str
    tool_name: str
    input: object
    provider_executed: bool = False
    dynamic: bool = False


class ToolOutput(Chunk, frozen=True, tag="tool-output-available"):
    """The result of a tool that the server has run."""

    tool_call_id: str
    output: str
    provider_executed: bool = False
    dynamic: bool = False


class ToolError(Chunk, frozen=True, tag="tool-output-error"):
    """Why a tool that the server has run gave no result."""

    tool_call_id: str
    error_text: str
    provider_executed: bool = False
    dynamic: bool = False


class NoticeData(msgspec.Struct, frozen=True):
    """Information for the user."""

    code: str
    message: str


class NoticePart(Chunk, frozen=True, tag="data-notice"):
    """Information for the user, such as a retry. Transient: `onData` gets it, no message does."""

    data: NoticeData
    transient: bool = False


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """A closed segment turned out to be something else."""

    segment_id: str
    to: Literal["reasoning", "withdrawn"]


class Reclassified(Chunk, frozen=True, tag="data-reclassified"):
    """Rare: a part that was already sent was not what it was sent as, and should not be shown so.

    The stream has no way to take a part back. `segment_id` is in the part's `providerMetadata`.
    """

    id: str
    data: Change


class Finish(Chunk, frozen=True, tag="finish"):
    """The run has ended, and did not fail."""

    finish_reason: FinishReason
    message_metadata: EndMetadata


class Abort(Chunk, frozen=True, tag="abort"):
    """The run was stopped."""

    reason: str


class Failure(Chunk, frozen=True, tag="error"):
    """The run has failed. The client shows the text, so it contains no secrets."""

    error_text: str


def token_usage(usage: Usage) -> TokenUsage:
    """Return the tokens of a run in the AI SDK's terms."""
    return TokenUsage(
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens + usage.output_tokens,
        usage.reasoning_tokens,
        usage.cache_read_tokens,
        usage.estimated,
    )


def durations(timing: Timing) -> Durations:
    """Return the durations of a run."""
    return Durations(
        timing.reasoning_ms,
        timing.total_ms,
        timing.time_to_first_reasoning_ms,
        timing.time_to_first_answer_ms,
    )
